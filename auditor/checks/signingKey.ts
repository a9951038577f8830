import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the key that signed was the agent's at the entry's not-before block. That block is the signer's choice: who
 * stole a key that is revoked by now could name an old one. So a key that ended between that block and the anchor
 * leaves the entry unproven: it may have been signed before the end or after.
 */
export async function checkSigningKey(
  entry: AuditedEntry,
  agentRegistry: Hex,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict> {
  const { agentAddress, signingKey, subject } = entry;
  const { blockNumber } = entry.decoded.claims.nb;
  if (!chain) {
    return unproven("signing-key", subject, "AUDIT_CHAIN_NOT_GIVEN", {
      found: signingKey,
      detail: "Whether this is a key of the agent, the chain would say.",
    });
  }
  const [then, later] = await Promise.all([
    chain.signingKeyValidAt(agentRegistry, agentAddress, signingKey, blockNumber),
    upperBound === null ? null : chain.signingKeyValidAt(agentRegistry, agentAddress, signingKey, upperBound),
  ]);
  if (then !== true) {
    return fails("signing-key", subject, "AUDIT_KEY_NOT_VALID", {
      found: signingKey,
      detail: `This was no signing key of the agent at block ${blockNumber}.`,
    });
  }
  if (upperBound !== null && later !== true) {
    return unproven("signing-key", subject, "AUDIT_KEY_ENDED_IN_WINDOW", {
      found: signingKey,
      detail: `The key was the agent's at block ${blockNumber} but no longer at block ${upperBound}, where the entry was anchored.`,
    });
  }
  return holds("signing-key", subject, `A signing key of the agent at block ${blockNumber}.`);
}
