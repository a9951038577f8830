import { html } from "htm/preact";

import type { Row } from "../../model/row.ts";
import { HeadlineView } from "./headlineView.ts";
import { money, t, time } from "./i18n.ts";
import { ProofMark, RulesMark, seen, Who } from "./pieces.ts";
import { file, filter, isFiltered, overview, rows } from "./state.ts";
import { SummaryView } from "./summaryView.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { toPrintableJson } from "../../../protocol/text/escapeControls.ts";

/** Everything, on paper: no list that scrolls, nothing folded, every act with all that it discloses. */
export function PrintView() {
  const sha = overview.value?.report.evidence?.sha256 ?? "";
  return html`<div class="paper">
    <h1>Affiant · ${seen(file.value?.name ?? "", 200)}</h1>
    <${HeadlineView} />
    <${SummaryView} />
    <h2 class="paper-acts">${t("print.acts")}</h2>
    ${isFiltered(filter.value) ? html`<p>${t("print.hidden")}</p>` : null}
    ${rows.value.map((row) => html`<${PaperAct} row=${row} />`)}
    <p>${t("print.made", { file: seen(file.value?.name ?? "", 200), sha })}</p>
  </div>`;
}

function PaperAct({ row }: { row: Row }) {
  const { problems = [] } = overview.value ?? {};
  const when = (block: number, timeSec: number | null): string =>
    `${timeSec === null ? "" : `${time(timeSec)}, `}${t("act.block", { block })}`;
  return html`<article class="paper-act">
    <h3>
      ${row.act}${row.kind === "act" ? null : ` (${row.kind})`} <${ProofMark} of=${row.proof} word />
      <${RulesMark} of=${row.conduct} word />
      ${row.amount ? html`<strong>${money(row.amount.value, row.amount.currency)}</strong>` : null}
    </h3>
    <p>
      <${Who} did=${row.agent} /> · ${seen(row.agent)} · ${t("act.line", { line: row.line, seq: row.seq })}
      ${row.thread === null ? null : ` · ${seen(row.thread)}`}
    </p>
    <p>
      ${
        row.to === null
          ? t("act.whenAfter", { from: when(row.from.block, row.from.timeSec) })
          : t("act.whenBetween", {
              from: when(row.from.block, row.from.timeSec),
              to: when(row.to.block, row.to.timeSec),
            })
      }
      · ${t("act.policy")}: ${seen(row.policyName ?? "?")} ${row.policyHash}
      ${row.contract === null ? null : ` · ${t("act.contract")}: ${row.contract}`}
      ${row.counterpart === null ? null : html` · ${row.caller === null ? "→" : "←"} <${Who} did=${row.counterpart} /> ${seen(row.counterpart)}`}
    </p>
    <p class="paper-id">${row.entryId}</p>
    ${row.rules.map(
      ({ ruleId, rule, outcome, detail }) =>
        html`<p class=${`rule-${outcome}`}>
          <strong>${t(`rule.${outcome}`)}: ${seen(rule, 4000)}</strong> (${ruleId}) ${seen(detail, 4000)}
        </p>`,
    )}
    ${row.problems.map((index) => {
      const problem = problems[index];
      if (!problem) return null;
      const { outcome, check, detail, code, expected, found } = problem;
      const compared = [
        expected === undefined ? "" : ` ${t("verdict.expected")}: ${expected}`,
        found === undefined ? "" : ` ${t("verdict.found")}: ${found}`,
      ].join("");
      return html`<p>${t(`proof.${outcome}`)}: ${check}: ${seen(detail, 4000)} ${code}${seen(compared, 8000)}</p>`;
    })}
    ${(["input", "output", "context"] as const).map((name) => {
      const value = row.disclosed[name];
      if (value === undefined || (name === "context" && row.task !== null)) return null;
      return html`<p class="paper-label">${t(`act.${name}`)}</p>
        <pre>${textOf(value)}</pre>`;
    })}
    ${row.withheld > 0 ? html`<p>${t("act.withheld", { count: row.withheld })}</p>` : null}
  </article>`;
}

function textOf(value: Json): string {
  return toPrintableJson(value, 1);
}
