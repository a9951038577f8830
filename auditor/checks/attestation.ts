import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the agent was attested when it acted: trusted at the entry's not-before block, and still at its anchor. In
 * between the act was done; an agent that lost trust on the way may have done it before or after (one that lost and
 * regained it in between is not noticed here).
 * @returns null for an agent that nobody ever enrolled, or that its owner had withdrawn before it acted, since it claims no
 * attestation and so breaks none, and where there is no chain to ask; the report's limits say so
 */
export async function checkAttestation(
  entry: AuditedEntry,
  attestationRegistry: Hex,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict | null> {
  const { agentAddress, subject } = entry;
  const { blockNumber } = entry.decoded.claims.nb;
  if (!chain?.attestationAt) return null;
  const now = await chain.attestationAt(attestationRegistry, agentAddress, (await chain.head()).blockNumber);
  if (!now || now.status === "none") return null;
  const [then, later] = await Promise.all([
    chain.attestationAt(attestationRegistry, agentAddress, blockNumber),
    upperBound === null ? null : chain.attestationAt(attestationRegistry, agentAddress, upperBound),
  ]);
  // Its owner took it out before it acted: from then on it claims nothing.
  if (then?.status === "withdrawn") return null;
  if (!then || then.status === "none") {
    const detail = `At block ${blockNumber} nobody had enrolled the agent for attestation.`;
    return unproven("attestation", subject, "AUDIT_ATTESTATION_NONE", { expected: "trusted", found: "none", detail });
  }
  if (then.status !== "trusted") {
    const detail = `At block ${blockNumber} the agent was not attested: it was ${then.status}, since block ${then.sinceBlock}.`;
    return fails("attestation", subject, "AUDIT_ATTESTATION_NOT_TRUSTED", {
      expected: "trusted",
      found: then.status,
      detail,
    });
  }
  if (upperBound !== null && later?.status !== "trusted") {
    return unproven("attestation", subject, "AUDIT_ATTESTATION_LOST_IN_WINDOW", {
      expected: "trusted",
      found: later?.status ?? null,
      detail: `The agent was attested at block ${blockNumber} but no longer at block ${upperBound}, where the entry was anchored.`,
    });
  }
  const by = byWhom(await chain.attestersOf?.(attestationRegistry, then.recordIndex));
  const detail = `Attested ${by} (record ${then.recordIndex}, block ${then.sinceBlock}), version ${then.version}, assurance: ${then.tier}.`;
  return holds("attestation", subject, detail);
}

function byWhom(attesters: readonly Hex[] | null | undefined): string {
  if (!attesters || attesters.length === 0) return "by whom the endpoint does not say";
  return `by ${attesters.join(", ")}`;
}
