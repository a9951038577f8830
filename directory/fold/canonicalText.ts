import type { Value } from "../events/event.ts";

/**
 * RFC 8785 text of a value of ours: members by name, no white space. Events hold whole numbers up to 2^53, hex, ASCII names and
 * what strangers wrote, so numbers and text are as `JSON.stringify` has them; a lone surrogate, which UTF-8 of an event can
 * never decode to, would be escaped.
 */
export function canonicalText(value: Value): string {
  if (typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Value[]).map(canonicalText).join(",")}]`;
  const members = value as Readonly<Record<string, Value>>;
  const names = Object.keys(members).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonicalText(members[name] as Value)}`).join(",")}}`;
}
