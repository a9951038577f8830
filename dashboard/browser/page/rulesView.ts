import { html } from "htm/preact";

import type { RuleSummary } from "../../../auditor/report/auditReport.ts";
import { noFilter } from "../../model/query.ts";
import { moneyIn } from "../../model/summary.ts";
import { moneyWords } from "./headlineView.ts";
import { t } from "./i18n.ts";
import { LongText, Section, seen, Who } from "./pieces.ts";
import { routeOf } from "./route.ts";
import { overview, rows } from "./state.ts";

export function RulesView() {
  const conformity = overview.value?.report.conformity;
  if (!conformity) return null;
  const { violated, undecided, undecidableRules } = conformity;
  return html`<div class="reading">
    <${Section} title=${t("rulesView.broken")}>
      ${violated.length === 0 ? html`<p>${t("rulesView.none")}</p>` : violated.map((rule) => html`<${RuleRow} rule=${rule} broken />`)}
    <//>
    <${Section} title=${t("rulesView.open")}>
      ${undecided.length === 0 ? html`<p>${t("rulesView.none")}</p>` : undecided.map((rule) => html`<${RuleRow} rule=${rule} />`)}
    <//>
    <${Section} title=${t("rulesView.never")}>
      ${
        undecidableRules.length === 0
          ? html`<p>${t("rulesView.none")}</p>`
          : html`<ul class="plain">
              ${undecidableRules.map(
                ({ policy, rule, why }) =>
                  html`<li>
                    <strong>${seen(rule, 400)}</strong> <small>${seen(policy, 80)}: ${seen(why, 600)}</small>
                  </li>`,
              )}
            </ul>`
      }
    <//>
  </div>`;
}

const listed = 8;

function RuleRow({ rule: { ruleId, rule, findings }, broken = false }: { rule: RuleSummary; broken?: boolean }) {
  const lines = new Set(findings.map(({ line }) => line));
  const sums = moneyIn(rows.value.filter(({ line }) => lines.has(line)));
  const link = routeOf({ tab: "acts", filter: { ...noFilter, rule: ruleId }, entry: null });
  return html`<article class=${`rule rule-${broken ? "violated" : "undecidable"}`}>
    <h3>${seen(rule, 400)} <code class="id">${ruleId}</code></h3>
    <p>
      <a href=${link}>${t("rulesView.acts", { count: findings.length })}</a
      >${sums.length > 0 ? html` · <strong>${moneyWords(sums)}</strong>` : null}
    </p>
    <ul class="plain findings">
      ${findings.slice(0, listed).map(
        ({ entryId, agent, act, thread, detail }) =>
          html`<li>
            <a href=${routeOf({ tab: "acts", filter: noFilter, entry: entryId })}>${act}</a>
            <${Who} did=${agent} /> ${thread === undefined ? "" : ` · ${seen(thread, 60)}`}
            <small><${LongText} text=${detail} limit=${200} /></small>
          </li>`,
      )}
    </ul>
    ${findings.length > listed ? html`<p class="no-print"><a href=${link}>${t("rulesView.show")}</a></p>` : null}
  </article>`;
}
