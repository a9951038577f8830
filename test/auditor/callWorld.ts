/** Calls between the two agents of the small world, as evidence: honest unless one thing is said otherwise. */
import { ed25519 } from "@noble/curves/ed25519.js";

import { auditEvidence } from "../../auditor/audit.ts";
import type { AuditCode } from "../../auditor/codes.ts";
import type { CheckName, Outcome, Verdict } from "../../auditor/verdict.ts";
import { formatKeyDid, type KeyDid } from "../../protocol/did/key.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EntryClaims } from "../../protocol/entry/claims.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { CallRole } from "../../protocol/ucan/callContext.ts";
import { formatCall } from "../../protocol/ucan/callMessage.ts";
import { type Delegation, type DelegationTerms, issueDelegation } from "../../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import { type Invocation, type InvocationTerms, issueInvocation } from "../../protocol/ucan/invocation.ts";
import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import { parseScope } from "../../protocol/ucan/shorthand.ts";
import {
  agentNamed,
  blockTimeOf,
  chainOf,
  chargePolicy,
  signEntry,
  type SignedEntry,
  stockPolicy,
  type TestAgent,
  type World,
  worldOf,
} from "./world.ts";

/** Owns what is called, and executes. */
export const payment = agentNamed("payment");
/** Calls. */
export const stock = agentNamed("stock");
/** When the first entry of each agent is signed: in the second of its block. */
export const nowSec = blockTimeOf(20);

export const didOf = ({ publicKey }: Pick<TestAgent, "publicKey">): KeyDid => formatKeyDid(publicKey);
export const signerOf = ({ publicKey, secret }: Pick<TestAgent, "publicKey" | "secret">): Ed25519Signer => ({
  publicKey,
  sign: (message) => ed25519.sign(message, secret),
});

/** A contract of payment's for stock, to charge at most 100 USD, for an hour. */
export function link(changes: Partial<DelegationTerms> = {}, by: TestAgent = payment): Promise<Delegation> {
  const { command, policy } = parseScope("payment:charge:max_100usd");
  const terms = { audience: didOf(stock), command, policy, nonce: new Uint8Array(12), expiresAtSec: nowSec + 3600 };
  return issueDelegation({ ...terms, agent: by.did, ...changes }, signerOf(by));
}

/** Stock's call under these contracts. */
export function call(
  chain: readonly Delegation[],
  changes: Partial<InvocationTerms> = {},
  by: TestAgent = stock,
): Promise<Invocation> {
  const terms = {
    subject: didOf(payment),
    command: "/payment/charge",
    args: { amount: 10, currency: "USD" },
    proofs: chain.map(({ envelope }) => envelope.cid),
    nonce: new Uint8Array(12).fill(1),
    expiresAtSec: nowSec + 60,
  };
  return issueInvocation({ ...terms, ...changes }, signerOf(by));
}

export interface EntryChange {
  readonly claims?: Partial<EntryClaims>;
  /** Null withholds what is named. */
  readonly values?: { readonly [name in "input" | "output" | "context"]?: Json | null };
  readonly before?: SignedEntry;
}

/** What one side enters about a call. */
export function entryOf(
  role: CallRole,
  chain: readonly Delegation[],
  invocation: Invocation,
  { claims, values = {}, before }: EntryChange = {},
  by: TestAgent = role === "callee" ? payment : stock,
): SignedEntry {
  const told = {
    input: ipldToJson(invocation.args),
    output: { ok: true },
    context: { role, call: formatCall(invocation, chain) } as Json,
    ...values,
  };
  const ctr = invocation.proofs.at(-1);
  const own = Object.fromEntries(Object.entries(told).filter(([, value]) => value !== null));
  return signEntry(by, policyOf(by), {
    seq: before ? before.claims.seq + 1 : 0,
    prev: before?.entryId ?? null,
    values: own,
    claims: {
      act: "payment.charge",
      iat: nowSec + (before ? before.claims.seq + 1 : 0),
      thread: undefined,
      ...(ctr === undefined ? {} : { ctr }),
      ...claims,
    },
  });
}

export const refused: EntryChange = { claims: { kind: "refusal" }, values: { output: { refused: "ERR_AUTH_POLICY" } } };

/** An entry that is about no call. */
export function beat(by: TestAgent, before?: SignedEntry, claims: Partial<EntryClaims> = {}): SignedEntry {
  return signEntry(by, policyOf(by), {
    seq: before ? before.claims.seq + 1 : 0,
    prev: before?.entryId ?? null,
    claims: { act: "heartbeat", kind: "heartbeat", thread: undefined, ...claims },
  });
}

function policyOf(by: TestAgent): Hex {
  return policyHashOf(by === stock ? stockPolicy : chargePolicy);
}

/** Both sides' entries of one call, and the world around them; its second anchor covers more than two entries. */
export function worldAround(entries: readonly SignedEntry[], state: Partial<World["state"]> = {}): World {
  const all = [...entries];
  while (all.length < 3)
    all.push(
      beat(
        payment,
        all.findLast(({ claims }) => claims.iss === payment.did),
      ),
    );
  const world = worldOf(all);
  const policies = [chargePolicy, stockPolicy].filter((bundle) => {
    return all.some(({ claims }) => claims.policy === policyHashOf(bundle));
  });
  world.evidence = { ...world.evidence, policies };
  world.state = { ...world.state, ...state };
  return world;
}

export async function verdictsOn(world: World): Promise<readonly Verdict[]> {
  const report = await auditEvidence(utf8(writeEvidence(world.evidence)), { chain: chainOf(world.state) });
  return report.verdicts;
}

export type Turned = readonly [check: CheckName, code: AuditCode, outcome: Exclude<Outcome, "holds">];

/** What does not hold, without what it says. */
export async function turnedIn(world: World): Promise<readonly Turned[]> {
  return (await verdictsOn(world)).flatMap(({ check, code, outcome }): Turned[] => {
    return outcome === "holds" ? [] : [[check, code, outcome]];
  });
}
