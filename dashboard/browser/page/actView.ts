import { html } from "htm/preact";
import { useEffect, useRef } from "preact/hooks";

import type { ActDetail, RuleDetail } from "../../model/messages.ts";
import { amountOf } from "../../model/amount.ts";
import { money, t, time } from "./i18n.ts";
import { Ladder } from "./ladderView.ts";
import { Block, CopyButton, LongText, ProofMark, RulesMark, seen, Who } from "./pieces.ts";
import { detail, lookAt, phase, selected } from "./state.ts";
import { Value } from "./value.ts";

export function ActView() {
  const shown = detail.value;
  const pane = useRef<HTMLElement>(null);
  useEffect(() => {
    if (pane.current) pane.current.scrollTop = 0;
  }, [shown?.record.entryId]);
  if (!shown) {
    return html`<aside class="pane-act empty" aria-label=${t("act.what")}>
      ${selected.value !== null && phase.value !== "done" ? t("work.preview") : t("act.none")}
    </aside>`;
  }
  const { record } = shown;
  return html`<aside
    class="pane-act"
    ref=${pane}
    tabindex="0"
    aria-label=${`${t("act.what")}: ${record.act}`}
    onKeyDown=${(event: KeyboardEvent) => {
      if (event.key === "Escape") lookAt(null);
    }}
  >
    <header class="act-head">
      <h2>${record.act}${record.kind === "act" ? null : html` <span class="kind">${record.kind}</span>`}</h2>
      <span class="act-states"><${ProofMark} of=${record.proof} word /><${RulesMark} of=${record.conduct} word /></span>
      <button type="button" class="small" onClick=${() => lookAt(null)}>${t("act.close")}</button>
    </header>
    <${Facts} shown=${shown} />
    <${Rules} shown=${shown} />
    <${Disclosed} shown=${shown} />
    <${Ladder} shown=${shown} />
  </aside>`;
}

function Facts({ shown: { record, contracts } }: { shown: ActDetail }) {
  const { call, notBefore, notAfter } = record;
  const amount = amountOf(record.disclosed);
  const forWhom = call ? (call.role === "callee" ? call.caller : call.callee) : null;
  const term = (name: string, body: unknown) =>
    html`<div>
      <dt>${name}</dt>
      <dd>${body}</dd>
    </div>`;
  return html`<dl class="facts">
    ${term(t("act.who"), html`<${Who} did=${record.agent} /> <code class="id">${seen(record.agent)}</code>`)}
    ${amount ? term(t("act.amount"), html`<strong class="money">${money(amount.value, amount.currency)}</strong> <code class="id">${seen(amount.field)}</code>`) : null}
    ${term(
      t("act.when"),
      html`${
          notAfter
            ? html`<${Block} at=${notBefore} /> – <${Block} at=${notAfter} />`
            : html`<${Block} at=${notBefore} /> – ${t("act.whenAfter", { from: "" }).replace(/^[^;]*;\s*/, "")}`
        } <small>${t("act.clock", { time: time(record.iatSec) })}</small>`,
    )}
    ${term(t("act.policy"), html`${seen(record.policyName ?? "?")} <code class="id">${record.policyHash}</code>`)}
    ${term(
      t("act.contract"),
      contracts.length > 0
        ? contracts.map(
            ({ cid, words }) =>
              html`<p class="contract"><${LongText} text=${words} limit=${400} /> <code class="id">${cid}</code></p>`,
          )
        : record.contract === null
          ? t("act.noContract")
          : html`<code class="id">${record.contract}</code>`,
    )}
    ${term(
      t("act.forWhom"),
      forWhom === null
        ? t("act.ownAccord")
        : html`${call?.role === "caller" ? "→ " : ""}<${Who} did=${forWhom} />
            <code class="id">${seen(forWhom)}</code>`,
    )}
    ${record.thread === null ? null : term(t("act.thread"), seen(record.thread))}
    ${term("№", html`${t("act.line", { line: record.line, seq: record.seq })} <code class="id">${record.entryId}</code> <${CopyButton} text=${location.href} label=${t("act.link")} />`)}
  </dl>`;
}

function Rules({ shown: { record, rules } }: { shown: ActDetail }) {
  if (rules.length === 0) {
    const words = { "no act": t("act.noAct"), "not judged": t("act.notJudged") } as const;
    return html`<section class="rules-of-act">
      <h3>${t("act.rules")}</h3>
      <p>
        ${record.conduct === "no act" || record.conduct === "not judged" ? words[record.conduct] : t("act.keptAll")}
      </p>
    </section>`;
  }
  return html`<section class="rules-of-act">
    <h3>${t("act.rules")}</h3>
    ${rules.map((rule) => html`<${RuleCard} rule=${rule} />`)}
  </section>`;
}

function RuleCard({ rule }: { rule: RuleDetail }) {
  const { ruleId, rule: words, outcome, detail: why, facts, allowed, source } = rule;
  return html`<article class=${`rule rule-${outcome}`}>
    <h4>
      <span class=${outcome === "violated" ? "bad" : "open"}>${t(`rule.${outcome}`)}</span> ${seen(words)}
      <code class="id">${ruleId}</code>
    </h4>
    ${outcome === "undecidable" || facts.length === 0 ? html`<p>${t("rule.why")}: <${LongText} text=${why} /></p>` : null}
    ${
      facts.length === 0
        ? null
        : html`<table class="fact-table">
            <caption>
              ${t("rule.read")}
            </caption>
            <tbody>
              ${facts.map(
                ({ name, state, value, expression }) =>
                  html`<tr>
                    <th scope="row" title=${expression}>${name}</th>
                    <td>
                      ${
                        state === "known"
                          ? html`<code><${LongText} text=${value} limit=${300} /></code>`
                          : state === "absent"
                            ? html`<em>${t("rule.absent")}</em>`
                            : html`<em>${t("rule.unknown")}: <${LongText} text=${value} limit=${300} /></em>`
                      }
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${
      allowed === null
        ? null
        : html`<p class="allowed">
            ${t("rule.allowed")} <strong><${LongText} text=${allowed} /></strong>.
          </p>`
    }
    ${
      source === null
        ? null
        : html`<details>
            <summary>${t("rule.source")}</summary>
            <pre tabindex="0">${seen(source, 20000).replaceAll("\\u000a", "\n")}</pre>
          </details>`
    }
  </article>`;
}

function Disclosed({ shown: { record } }: { shown: ActDetail }) {
  const { disclosed, withheld } = record;
  return html`<section class="disclosed">
    ${(["input", "output", "context"] as const).map((name) => {
      const value = disclosed[name];
      if (name === "context" && (value === undefined || record.call)) return null;
      return html`<h3>${t(`act.${name}`)}</h3>
        ${
          value === undefined
            ? html`<p class="quiet-text">${withheld > 0 ? t("act.notDisclosed") : t("act.notRecorded")}</p>`
            : html`<${Value} value=${value} />`
        }`;
    })}
    ${withheld > 0 ? html`<p class="notice">${t("act.withheld", { count: withheld })}</p>` : null}
  </section>`;
}
