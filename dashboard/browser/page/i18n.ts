import { signal } from "@preact/signals";

import { de } from "../../languages/de.ts";
import { en, type Text, type Texts } from "../../languages/en.ts";
import { es } from "../../languages/es.ts";
import type { Language } from "../../model/settings.ts";

const texts: Readonly<Record<Language, Texts>> = { en, de, es };

export const languageNames: Readonly<Record<Language, string>> = { en: "English", de: "Deutsch", es: "Español" };

export const language = signal<Language>("en");

/** A text of the page in the reader's language. */
export function t(key: Text, values: Readonly<Record<string, string | number>> = {}): string {
  return texts[language.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

export function isText(key: string): key is Text {
  return Object.hasOwn(en, key);
}

export function number(value: number): string {
  return value.toLocaleString(language.value);
}

/** In the reader's zone, with the zone. */
export function time(timeSec: number): string {
  return new Date(timeSec * 1000).toLocaleString(language.value, {
    dateStyle: "medium",
    timeStyle: "long",
  });
}

export function shortTime(timeSec: number): string {
  return new Date(timeSec * 1000).toLocaleString(language.value, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

export function money(value: number, currency: string | null): string {
  const two = { minimumFractionDigits: Number.isInteger(value) && currency === null ? 0 : 2, maximumFractionDigits: 2 };
  const text = value.toLocaleString(language.value, two);
  return currency === null ? text : `${text} ${currency}`;
}
