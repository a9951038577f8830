import { effect } from "@preact/signals";

import type { Filter } from "../../model/query.ts";
import { filter, type Grouping, grouping, groupings, lookAt, selected, tab, type Tab, tabs } from "./state.ts";

const parts = ["agent", "act", "proof", "rules", "rule", "counterpart"] as const;

/** `#/acts?entry=0x…&q=…`: what is looked at, so that a link leads there again. Nothing of it leaves the page. */
export function readRoute(): void {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const asked = new URLSearchParams(query);
  tab.value = tabs.includes(path as Tab) ? (path as Tab) : "acts";
  const order = asked.get("by");
  grouping.value = groupings.includes(order as Grouping) ? (order as Grouping) : "log";
  const given: Record<string, string> = { text: asked.get("q") ?? "" };
  for (const part of parts) {
    const value = asked.get(part);
    if (value) given[part] = value;
  }
  filter.value = given as unknown as Filter;
  const entry = asked.get("entry");
  lookAt(entry !== null && /^0x[0-9a-f]{64}$/.test(entry) ? entry : null);
}

export function routeOf(to: { tab?: Tab; filter?: Filter; entry?: string | null } = {}): string {
  const asked = new URLSearchParams();
  const { text, ...rest } = to.filter ?? filter.value;
  if (text !== "") asked.set("q", text);
  for (const part of parts) if (rest[part]) asked.set(part, rest[part]);
  if (grouping.value !== "log") asked.set("by", grouping.value);
  const entry = to.entry === undefined ? selected.value : to.entry;
  if (entry !== null) asked.set("entry", entry);
  const query = asked.toString();
  return `#/${to.tab ?? tab.value}${query === "" ? "" : `?${query}`}`;
}

/** Keeps the address in step with what is looked at. */
export function followRoute(): void {
  readRoute();
  window.addEventListener("hashchange", () => {
    if (location.hash !== routeOf()) readRoute();
  });
  effect(() => {
    const route = routeOf();
    if (location.hash !== route) history.replaceState(null, "", route);
  });
}
