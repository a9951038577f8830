import { signal } from "@preact/signals";

/** As the reader's system has it, until they say otherwise. */
export const theme = signal<"light" | "dark" | null>(null);

export function switchTheme(): void {
  const dark = theme.value === null ? matchMedia("(prefers-color-scheme: dark)").matches : theme.value === "dark";
  theme.value = dark ? "light" : "dark";
  document.documentElement.dataset["theme"] = theme.value;
}
