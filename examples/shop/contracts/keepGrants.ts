import { randomBytes } from "node:crypto";

import type { Agent } from "../../../agent/agent.ts";
import { toCanonicalJson } from "../../../protocol/json/canonical.ts";
import { contractIdOf, type Delegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { ipldToJson } from "../../../protocol/ucan/ipldJson.ts";
import type { ContractFolder } from "./contractFolder.ts";
import type { Grant } from "./grant.ts";

/** How long a contract holds. */
const lifetimeSec = 7 * 86_400;
/** What is left of it when the next one is issued. */
const renewBeforeSec = 2 * 86_400;

/** What issuing takes of an agent. */
export type Issuer = Pick<Agent, "did" | "signer" | "signingKey" | "revokeContracts">;

/**
 * Sees to it that every grant whose holder is known has a contract that holds for a while. A contract that is there and
 * says what the grant says is left alone; one that allows something else is replaced, and revoked on chain.
 * @returns how many were issued, and for which grants the holder is not known yet
 */
export async function keepGrants(
  grants: readonly Grant[],
  issuer: Issuer,
  folder: ContractFolder,
  nowSec: number,
): Promise<{ readonly issued: number; readonly missing: readonly Grant[] }> {
  const missing: Grant[] = [];
  let issued = 0;
  for (const grant of grants) {
    const audience = folder.keyOf(grant.to);
    if (audience === undefined) {
      missing.push(grant);
      continue;
    }
    const known = folder.find(grant.to, grant.command);
    const same = known !== undefined && known.audience === audience && saysTheSame(known, grant, issuer);
    if (same && known.expiresAtSec !== null && known.expiresAtSec - nowSec > renewBeforeSec) continue;
    const { command, policy } = grant;
    const expiresAtSec = nowSec + lifetimeSec;
    const terms = { audience, command, policy, nonce: randomBytes(16), expiresAtSec, agent: issuer.did };
    folder.publish(grant.to, command, await issueDelegation(terms, issuer.signer));
    issued++;
    // Issued by this account under other terms: it must not outlive them.
    if (known && !same && known.issuerAgent === issuer.did) await issuer.revokeContracts([contractIdOf(known)]);
  }
  return { issued, missing };
}

function saysTheSame(contract: Delegation, grant: Grant, issuer: Issuer): boolean {
  return (
    contract.issuer === issuer.signingKey &&
    contract.command === grant.command &&
    toCanonicalJson(contract.policy.map(({ source }) => ipldToJson(source))) ===
      toCanonicalJson(grant.policy.map((statement) => ipldToJson(statement)))
  );
}
