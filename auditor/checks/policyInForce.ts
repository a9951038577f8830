import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

/**
 * Whether the policy that the entry names was in force at its not-before block: committed at or before it, and not
 * superseded by then. If it was superseded before the anchor, the order of act and change is not proven either way,
 * because an agent could name an old block to act under an old policy.
 */
export async function checkPolicyInForce(
  entry: AuditedEntry,
  policyRegistry: Hex,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict> {
  const { agentAddress, subject } = entry;
  const { policy, nb } = entry.decoded.claims;
  if (!chain) {
    return unproven("policy-in-force", subject, "AUDIT_CHAIN_NOT_GIVEN", {
      found: policy,
      detail: "Whether the agent had committed to this policy, the chain would say.",
    });
  }
  const [then, later] = await Promise.all([
    chain.policyInForce(policyRegistry, agentAddress, nb.blockNumber),
    upperBound === null ? null : chain.policyInForce(policyRegistry, agentAddress, upperBound),
  ]);
  if (!then) {
    return fails("policy-in-force", subject, "AUDIT_POLICY_NONE", {
      found: policy,
      detail: `At block ${nb.blockNumber} the agent had committed to no policy.`,
    });
  }
  if (then.policyHash !== policy) {
    return fails("policy-in-force", subject, "AUDIT_POLICY_OTHER", {
      expected: then.policyHash,
      found: policy,
      detail: `At block ${nb.blockNumber} version ${then.version} was in force, which is another policy.`,
    });
  }
  if (upperBound !== null && later?.version !== then.version) {
    return unproven("policy-in-force", subject, "AUDIT_POLICY_CHANGED_IN_WINDOW", {
      expected: `version ${then.version}`,
      found: later ? `version ${later.version} since block ${later.sinceBlock}` : null,
      detail: `Version ${then.version} was in force at block ${nb.blockNumber} but no longer at block ${upperBound}, where the entry was anchored.`,
    });
  }
  return holds("policy-in-force", subject, `Version ${then.version}, in force since block ${then.sinceBlock}.`);
}
