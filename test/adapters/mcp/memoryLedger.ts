import { join } from "node:path";

import { ActLedger } from "../../../adapters/acts/actLedger.ts";
import { ClaimStore } from "../../../adapters/acts/claimStore.ts";
import { type Gate, ledgerGate } from "../../../adapters/mcp/gate.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";

/** A ledger whose agent keeps its entries in memory; the claims are on disk. Close what comes back. */
export function memoryLedger(folder: string, gate: Gate, record?: (act: Act) => Promise<unknown>) {
  const entries: Act[] = [];
  const claims = new ClaimStore(join(folder, "claims"));
  const enter = record ?? ((act: Act) => Promise.resolve(entries.push(act)));
  const ledger = new ActLedger({ agent: { enter, ready: () => Promise.resolve() }, gate: ledgerGate(gate), claims });
  return { entries, claims, ledger, close: () => Promise.resolve(claims.close()) };
}
