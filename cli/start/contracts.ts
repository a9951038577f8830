import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { readEvidence } from "../../protocol/evidence/readEvidence.ts";
import { isCallContext, readCallContext } from "../../protocol/ucan/callContext.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import { statementInWords } from "../../protocol/ucan/words.ts";

/** A contract that calls in the evidence name, and what became of them. */
export interface UsedContract {
  readonly cid: string;
  /** DIDs: whose right it is, and who may use it. The latter is known by its entries of the calls. */
  readonly from: string;
  readonly to: string;
  readonly command: string;
  /** What the arguments must satisfy, in words; empty if nothing. */
  readonly terms: string;
  readonly expiresAtSec: number | null;
  readonly calls: number;
  /** By the callee, on whatever ground: the contract, its policy, its trade. */
  readonly refused: number;
}

/** The contracts between agents that were used, in the order of their first call, as the callees' entries tell. */
export function contractsIn(evidence: Uint8Array): readonly UsedContract[] {
  const used = new Map<string, { contract: Delegation; from: string; calls: number; refused: number }>();
  const callers = new Map<string, string>();
  for (const { leaf, disclosures } of readEvidence(evidence).entries) {
    const { claims } = decodeLeaf(leaf);
    const context = disclosures.map(decodeDisclosure).find(({ name }) => name === "context")?.value;
    if (claims.ctr === undefined || !isCallContext(context)) continue;
    const { role, call } = readCallContext(context);
    const contract = call.delegations.get(claims.ctr);
    if (!contract) continue;
    if (role === "caller") {
      callers.set(call.invocation.issuer, claims.iss);
      continue;
    }
    const sum = used.get(claims.ctr) ?? { contract, from: claims.iss, calls: 0, refused: 0 };
    sum.calls++;
    if (claims.kind === "refusal") sum.refused++;
    used.set(claims.ctr, sum);
  }
  return [...used].map(([cid, { contract, from, calls, refused }]) => ({
    cid,
    from,
    to: callers.get(contract.audience) ?? contract.audience,
    command: contract.command,
    terms: contract.policy.map(statementInWords).join(", and "),
    expiresAtSec: contract.expiresAtSec,
    calls,
    refused,
  }));
}
