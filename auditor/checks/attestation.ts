import { type Hex } from "../../protocol/encoding/hex.ts";
import { type AuditedEntry } from "../auditedEntry.ts";
import { type ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the agent was attested when it acted: trusted at the entry's not-before block, and still at its anchor. In
 * between the act was done; an agent that lost trust on the way may have done it before or after (one that lost and
 * regained it in between is not noticed here). An agent that nobody enrolled claims no attestation and so breaks none.
 */
export async function checkAttestation(
  entry: AuditedEntry,
  attestationRegistry: Hex,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict> {
  const { agentAddress, subject } = entry;
  const { blockNumber } = entry.decoded.claims.nb;
  if (!chain?.attestationAt) {
    const detail = "Whether the agent was attested, the chain would say.";
    return unproven("attestation", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail });
  }
  const [then, later] = await Promise.all([
    chain.attestationAt(attestationRegistry, agentAddress, blockNumber),
    upperBound === null ? null : chain.attestationAt(attestationRegistry, agentAddress, upperBound),
  ]);
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
  const detail = `Attested by other agents at block ${then.sinceBlock}, version ${then.version}, assurance: ${then.tier}.`;
  return holds("attestation", subject, detail);
}
