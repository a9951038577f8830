import "../page/page.css";
import "./dashboard.css";

import { signal } from "@preact/signals";
import { html, render } from "htm/preact";

import { countsOf, type SystemAgent, type SystemState } from "../../model/system.ts";
import { escapeControls } from "../../../protocol/text/escapeControls.ts";

const state = signal<SystemState | null>(null);
/** Whether what is shown is what is: a stream that broke says nothing of now. */
const live = signal(false);

const events = new EventSource("/v1/events");
events.addEventListener("state", ({ data }: MessageEvent<string>) => {
  state.value = JSON.parse(data) as SystemState;
  live.value = true;
});
events.onerror = () => (live.value = false);

const seen = (text: string, limit = 200): string =>
  escapeControls(text.length > limit ? `${text.slice(0, limit)}…` : text);
const count = (value: number | null | undefined): string =>
  value === null || value === undefined ? "–" : value.toLocaleString();
const clock = (ms: number): string => new Date(ms).toLocaleTimeString();

function App() {
  const now = state.value;
  return html`<div class="frame">
    <header class="bar">
      <span class="brand">Affiant</span><span class="file">${now?.log ? seen(now.log.origin) : "Running system"}</span>
      <span class="tools"
        ><span class=${`mark mark-${live.value ? "holds" : "fails"}`} role="status"
          >${live.value ? `● live, as of ${clock(now?.atMs ?? 0)}` : now ? `○ not heard since ${clock(now.atMs)}` : "○ connecting"}</span
        >
        <a href="/evidence">Evidence page</a></span
      >
    </header>
    <main id="content" class="opened">
      <h1 class="quiet">Running system</h1>
      ${now ? html`<${Numbers} now=${now} /><${Body} now=${now} />` : html`<p class="empty">Reading the system…</p>`}
    </main>
  </div>`;
}

function Numbers({ now }: { now: SystemState }) {
  const counts = countsOf(now);
  const bad = now.health.filter(({ ok }) => !ok).length;
  const trusted = now.agents.filter(({ standing }) => standing?.status === "trusted").length;
  const known = now.agents.filter(({ standing }) => standing !== null && standing.status !== "none").length;
  const waiting = now.log && now.log.anchored !== null ? now.log.size - now.log.anchored : null;
  const figure = (id: string, label: string, value: string, mood = "") =>
    html`<div class=${`figure ${mood}`} id=${id}>
      <dt>${label}</dt>
      <dd>${value}</dd>
    </div>`;
  return html`<dl class="figures">
    ${figure("health", "Health", bad === 0 ? "All well" : `${bad} to look at`, bad === 0 ? "good" : "worse")}
    ${figure("acts", "Acts", count(counts?.acts))} ${figure("refusals", "Refusals", count(counts?.refusals))}
    ${figure("entries", "Entries", count(counts?.entries))}
    ${figure("trusted", "Attested", now.chain ? `${trusted} of ${known}` : "–", now.chain && trusted < known ? "worse" : "")}
    ${figure("waiting", "Not anchored", count(waiting))} ${figure("block", "Block", count(now.chain?.block))}
  </dl>`;
}

function Body({ now }: { now: SystemState }) {
  const names = new Map(now.agents.map(({ did, name }) => [did, name]));
  return html`<div class="columns-2">
    <section class="section">
      <h2>Agents</h2>
      <div class="scroller" tabindex="0" role="region" aria-label="Agents">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              <th scope="col">Site</th>
              <th scope="col">Standing</th>
              <th scope="col" class="num">Acts</th>
              <th scope="col" class="num">Refusals</th>
            </tr>
          </thead>
          <tbody>
            ${now.agents.map((agent) => html`<${AgentRow} agent=${agent} />`)}
          </tbody>
        </table>
      </div>
      <h2>Health</h2>
      <ul class="plain health">
        ${now.health.map(
          ({ part, ok, cause, remedy }) =>
            html`<li>
              <span class=${`mark mark-${ok ? "holds" : "fails"}`}>${ok ? "✓" : "✕"}</span>
              <strong>${seen(part, 80)}</strong> ${seen(cause, 300)}
              ${remedy === "" ? null : html`<small>${seen(remedy, 300)}</small>`}
            </li>`,
        )}
      </ul>
      <h2>Anchors</h2>
      <ol class="plain">
        ${now.anchors
          .slice(-12)
          .reverse()
          .map(({ size, block }) => html`<li>block ${count(block)} <small>${count(size)} entries</small></li>`)}
      </ol>
    </section>
    <section class="section">
      <h2>Live acts</h2>
      <div class="scroller tall" tabindex="0" role="region" aria-label="Live acts">
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">Block</th>
              <th scope="col">Who</th>
              <th scope="col">What</th>
              <th scope="col">For</th>
              <th scope="col">Anchored</th>
            </tr>
          </thead>
          <tbody>
            ${now.acts.map(
              ({ entryId, block, agent, act, kind, thread, anchored, iatSec }) =>
                html`<tr key=${entryId}>
                  <td class="num" title=${new Date(iatSec * 1000).toLocaleString()}>${count(block)}</td>
                  <td><strong>${seen(names.get(agent) ?? agent, 40)}</strong></td>
                  <td>${seen(act, 80)}${kind === "act" ? null : html` <span class="kind">${kind}</span>`}</td>
                  <td>${thread === null ? "" : seen(thread, 40)}</td>
                  <td>
                    <span class=${`mark mark-${anchored ? "holds" : "unproven"}`}
                      >${anchored ? "✓ yes" : "· not yet"}</span
                    >
                  </td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div>
      <h2>What happened</h2>
      <div class="scroller" tabindex="0" role="region" aria-label="What happened">
        <ul class="plain">
          ${now.events.map(({ atMs, alarm, subject, text }) => html`<li><small>${clock(atMs)}</small> ${alarm ? html`<strong class="bad">Alarm</strong> ` : null}<strong>${seen(subject, 40)}</strong> ${seen(text, 300)}</li>`)}
        </ul>
      </div>
    </section>
  </div>`;
}

const moods: Readonly<Record<string, string>> = {
  trusted: "holds",
  none: "absent",
  withdrawn: "absent",
  suspect: "unproven",
};

function AgentRow({ agent: { name, did, site, place, standing, entries } }: { agent: SystemAgent }) {
  const mood = standing === null ? "unproven" : (moods[standing.status] ?? "fails");
  const words = standing === null ? "not known" : standing.status === "none" ? "never enrolled" : standing.status;
  const until =
    standing && standing.status === "trusted" ? `${standing.tier}, until block ${count(standing.expiresAtBlock)}` : "";
  return html`<tr>
    <th scope="row" title=${seen(did)}>${seen(name, 40)}</th>
    <td>${seen(site ?? "", 40)}</td>
    <td>
      <span class=${`mark mark-${mood}`}>${words}</span> <small>${until}${place === null ? "" : ` · ${place}`}</small>
    </td>
    <td class="num">${count(entries?.acts)}</td>
    <td class="num">${count(entries?.refusals)}</td>
  </tr>`;
}

const app = document.getElementById("app");
if (app) {
  app.textContent = "";
  render(html`<${App} />`, app);
}
