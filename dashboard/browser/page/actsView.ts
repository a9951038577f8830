import { html } from "htm/preact";

import type { Row } from "../../model/row.ts";
import { ActView } from "./actView.ts";
import { FilterBar } from "./filterBar.ts";
import { money, shortTime, t } from "./i18n.ts";
import { ProofMark, RulesMark, seen, Who } from "./pieces.ts";
import { grouping, lookAt, phase, rows, selected, shown } from "./state.ts";
import { Timeline } from "./timeline.ts";
import { briefOf } from "./value.ts";
import { VirtualList } from "./virtualList.ts";

export const rowHeight = 44;

export function ActsView() {
  const items = shown.value;
  const at = selected.value === null ? null : items.findIndex(({ entryId }) => entryId === selected.value);
  return html`<div class=${`acts${selected.value === null ? "" : " with-act"}`}>
    <${FilterBar} />
    <${Timeline} />
    <div class="panes">
      <div class="pane-list">
        ${phase.value === "checking" && rows.value.length > 0 ? html`<p class="notice">${t("work.preview")}</p>` : null}
        ${
          items.length === 0
            ? html`<p class="empty">${rows.value.length === 0 ? "" : t("filter.none")}</p>`
            : html`<${VirtualList}
                items=${items}
                rowHeight=${rowHeight}
                label=${t("list.label")}
                columns=${[t("col.state"), t("col.when"), t("col.who"), t("col.what"), t("col.for"), t("col.amount")]}
                at=${at === -1 ? null : at}
                row=${(row: Row, index: number) => html`<${ActRow} row=${row} first=${isFirst(items, index)} />`}
                onPick=${(row: Row) => lookAt(row.entryId)}
              />`
        }
      </div>
      <${ActView} />
    </div>
  </div>`;
}

/** Whether a row begins its agent's or thread's part of the list. */
function isFirst(items: readonly Row[], index: number): boolean {
  if (grouping.value === "log") return false;
  const [row, before] = [items[index], items[index - 1]];
  if (!before || !row) return true;
  return grouping.value === "agent" ? row.agent !== before.agent : row.thread !== before.thread;
}

function ActRow({ row, first }: { row: Row; first: boolean }) {
  const [broken] = row.rules.filter(({ outcome }) => outcome === "violated");
  const forWhom = row.caller ?? (row.counterpart !== null ? row.counterpart : null);
  return html`<div role="gridcell" class=${`cell-state${first ? " first" : ""}`}>
      <${ProofMark} of=${row.proof} /><${RulesMark} of=${row.conduct} />
    </div>
    <div role="gridcell" class="cell-when">
      ${row.from.timeSec === null ? t("act.block", { block: row.from.block }) : shortTime(row.from.timeSec)}
      <small>${row.from.timeSec === null ? shortTime(row.iatSec) : t("act.block", { block: row.from.block })}</small>
    </div>
    <div role="gridcell" class="cell-who">
      <${Who} did=${row.agent} /><small>${row.thread === null ? "" : seen(row.thread, 40)}</small>
    </div>
    <div role="gridcell" class="cell-what">
      <strong>${row.act}</strong>${row.kind === "act" ? null : html` <span class="kind">${row.kind}</span>`}
      <small>${broken ? html`<em class="bad">${seen(broken.rule, 120)}</em>` : briefOf(row.disclosed.input)}</small>
    </div>
    <div role="gridcell" class="cell-for">
      ${forWhom === null ? "" : html`${row.caller === null ? "→ " : "← "}<${Who} did=${forWhom} />`}
    </div>
    <div role="gridcell" class="cell-amount">${row.amount ? money(row.amount.value, row.amount.currency) : ""}</div>`;
}
