/**
 * What an act on record costs beside the bare one, road by road; a module a road in `adapters/`: `npm run bench -- adapters [CALLS]`.
 * CALLS is for the wrapper, the service and the hook: their agent has real keys, a real journal and real claims, and a chain that
 * answers at once.
 */
import { gatewayRows } from "./adapters/gateway.ts";
import { hookRows } from "./adapters/hook.ts";
import { serviceRows } from "./adapters/service.ts";
import { wrapperRows } from "./adapters/wrapper.ts";
import type { Bench } from "./report.ts";

export const bench: Bench = async ([count = "100"]) => {
  const calls = Number(count);
  const gateway = await gatewayRows();
  const rows = [...(await wrapperRows(calls)), ...(await serviceRows(calls)), ...(await hookRows(Math.min(calls, 40)))];
  return {
    rows: [...gateway.rows, ...rows],
    notes: [
      ...(gateway.notes ?? []),
      `Wrapper, service: ${calls} calls of a tool that does nothing, one after the other; p50 and p99 in milliseconds.`,
      "The wrapper judges, claims and enters each call in this process; the service does it for a program that asks by its socket, in two steps.",
      "The hook is the whole command that a coding agent runs before a call, in pairs that alternate with `node -e 0`.",
    ],
  };
};
