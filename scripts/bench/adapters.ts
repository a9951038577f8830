/** What an act on record costs beside the bare one, road by road; a module a road in `adapters/`. */
import { gatewayRows } from "./adapters/gateway.ts";
import type { Bench } from "./report.ts";

const roads = [gatewayRows];

export const bench: Bench = async () => {
  const reports = [];
  for (const road of roads) reports.push(await road());
  return { rows: reports.flatMap(({ rows }) => rows), notes: reports.flatMap(({ notes = [] }) => notes) };
};
