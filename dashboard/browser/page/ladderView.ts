import { html } from "htm/preact";

import type { Verdict } from "../../../auditor/verdict.ts";
import type { Rung } from "../../model/ladder.ts";
import type { ActDetail, Raw } from "../../model/messages.ts";
import { isText, t } from "./i18n.ts";
import { CopyButton, LongText, Mark, seen } from "./pieces.ts";

/** identity → policy → attestation → contract → act → inclusion → anchor: each with what proves it. */
export function Ladder({ shown }: { shown: ActDetail }) {
  return html`<section class="ladder">
    <h3>${t("ladder.title")}</h3>
    <ol>
      ${shown.rungs.map((rung) => html`<${RungView} rung=${rung} raw=${shown.raw[rung.name] ?? []} />`)}
    </ol>
  </section>`;
}

function RungView({ rung, raw }: { rung: Rung; raw: readonly Raw[] }) {
  const { name, state, verdicts } = rung;
  const label = state === "absent" ? t("rung.absent") : t(`proof.${state}`);
  const absent = `rung.absentText.${name}`;
  return html`<li class=${`rung rung-${state}`}>
    <div class="rung-head">
      <strong>${t(`rung.${name}`)}</strong>
      <${Mark} of=${state} word label=${label} />
    </div>
    ${state === "absent" && isText(absent) ? html`<p>${t(absent)}</p>` : null}
    <ul>
      ${verdicts.map((verdict) => html`<${VerdictLine} verdict=${verdict} />`)}
    </ul>
    ${
      raw.length === 0
        ? null
        : html`<details>
            <summary>${t("rung.raw")}</summary>
            ${raw.map(
              ({ title, text }) =>
                html`<div class="raw">
                  <h4>${seen(title)} <${CopyButton} text=${text} /></h4>
                  <pre tabindex="0">
${text.length > 20000 ? html`<${LongText} text=${text} limit=${20000} />` : linesOf(text)}</pre>
                </div>`,
            )}
          </details>`
    }
  </li>`;
}

/** Line by line: what stands in a line is shown and not obeyed. */
function linesOf(text: string): string {
  return text
    .split("\n")
    .map((line) => seen(line, 20000))
    .join("\n");
}

export function VerdictLine({
  verdict,
}: {
  verdict: Pick<Verdict, "outcome" | "check" | "detail" | "code" | "expected" | "found">;
}) {
  const { outcome, check, detail, code, expected, found } = verdict;
  return html`<li class=${`verdict verdict-${outcome}`}>
    <${Mark} of=${outcome} label=${t(`proof.${outcome}`)} />
    <span
      ><span class="check">${check}</span>
      <span lang="en"><${LongText} text=${detail} /></span>
      ${outcome === "holds" ? null : html` <code class="id">${code}</code>`}
      ${
        expected === undefined && found === undefined
          ? null
          : html`<dl class="compare">
              ${
                expected === undefined
                  ? null
                  : html`<div>
                      <dt>${t("verdict.expected")}</dt>
                      <dd>
                        <code><${LongText} text=${expected} /></code>
                      </dd>
                    </div>`
              }
              ${
                found === undefined
                  ? null
                  : html`<div>
                      <dt>${t("verdict.found")}</dt>
                      <dd>
                        <code><${LongText} text=${found} /></code>
                      </dd>
                    </div>`
              }
            </dl>`
      }</span
    >
  </li>`;
}
