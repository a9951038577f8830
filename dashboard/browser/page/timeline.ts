import { computed } from "@preact/signals";
import { html } from "htm/preact";

import { t } from "./i18n.ts";
import { seen } from "./pieces.ts";
import { called, lookAt, selected, shown } from "./state.ts";

const columns = 240;
const maxLanes = 12;

interface Lane {
  readonly agent: string;
  readonly acts: number;
  /** The worst of each column, and the first act of that kind. */
  readonly cells: readonly {
    readonly column: number;
    readonly state: string;
    readonly entryId: string;
    readonly n: number;
  }[];
}

const rank = { violates: 3, fails: 4, unproven: 1, undecidable: 2, fine: 0 } as const;
type Shade = keyof typeof rank;

/** Each agent's acts along the blocks, folded into as many columns as an eye can tell apart. */
const lanes = computed<{
  readonly lanes: readonly Lane[];
  readonly first: number;
  readonly last: number;
  readonly more: number;
}>(() => {
  const rows = shown.value;
  let [first, last] = [Infinity, 0];
  for (const { from } of rows) {
    first = Math.min(first, from.block);
    last = Math.max(last, from.block);
  }
  const width = Math.max(1, last - first);
  const byAgent = new Map<string, { acts: number; cells: Map<number, { state: Shade; entryId: string; n: number }> }>();
  for (const { agent, from, proof, conduct, entryId } of rows) {
    const lane = byAgent.get(agent) ?? {
      acts: 0,
      cells: new Map<number, { state: Shade; entryId: string; n: number }>(),
    };
    byAgent.set(agent, lane);
    lane.acts++;
    const column = Math.round(((from.block - first) / width) * (columns - 1));
    const state: Shade =
      proof === "fails"
        ? "fails"
        : conduct === "violates"
          ? "violates"
          : conduct === "undecidable"
            ? "undecidable"
            : proof === "unproven"
              ? "unproven"
              : "fine";
    const cell = lane.cells.get(column);
    if (!cell) lane.cells.set(column, { state, entryId, n: 1 });
    else {
      cell.n++;
      if (rank[state] > rank[cell.state]) Object.assign(cell, { state, entryId });
    }
  }
  const all = [...byAgent].map(([agent, { acts, cells }]) => ({
    agent,
    acts,
    cells: [...cells].map(([column, cell]) => ({ column, ...cell })),
  }));
  return { lanes: all.slice(0, maxLanes), first, last, more: Math.max(0, all.length - maxLanes) };
});

export function Timeline() {
  const { lanes: drawn, first, last, more } = lanes.value;
  if (drawn.length === 0) return null;
  const laneHeight = 14;
  return html`<figure class="timeline no-print">
    <div class="lanes">
      ${drawn.map(
        ({ agent, acts, cells }) =>
          html`<div class="lane">
            <span class="lane-name" title=${seen(agent)}>${seen(called(agent), 24)}</span>
            <svg
              viewBox=${`0 0 ${columns * 4} ${laneHeight}`}
              preserveAspectRatio="none"
              role="img"
              aria-label=${`${seen(called(agent), 24)}: ${acts}`}
            >
              <line class="lane-line" x1="0" x2=${columns * 4} y1=${laneHeight / 2} y2=${laneHeight / 2} />
              ${cells.map(
                ({ column, state, entryId, n }) =>
                  html`<rect
                    class=${`tick tick-${state}${selected.value === entryId ? " tick-picked" : ""}`}
                    x=${column * 4}
                    y=${n > 4 ? 1 : 3}
                    width="3"
                    height=${n > 4 ? laneHeight - 2 : laneHeight - 6}
                    onClick=${() => lookAt(entryId)}
                  />`,
              )}
            </svg>
          </div>`,
      )}
    </div>
    <figcaption>
      <span>${t("act.block", { block: first })}</span>${more > 0 ? html`<span>+ ${more}</span>` : null}<span
        >${t("act.block", { block: last })}</span
      >
    </figcaption>
  </figure>`;
}
