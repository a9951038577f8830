import { html } from "htm/preact";

import { headlineOf, moneyIn } from "../../model/summary.ts";
import { moneyWords } from "./headlineView.ts";
import { t, time } from "./i18n.ts";
import { Command, Section, seen } from "./pieces.ts";
import { called, file, overview, rows } from "./state.ts";
import { commandFor } from "./checksView.ts";

/** For whoever reads no tables: what is shown, what was broken, and what all this cannot say. */
export function SummaryView() {
  const report = overview.value?.report;
  const evidence = report?.evidence;
  if (!report || !evidence) return null;
  const head = headlineOf(report);
  const { holds, fails, unproven } = head.verdicts;
  const counts = { all: holds + fails + unproven, fails, unproven };
  const times = rows.value.map(({ from, to }) => [from.timeSec, to?.timeSec ?? null] as const);
  const firsts = times.flatMap(([first]) => first ?? []);
  const lasts = times.flatMap(([, last]) => last ?? []);
  const about = {
    file: seen(file.value?.name ?? "", 120),
    entries: evidence.entries,
    agents: report.agents.length,
    sha: evidence.sha256,
  };
  const isTimed = firsts.length === times.length && lasts.length === times.length && times.length > 0;
  return html`<div class="reading prose">
    <${Section} title=${t("summary.title")}>
      <p>
        ${
          isTimed
            ? t("summary.file", { ...about, from: time(least(firsts)), to: time(most(lasts)) })
            : t("summary.fileNoTime", about)
        }
      </p>
      <p>${t(`summary.${head.proof}`, counts)}</p>
      <p>${t(`summary.${head.rules}`, { judged: head.judged, broken: head.broken, undecided: head.undecided })}</p>
      ${
        report.conformity.violated.length === 0
          ? null
          : html`<h3>${t("summary.brokenRules")}</h3>
              <ul>
                ${report.conformity.violated.map(({ rule, findings }) => {
                  const lines = new Set(findings.map(({ line }) => line));
                  const sums = moneyIn(rows.value.filter(({ line }) => lines.has(line)));
                  const values = { rule: seen(rule, 400), count: findings.length, money: moneyWords(sums) };
                  return html`<li>${t(sums.length === 0 ? "summary.ruleNoMoney" : "summary.rule", values)}</li>`;
                })}
              </ul>`
      }
      <h3>${t("summary.who")}</h3>
      <ul>
        ${report.agents.map(
          ({ agent, kinds, violations }) =>
            html`<li>
              ${t("summary.agent", {
                name: seen(called(agent), 80),
                acts: kinds.act ?? 0,
                refusals: kinds.refusal ?? 0,
                broken: violations,
                did: seen(agent),
              })}
            </li>`,
        )}
      </ul>
      <h3>${t("summary.limits")}</h3>
      <ul lang="en">
        ${report.limits.map((limit) => html`<li>${seen(limit, 2000)}</li>`)}
      </ul>
      <p>${t("summary.terms")}</p>
      <p>${t("open.maker")}</p>
      <${Command} line=${commandFor(file.value?.name ?? "evidence.jsonl", file.value?.rpcUrl ?? null)} />
    <//>
  </div>`;
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), -Infinity);
}
