import { getAddress } from "ethers";

import type { CircuitState, GovernanceEvent } from "./governance.ts";

/** The table of verifiers as its events tell it. */
export function circuitsIn(events: readonly GovernanceEvent[]): readonly CircuitState[] {
  const circuits = new Map<string, CircuitState>();
  for (const { log } of events) {
    if (!log.name.startsWith("Verifier")) continue;
    const circuitId = log.args["circuitId"] as string;
    const verifier = getAddress(log.args["verifier"] as string);
    const { announced, ...before } = circuits.get(circuitId) ?? { circuitId, verifier: null };
    if (log.name === "VerifierScheduled") {
      const fromSec = Number(log.args["activatableAtSec"]);
      circuits.set(circuitId, { ...before, announced: { verifier, fromSec } });
    } else if (log.name === "VerifierDisabled") {
      circuits.set(circuitId, { ...before, verifier: null, ...(announced ? { announced } : {}) });
    } else {
      // Activated: what was announced is in effect. Cancelled: it is gone.
      circuits.set(circuitId, log.name === "VerifierActivated" ? { ...before, verifier } : before);
    }
  }
  return [...circuits.values()];
}
