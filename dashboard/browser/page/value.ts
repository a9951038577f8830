import { html } from "htm/preact";
import { useState } from "preact/hooks";

import type { Json } from "../../../protocol/json/canonical.ts";
import { t } from "./i18n.ts";
import { LongText, seen } from "./pieces.ts";

const firstItems = 40;
const deepest = 12;

/** Any disclosed value, as names and values one below the other. */
export function Value({ value, depth = 0 }: { value: Json; depth?: number }) {
  const [all, setAll] = useState(false);
  if (value === null || typeof value !== "object") return html`<${Scalar} value=${value} />`;
  const entries: readonly (readonly [string, Json])[] = Array.isArray(value)
    ? (value as readonly Json[]).map((item, i) => [String(i + 1), item] as const)
    : Object.entries(value as { readonly [key: string]: Json });
  if (entries.length === 0) return html`<code class="scalar">${Array.isArray(value) ? "[]" : "{}"}</code>`;
  // Deeper than anybody reads: by its text, so that nobody's nesting fills the stack.
  if (depth >= deepest) return html`<${LongText} text=${JSON.stringify(value)} />`;
  const shown = all ? entries : entries.slice(0, firstItems);
  return html`<dl class="value">
    ${shown.map(
      ([key, item]) =>
        html`<div>
          <dt>${seen(key, 80)}</dt>
          <dd><${Value} value=${item} depth=${depth + 1} /></dd>
        </div>`,
    )}
    ${
      shown.length < entries.length
        ? html`<div>
            <dt></dt>
            <dd>
              <button type="button" class="small" onClick=${() => setAll(true)}>
                ${t("value.more", { count: entries.length - shown.length })}
              </button>
            </dd>
          </div>`
        : null
    }
  </dl>`;
}

function Scalar({ value }: { value: null | boolean | number | string }) {
  if (typeof value === "string") return html`<${LongText} text=${value} />`;
  return html`<code class="scalar">${String(value)}</code>`;
}

/** One line of what an act was given: its plain fields, the ones that people read. */
export function briefOf(value: Json | undefined, limit = 120): string {
  if (value === undefined) return "";
  if (value === null || typeof value !== "object") return seen(String(value), limit);
  const parts: string[] = [];
  let length = 0;
  for (const [key, item] of Object.entries(value as { readonly [key: string]: Json })) {
    if (length > limit) break;
    const text =
      item !== null && typeof item === "object"
        ? Array.isArray(item)
          ? `${key} [${item.length}]`
          : `${key} {…}`
        : `${key} ${String(item).slice(0, limit)}`;
    parts.push(text);
    length += text.length;
  }
  return seen(parts.join(" · "), limit);
}
