import { computed } from "@preact/signals";
import { html } from "htm/preact";

import { headlineOf, moneyIn, type Money } from "../../model/summary.ts";
import { settings } from "./embedded.ts";
import { money, t } from "./i18n.ts";
import { Mark, seen } from "./pieces.ts";
import { file, open, overview, phase, progress, rows, silence } from "./state.ts";

export const brokenMoney = computed(() => moneyIn(rows.value.filter(({ conduct }) => conduct === "violates")));

export function moneyWords(sums: readonly Money[]): string {
  return sums.map(({ currency, value }) => money(value, currency)).join(" + ");
}

/** Two answers side by side, neither over the other, and what both rest on. */
export function HeadlineView() {
  const known = overview.value;
  if (phase.value === "checking" || !known) return html`<${ProgressView} />`;
  const head = headlineOf(known.report);
  const { holds, fails, unproven } = head.verdicts;
  const counts = { all: holds + fails + unproven, fails, unproven };
  return html`<section class="headline" aria-label=${t("page.title")}>
    <div class=${`answer answer-${head.proof}`}>
      <h2>${t("head.proof")}</h2>
      <p class="big"><${Mark} of=${head.proof} word label=${t(`proof.${head.proof}`)} /></p>
      <p>${t(`proof.line.${head.proof}`, counts)}</p>
    </div>
    <div class=${`answer answer-${head.rules}`}>
      <h2>${t("head.rules")}</h2>
      <p class="big"><${Mark} of=${head.rules} word label=${t(`rules.${head.rules}`)} /></p>
      <p>
        ${t(`rules.line.${head.rules}`, { judged: head.judged, broken: head.broken, undecided: head.undecided })}
        ${
          head.broken === 0
            ? null
            : html` <strong
                >${
                  brokenMoney.value.length === 0
                    ? t("rules.noMoney")
                    : t("rules.money", { money: moneyWords(brokenMoney.value) })
                }</strong
              >`
        }
        ${head.proof === "contradicted" ? html` ${t("rules.untrue")}` : null}
      </p>
    </div>
    <${Trusted} />
  </section>`;
}

function Trusted() {
  const report = overview.value?.report;
  if (!report) return null;
  const { chain, evidence, log } = report;
  const line = (good: boolean, words: string) =>
    html`<li><${Mark} of=${good ? "holds" : "unproven"} label="" /> <span>${words}</span></li>`;
  return html`<div class="answer answer-trust">
    <h2>${t("head.trust")}</h2>
    <ul class="trusted">
      ${
        chain && evidence
          ? line(true, t("trust.endpoint", { chain: evidence.chainId, block: chain.blockNumber }))
          : line(
              false,
              silence.value === null ? t("trust.noEndpoint") : t("trust.silent", { host: hostOf(file.value?.rpcUrl) }),
            )
      }
      ${
        silence.value === null
          ? null
          : html`<li>
              <button
                type="button"
                class="small no-print"
                id="again"
                onClick=${() => file.value && void open(file.value)}
              >
                ${t("trust.again")}
              </button>
              <small lang="en">${seen(silence.value, 200)}</small>
            </li>`
      }
      ${settings.contracts && chain ? line(true, t("trust.deployment")) : line(false, t("trust.noDeployment"))}
      ${evidence ? line(log !== null, t("trust.log", { origin: seen(evidence.origin, 80) })) : null}
      ${line(false, t("trust.noWitness"))}
      ${Object.keys(settings.names).length > 0 ? line(false, t("trust.names")) : null}
    </ul>
  </div>`;
}

function ProgressView() {
  const at = progress.value;
  const words = at === null ? t("work.reading") : at.stage === "entries" ? t("work.entries") : t("work.conformity");
  return html`<section class="headline working" aria-busy="true">
    <p role="status">${words}${at && at.total > 0 ? ` ${Math.floor((100 * at.done) / at.total)} %` : ""}</p>
    <progress
      max=${at?.total ?? 1}
      value=${at === null ? undefined : at.done}
      aria-label=${t("stage.label")}
    ></progress>
  </section>`;
}

function hostOf(url: string | null | undefined): string {
  return url && URL.canParse(url) ? new URL(url).host : "";
}
