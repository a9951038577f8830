import { html } from "htm/preact";

import type { EpochUse, TrustPoint } from "../../model/messages.ts";
import { t } from "./i18n.ts";
import { LongText, Mark, Section, seen, Who } from "./pieces.ts";
import { called, overview } from "./state.ts";

const [width, laneHeight, left] = [960, 34, 150];
const markOf = { attested: "holds", "not trusted": "fails", unproven: "unproven", unclaimed: "absent" } as const;

/** Lanes an agent: how it stood at each of its acts, the epochs whose keys it used, and the anchors. */
export function TrustView() {
  const known = overview.value;
  if (!known) return null;
  const { trust, epochs, anchors } = known;
  const blocks = [...trust.map(({ block }) => block), ...anchors.map(({ block }) => block)];
  let [first, last] = [Infinity, 0];
  for (const block of blocks) [first, last] = [Math.min(first, block), Math.max(last, block)];
  const xOf = (block: number): number => left + ((width - left - 12) * (block - first)) / Math.max(1, last - first);
  const lanes = [...Map.groupBy(trust, ({ agent }) => agent)];
  const height = lanes.length * laneHeight + 40;
  return html`<div class="reading wide">
    <${Section} title=${t("trustView.title")}>
      <p>${t("trustView.hint")}</p>
      <p class="legend">
        ${(["attested", "not trusted", "unproven", "unclaimed"] as const).map((state) => html`<span><i class=${`swatch stand-${markOf[state]}`}></i>${t(`trustView.${state}`)}</span>`)}
      </p>
      <div class="graph" tabindex="0" role="region" aria-label=${t("trustView.title")}>
        <svg
          width=${width}
          height=${height}
          viewBox=${`0 0 ${width} ${height}`}
          role="img"
          aria-label=${t("trustView.title")}
        >
          ${anchors.slice(0, 400).map(({ block }) => html`<line class="anchor-line" x1=${xOf(block)} x2=${xOf(block)} y1="0" y2=${height - 24} />`)}
          ${lanes.map(([agent, points], i) => html`<${Lane} agent=${agent} points=${points} epochs=${epochs.filter((use) => use.agent === agent)} y=${i * laneHeight + 6} xOf=${xOf} />`)}
          <text class="axis" x=${left} y=${height - 6}>${t("act.block", { block: first })}</text>
          <text class="axis end" x=${width - 12} y=${height - 6}>${t("act.block", { block: last })}</text>
        </svg>
      </div>
      <table class="grid">
        <thead>
          <tr>
            ${(["agent", "block", "state", "fact"] as const).map((key) => html`<th scope="col">${t(`trustView.${key}`)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${trust.slice(0, 500).map(
            ({ agent, block, state, detail }) =>
              html`<tr>
                <td><${Who} did=${agent} /></td>
                <td class="num">${block}</td>
                <td><${Mark} of=${markOf[state]} word label=${t(`trustView.${state}`)} /></td>
                <td lang="en"><${LongText} text=${detail} /></td>
              </tr>`,
          )}
        </tbody>
      </table>
    <//>
    <${Section} title=${t("trustView.anchors")}>
      ${
        anchors.length === 0
          ? html`<p>${t("trustView.noAnchors")}</p>`
          : html`<ul class="plain columns">
              ${anchors.slice(0, 500).map((anchor) => html`<li>${t("trustView.anchor", { ...anchor })}</li>`)}
            </ul>`
      }
    <//>
  </div>`;
}

interface LaneProps {
  readonly agent: string;
  readonly points: readonly TrustPoint[];
  readonly epochs: readonly EpochUse[];
  readonly y: number;
  readonly xOf: (block: number) => number;
}

function Lane({ agent, points, epochs, y, xOf }: LaneProps) {
  return html`<g>
    <text class="lane-label" x="0" y=${y + 13}>${seen(called(agent), 20)}</text>
    ${points.map(({ block, state }, i) => {
      const end = points[i + 1]?.block ?? block;
      return html`<rect
        class=${`stand stand-${markOf[state]}`}
        x=${xOf(block)}
        y=${y}
        width=${Math.max(4, xOf(end) - xOf(block))}
        height="10"
      />`;
    })}
    ${epochs.map(
      ({ epoch, firstBlock, lastBlock }) =>
        html`<g>
          <line
            class="epoch"
            x1=${xOf(firstBlock)}
            x2=${Math.max(xOf(firstBlock) + 3, xOf(lastBlock))}
            y1=${y + 16}
            y2=${y + 16}
          />
          <text class="epoch-label" x=${xOf(firstBlock)} y=${y + 26}>${t("trustView.epoch", { epoch })}</text>
        </g>`,
    )}
  </g>`;
}
