import { takesClaimedThread } from "../../protocol/policy/absence.ts";
import type { AuditScope } from "./auditScope.ts";

/**
 * What an audit of this file cannot prove, whatever its verdicts: said every time, so that nobody reads more into
 * "holds" than is there.
 */
export function limitsOf(
  scope: Pick<AuditScope, "chainHead" | "contracts" | "contractsTrusted" | "findings" | "policies">,
): string[] {
  const limits = [
    "That these are all entries up to the checkpoint is the log's word where it holds, and nobody's where it is missing. What an agent never handed in, or signed beside these for another log, only its counterparts know.",
    "It proves what the agents signed, and that it was signed under their keys; not that they told the truth.",
    "Clock times (iat) are the agents' word. Proven is the order of blocks: not before, not after.",
  ];
  if (scope.findings.some(({ withheld }) => withheld > 0)) {
    limits.push("Some disclosures were withheld: rules that need them are undecidable, not kept.");
  }
  for (const policy of scope.policies.values()) {
    if (!takesClaimedThread(policy)) continue;
    limits.push(
      `What came before an act under the policy ${policy.bundle.name} is the agent's own word, which the policy accepts.`,
    );
  }
  if (!scope.chainHead) {
    limits.push(
      "No chain was asked: whose keys these are, which policy was in force, who was attested and when anything happened is open.",
    );
    return limits;
  }
  limits.push(
    `The chain answered as of block ${scope.chainHead.blockNumber}, through one endpoint: believe it as far as you believe that endpoint and the block's finality.`,
  );
  limits.push(
    "Which log this is, the file says: believe an origin and its operator as far as you know them from elsewhere.",
  );
  const unattested = scope.findings.filter(({ verdicts }) => !verdicts.some(({ check }) => check === "attestation"));
  if (unattested.length > 0) {
    limits.push(
      `${unattested.length} of ${scope.findings.length} entries are of agents that nobody has enrolled for attestation, or that were withdrawn from it: which code they ran is open.`,
    );
  }
  if (!scope.contractsTrusted) {
    limits.push(
      "The contract addresses were taken from the file. Compare them and the code hashes with those that you were told, or give the deployment.",
    );
  }
  return limits;
}
