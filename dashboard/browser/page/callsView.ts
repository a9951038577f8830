import { computed } from "@preact/signals";
import { graphlib, layout } from "@dagrejs/dagre";
import { html } from "htm/preact";

import { type CallEdge, callGraphOf } from "../../model/calls.ts";
import { noFilter } from "../../model/query.ts";
import { number, t } from "./i18n.ts";
import { LongText, Section, seen, Who } from "./pieces.ts";
import { routeOf } from "./route.ts";
import { called, overview, rows } from "./state.ts";

const [boxWidth, boxHeight] = [150, 46];

interface Placed {
  readonly width: number;
  readonly height: number;
  readonly agents: readonly {
    readonly did: string;
    readonly acts: number;
    readonly broken: number;
    readonly x: number;
    readonly y: number;
  }[];
  readonly edges: readonly (CallEdge & { readonly path: string; readonly x: number; readonly y: number })[];
}

const placed = computed<Placed>(() => {
  const { agents, edges } = callGraphOf(rows.value);
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 28, ranksep: 150, marginx: 12, marginy: 12 });
  graph.setDefaultEdgeLabel(() => ({}));
  const calling = new Set(edges.flatMap(({ from, to }) => [from, to]));
  const drawn = agents.filter(({ did }) => calling.has(did)).slice(0, 60);
  for (const { did } of drawn) graph.setNode(did, { width: boxWidth, height: boxHeight });
  const known = edges.filter(({ from, to }) => graph.hasNode(from) && graph.hasNode(to));
  for (const { from, to } of known) graph.setEdge(from, to, { width: 60, height: 16, labelpos: "c" });
  if (drawn.length > 0) layout(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: size.width ?? 0,
    height: size.height ?? 0,
    agents: drawn.map((agent) => {
      const { x, y } = graph.node(agent.did) as { x: number; y: number };
      return { ...agent, x, y };
    }),
    edges: known.map((edge) => {
      const { points, x, y } = graph.edge(edge.from, edge.to) as unknown as {
        points: { x: number; y: number }[];
        x: number;
        y: number;
      };
      return { ...edge, path: pathOf(points), x, y };
    }),
  };
});

function pathOf(points: readonly { readonly x: number; readonly y: number }[]): string {
  return points.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join(" ");
}

export function CallsView() {
  const { width, height, agents, edges } = placed.value;
  if (edges.length === 0) return html`<div class="reading"><p class="empty">${t("callsView.none")}</p></div>`;
  return html`<div class="reading wide">
    <${Section} title=${t("callsView.title")}>
      <div class="graph" tabindex="0" role="region" aria-label=${t("callsView.title")}>
        <svg
          width=${width}
          height=${height}
          viewBox=${`0 0 ${width} ${height}`}
          role="img"
          aria-label=${t("callsView.title")}
        >
          <defs>
            <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">
              <path class="arrow-head" d="M0 0 L8 4 L0 8 z" />
            </marker>
          </defs>
          ${edges.map(
            ({ path, x, y, calls, refused, broken }) =>
              html`<g class=${`edge${broken > 0 ? " edge-broken" : ""}`}>
                <path d=${path} marker-end="url(#arrow)" />
                <text x=${x} y=${y - 5}>${number(calls)}${refused > 0 ? ` (−${number(refused)})` : ""}</text>
              </g>`,
          )}
          ${agents.map(
            ({ did, acts, broken, x, y }) =>
              html`<g
                class=${`node${broken > 0 ? " node-broken" : ""}`}
                transform=${`translate(${x - boxWidth / 2} ${y - boxHeight / 2})`}
              >
                <rect width=${boxWidth} height=${boxHeight} rx="6" />
                <text class="node-name" x=${boxWidth / 2} y="19">${seen(called(did), 18)}</text>
                <text class="node-count" x=${boxWidth / 2} y="35"
                  >${t("rulesView.acts", { count: acts })}${broken > 0 ? ` · ${number(broken)} ✕` : ""}</text
                >
              </g>`,
          )}
        </svg>
      </div>
      <table class="grid">
        <thead>
          <tr>
            ${(["from", "to", "acts"] as const).map((key) => html`<th scope="col">${t(`callsView.${key}`)}</th>`)}
            ${(["count", "refused", "broken"] as const).map((key) => html`<th scope="col" class="num">${t(`callsView.${key}`)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${edges.map(
            ({ from, to, acts, calls, refused, broken }) =>
              html`<tr>
                <td><${Who} did=${from} /></td>
                <td>
                  <a
                    href=${routeOf({ tab: "acts", filter: { ...noFilter, agent: to, counterpart: from }, entry: null })}
                    ><${Who} did=${to}
                  /></a>
                </td>
                <td>${seen(acts.join(", "), 200)}</td>
                <td class="num">${number(calls)}</td>
                <td class="num">${number(refused)}</td>
                <td class="num">${number(broken)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    <//>
    <${Section} title=${t("callsView.contracts")}>
      <ul class="plain">
        ${Object.entries(overview.value?.contracts ?? {}).map(
          ([cid, words]) =>
            html`<li>
              <span lang="en"><${LongText} text=${words} /></span> <code class="id">${cid}</code>
            </li>`,
        )}
      </ul>
    <//>
  </div>`;
}
