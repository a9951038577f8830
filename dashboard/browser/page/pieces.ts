import { html } from "htm/preact";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { Outcome } from "../../../auditor/verdict.ts";
import type { Conduct } from "../../../auditor/conformity.ts";
import { escapeControls } from "../../../protocol/text/escapeControls.ts";
import type { BlockTime } from "../../../auditor/report/actRecord.ts";
import { settings } from "./embedded.ts";
import { t, time } from "./i18n.ts";
import { called } from "./state.ts";

/** A text that somebody else wrote, as it can be shown: nothing in it hides, turns or commands what is around it. */
export function seen(text: string, limit = 300): string {
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return escapeControls(cut);
}

const marks: Readonly<Record<string, string>> = {
  holds: "✓",
  fails: "✕",
  unproven: "?",
  unchecked: "·",
  absent: "–",
  conforms: "✓",
  violates: "✕",
  undecidable: "?",
  "not judged": "?",
  "no act": "–",
  proven: "✓",
  contradicted: "✕",
  kept: "✓",
  broken: "✕",
  undecided: "?",
};

/** What a state is, by sign, word and colour: never by colour alone. */
export function Mark({ of, word, label }: { of: string; word?: boolean; label: string }) {
  return html`<span class=${`mark mark-${of.replace(" ", "-")}`}
    ><span aria-hidden="true">${marks[of] ?? "?"}</span
    >${word ? html` ${label}` : html`<span class="quiet">${label}</span>`}</span
  >`;
}

export function ProofMark({ of, word = false }: { of: Outcome | null; word?: boolean }) {
  return html`<${Mark} of=${of ?? "unchecked"} word=${word} label=${t(`proof.${of ?? "unchecked"}`)} />`;
}

export function RulesMark({ of, word = false }: { of: Conduct | null; word?: boolean }) {
  return html`<${Mark}
    of=${of ?? "unchecked"}
    word=${word}
    label=${of === null ? t("proof.unchecked") : t(`rules.${of}`)}
  />`;
}

/** An agent by name, its DID on demand. */
export function Who({ did }: { did: string }) {
  const name = seen(called(did), 60);
  const hint = t("act.nameHint", { did: seen(did) });
  return html`<span class="who" title=${hint}>${name}</span>`;
}

export function Block({ at }: { at: BlockTime }) {
  const { explorer } = settings;
  const block = t("act.block", { block: at.block });
  const shown = explorer
    ? html`<a
        href=${`${explorer}/block/${at.block}`}
        rel="noreferrer noopener"
        target="_blank"
        title=${t("explorer.block", { host: new URL(explorer).host })}
        >${block}</a
      >`
    : block;
  return html`<span class="time"
    >${at.timeSec === null ? "" : html`${time(at.timeSec)} `}<small>${shown}</small></span
  >`;
}

export function CopyButton({ text, label }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  };
  return html`<button type="button" class="small no-print" onClick=${copy}>
    ${copied ? t("copy.done") : (label ?? t("copy.copy"))}
  </button>`;
}

export function Command({ line }: { line: string }) {
  return html`<div class="command"><code tabindex="0">${line}</code><${CopyButton} text=${line} /></div>`;
}

/** A text of any length: a part of it, and the rest on demand. On paper all of it. */
export function LongText({ text, limit = 600 }: { text: string; limit?: number }) {
  const [whole, setWhole] = useState(false);
  if (text.length <= limit) return html`<span class="text">${seen(text, limit)}</span>`;
  return html`<span class="text"
    >${whole ? seen(text, text.length) : seen(text, limit)}
    ${
      whole
        ? null
        : html`<button type="button" class="small no-print" onClick=${() => setWhole(true)}>
            ${t("value.all", { count: text.length })}
          </button>`
    }</span
  >`;
}

export function Section({ title, children }: { title: string; children?: ComponentChildren }) {
  return html`<section class="section">
    <h2>${title}</h2>
    ${children}
  </section>`;
}
