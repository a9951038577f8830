import { LRUCache } from "lru-cache";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { type Evidence, evidenceLineOf } from "../../protocol/evidence/types.ts";
import { type CompiledPolicy, compilePolicy } from "../../protocol/policy/compile.ts";
import { parsePolicyBundle } from "../../protocol/policy/parseBundle.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import { fails, holds, type Verdict } from "../verdict.ts";

/** Compiling costs more than judging an act, and a policy outlives the file it is found in. By hash, so never stale. */
const compiledPolicies = new LRUCache<Hex, CompiledPolicy>({ max: 64 });

/**
 * Whether the file holds exactly the policies that its entries name, each in a form that can be evaluated. A policy is
 * found by its hash, so an altered one is a missing one; and one that nobody names would be unchecked text.
 *
 * @returns the policies that can be evaluated, by hash
 */
export function checkPolicyBundles(
  evidence: Evidence,
  entries: readonly AuditedEntry[],
): { verdicts: Verdict[]; policies: Map<Hex, CompiledPolicy> } {
  const verdicts: Verdict[] = [];
  const policies = new Map<Hex, CompiledPolicy>();
  const firstNaming = new Map<Hex, AuditedEntry>();
  for (const entry of entries) {
    const { policy } = entry.decoded.claims;
    if (!firstNaming.has(policy)) firstNaming.set(policy, entry);
  }

  const present = new Set<Hex>();
  evidence.policies.forEach((bundle, position) => {
    const subject = { line: evidenceLineOf(evidence, "policy", position) };
    const hash = policyHashOf(bundle);
    present.add(hash);
    if (!firstNaming.has(hash)) {
      const detail = "No entry names this policy.";
      verdicts.push(fails("policy-bundle", subject, "AUDIT_POLICY_BUNDLE_UNUSED", { found: hash, detail }));
      return;
    }
    try {
      policies.set(hash, compiled(hash, bundle));
      verdicts.push(holds("policy-bundle", subject, `${bundle.name}, ${hash}`));
    } catch (error) {
      const detail = `The policy cannot be evaluated: ${error instanceof Error ? error.message : String(error)}`;
      verdicts.push(fails("policy-bundle", subject, "AUDIT_POLICY_BUNDLE_INVALID", { found: hash, detail }));
    }
  });
  for (const [hash, entry] of firstNaming) {
    if (present.has(hash)) continue;
    const detail = "The file does not hold the policy that this entry names, so acts under it cannot be judged.";
    verdicts.push(fails("policy-bundle", entry.subject, "AUDIT_POLICY_BUNDLE_MISSING", { expected: hash, detail }));
  }
  return { verdicts, policies };
}

/** @throws AffiantError ERR_INPUT_POLICY */
function compiled(hash: Hex, bundle: unknown): CompiledPolicy {
  const known = compiledPolicies.get(hash);
  if (known) return known;
  const fresh = compilePolicy(parsePolicyBundle(bundle));
  compiledPolicies.set(hash, fresh);
  return fresh;
}
