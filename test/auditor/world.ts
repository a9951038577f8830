/**
 * A small world with two agents, their log and a chain that remembers only what an auditor asks: what a liar changes in
 * the file or what happened on the chain differently is one override away.
 */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { computeAddress, getBytes, SigningKey } from "ethers";

import type { Anchor, ChainReader, PolicyVersion, RegisteredLog } from "../../auditor/chain/chainReader.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { toBase64url } from "../../protocol/encoding/base64url.ts";
import type { EntryClaims } from "../../protocol/entry/claims.ts";
import { disclosureDigest, type DisclosureName, encodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { assembleLeaf, entryIdOf, entrySigningInput } from "../../protocol/entry/leaf.ts";
import type { Evidence, EvidenceHead, EvidenceHeader } from "../../protocol/evidence/types.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { formatAgentHead } from "../../protocol/log/agentHead.ts";
import { formatCheckpoint } from "../../protocol/log/checkpoint.ts";
import { rootFromLeafHashes } from "../../protocol/log/compactRange.ts";
import { leafHash } from "../../protocol/log/hash.ts";
import { inclusionProof } from "../../protocol/log/inclusion.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { ed25519NoteSigner, formatEd25519VerifierKey } from "../../protocol/log/noteKey.ts";
import { operatorNoteSigner } from "../../protocol/log/operatorNote.ts";
import { signNote } from "../../protocol/log/signedNote.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";

export const chainId = 31337;

/** Ed25519 secret keys and everything else that must look random but stay the same: SHA-256 of a name. */
export const seed = (name: string): Uint8Array => sha256(utf8(name));
/** One block a second; entries are signed in the second of the block that they name. */
export const blockTimeOf = (blockNumber: number): number => 1_800_000_000 - 20 + blockNumber;
export const blockHashOf = (blockNumber: number): Hex => toHex(seed(`block ${blockNumber}`));

export interface TestAgent {
  readonly did: ReturnType<typeof formatEthrDid>;
  readonly address: Hex;
  readonly secret: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function agentNamed(name: string): TestAgent {
  const address = toHex(seed(`address of ${name}`).slice(0, 20));
  const secret = seed(`key of ${name}`);
  return { did: formatEthrDid(BigInt(chainId), address), address, secret, publicKey: ed25519.getPublicKey(secret) };
}

export interface SignedEntry {
  readonly leaf: string;
  readonly entryId: Hex;
  readonly claims: EntryClaims;
  readonly disclosures: readonly string[];
}

export interface EntryPlan {
  readonly seq: number;
  readonly prev: Hex | null;
  readonly values?: Partial<Record<DisclosureName, Json>>;
  /** Claims as they are to be signed, over the usual ones. */
  readonly claims?: Partial<EntryClaims>;
  /** Who signs, if not the agent's own key. */
  readonly signer?: { readonly secret: Uint8Array; readonly publicKey: Uint8Array };
}

export function signEntry(agent: TestAgent, policy: Hex, plan: EntryPlan): SignedEntry {
  const { seq, prev, signer = agent } = plan;
  const disclosures = Object.entries(plan.values ?? {}).map(([name, value]) => {
    const salt = toBase64url(seed(`salt ${agent.did} ${seq} ${name}`).slice(0, 16));
    return encodeDisclosure({ name: name as DisclosureName, value, salt });
  });
  const claims: EntryClaims = {
    _sd: disclosures.map(disclosureDigest).sort(),
    _sd_alg: "sha-256",
    act: "payment.charge",
    iat: 1_800_000_000 + seq,
    iss: agent.did,
    kind: "act",
    nb: { blockHash: blockHashOf(20 + seq), blockNumber: 20 + seq, chainId },
    policy,
    prev,
    seq,
    thread: "order-1",
    ...plan.claims,
  };
  const input = entrySigningInput(claims, signer.publicKey);
  const leaf = assembleLeaf(input, ed25519.sign(utf8(input), signer.secret));
  return { leaf, entryId: entryIdOf(leaf), claims, disclosures: disclosures.sort() };
}

/** Amounts up to 100 are allowed, and at most two charges of one order. */
export const chargePolicy: PolicyBundle = {
  format: "affiant-policy/1",
  name: "charges",
  description: "What the payment agent may charge.",
  schema: `entity Agent; entity System;
action "payment.charge" appliesTo { principal: [Agent], resource: [System], context: { amount?: Long, charges?: Long } };`,
  policies: `@id("may-charge") permit (principal, action, resource);
@id("amount-limit") @rule("A charge is at most 100") @needs("amount")
forbid (principal, action == Action::"payment.charge", resource) when { context has amount && context.amount > 100 };
@id("one-charge") @rule("At most two charges an order")
forbid (principal, action == Action::"payment.charge", resource) when { context has charges && context.charges > 2 };`,
  thread: "input.order",
  facts: { amount: "input.amount", charges: "$count(before) + 1" },
  undecidable: [{ rule: "Be kind", why: "Kindness leaves no trace in a call" }],
};

export const stockPolicy: PolicyBundle = { ...chargePolicy, name: "stock", undecidable: [] };

/** What happened on the chain. Every field may be overridden. */
export interface ChainState {
  chainId: number;
  head: number;
  blockTimeSec?: (blockNumber: number) => number;
  code: Record<Hex, Hex>;
  agentRegistry: Hex;
  keys: { agent: Hex; key: Hex; addedAtBlock: number; revokedAtBlock?: number }[];
  policies: { agent: Hex; policyHash: Hex; block: number }[];
  revocations?: { agent: Hex; contractId: Hex; block: number }[];
  logs: Record<Hex, RegisteredLog>;
  /** Records. */
  anchors: Record<Hex, Anchor[]>;
  /** What was anchored without a record. */
  advances?: Record<Hex, Anchor[]>;
}

const address = (name: string): Hex => toHex(seed(name).slice(0, 20));

export const contracts: EvidenceHeader["contracts"] = {
  agentRegistry: address("AgentRegistry"),
  attestationRegistry: address("AttestationRegistry"),
  contractRegistry: address("ContractRegistry"),
  logAnchor: address("LogAnchor"),
  policyRegistry: address("PolicyRegistry"),
};

/** Answers as the contracts would. */
export function chainOf(state: ChainState): ChainReader {
  const is = (asked: Hex, contract: keyof typeof contracts): boolean => asked === contracts[contract];
  const versionsOf = (agent: Hex) => state.policies.filter((version) => version.agent === agent);
  return {
    chainId: () => Promise.resolve(state.chainId),
    head: () => Promise.resolve({ blockNumber: state.head, blockHash: blockHashOf(state.head) }),
    blockHash: (blockNumber) => Promise.resolve(blockNumber <= state.head ? blockHashOf(blockNumber) : null),
    blockTimeSec: (blockNumber) => {
      return Promise.resolve(blockNumber <= state.head ? (state.blockTimeSec ?? blockTimeOf)(blockNumber) : null);
    },
    codeHash: (asked) => Promise.resolve(state.code[asked] ?? null),
    implementationOf: () => Promise.resolve(null),
    agentRegistryOf: (asked) => {
      if (is(asked, "contractRegistry") || is(asked, "attestationRegistry"))
        return Promise.resolve(contracts.agentRegistry);
      return Promise.resolve(is(asked, "policyRegistry") ? state.agentRegistry : null);
    },
    revokedAtBlock: (asked, agent, contractId) => {
      const found = state.revocations?.find((own) => own.agent === agent && own.contractId === contractId);
      return Promise.resolve(is(asked, "contractRegistry") ? (found?.block ?? null) : null);
    },
    logOf: (asked, logId) => Promise.resolve(is(asked, "logAnchor") ? (state.logs[logId] ?? null) : null),
    anchorAt: (asked, logId, index) =>
      Promise.resolve(is(asked, "logAnchor") ? (state.anchors[logId]?.[index] ?? null) : null),
    anchoredIn: (asked, logId, blockNumber) => {
      const all = [...(state.anchors[logId] ?? []), ...(state.advances?.[logId] ?? [])];
      return Promise.resolve(is(asked, "logAnchor") ? all.filter((anchor) => anchor.blockNumber === blockNumber) : []);
    },
    firstAnchorCovering: (asked, logId, leafIndex) => {
      const index = state.anchors[logId]?.findIndex(({ size }) => size > leafIndex) ?? -1;
      return Promise.resolve(is(asked, "logAnchor") && index >= 0 ? index : null);
    },
    signingKeyValidAt: (asked, agent, key, blockNumber) =>
      Promise.resolve(
        is(asked, "agentRegistry")
          ? state.keys.some(
              (own) =>
                own.agent === agent &&
                own.key === key &&
                own.addedAtBlock <= blockNumber &&
                blockNumber < (own.revokedAtBlock ?? Infinity),
            )
          : null,
      ),
    isActive: (asked, agent) =>
      Promise.resolve(is(asked, "agentRegistry") ? state.keys.some((own) => own.agent === agent) : null),
    policyInForce: (asked, agent, blockNumber): Promise<PolicyVersion | null> => {
      const version = versionsOf(agent).findLastIndex(({ block }) => block <= blockNumber);
      const own = versionsOf(agent)[version];
      if (!is(asked, "policyRegistry") || !own) return Promise.resolve(null);
      return Promise.resolve({ policyHash: own.policyHash, version: version + 1, sinceBlock: own.block });
    },
  };
}

export const origin = "log.example/shop";
export const noteSecret = seed("note key");

/** The tree over the leaves, as the relayer would serve it. */
export function logOver(leaves: readonly string[]) {
  const hashes = leaves.map((leaf) => leafHash(utf8(leaf)));
  const source = (level: number, index: number): Uint8Array =>
    rootFromLeafHashes(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return {
    source,
    root: (size: number): Uint8Array => rootFromLeafHashes(hashes.slice(0, size)),
    proof: (index: number, size: number): Hex[] => inclusionProof(source, index, size).map(toHex),
  };
}

/** The operator's account on the chain. */
export const operator = new SigningKey(seed("operator"));
export const operatorAddress = computeAddress(operator).toLowerCase() as Hex;

/** A checkpoint with the log's signature and, unless told otherwise, its operator's statement. */
export function noteOver(
  root: Uint8Array,
  size: number,
  { name = origin, secret = noteSecret, statedBy = operator as SigningKey | null } = {},
): string {
  const signer = ed25519NoteSigner(name, ed25519.getPublicKey(secret), (message) => ed25519.sign(message, secret));
  const text = formatCheckpoint({ origin: name, size, root });
  if (!statedBy) return signNote(text, signer);
  const key = { chainId: BigInt(chainId), logAnchor: contracts.logAnchor, operator: computeAddress(statedBy) };
  const stated = operatorNoteSigner(name, key, (digest) => getBytes(statedBy.sign(digest).serialized));
  return signNote(text, signer, stated);
}

/** The log's statement that these are all entries of an agent in its tree. */
export function headOver(
  root: Uint8Array,
  size: number,
  agent: string,
  own: readonly SignedEntry[],
  { name = origin, secret = noteSecret } = {},
): EvidenceHead {
  const signer = ed25519NoteSigner(name, ed25519.getPublicKey(secret), (message) => ed25519.sign(message, secret));
  const last = own.reduce<SignedEntry | undefined>((newest, entry) => {
    return newest && newest.claims.seq > entry.claims.seq ? newest : entry;
  }, undefined);
  const count = last ? last.claims.seq + 1 : 0;
  const text = formatAgentHead({ origin: name, size, root, agent, count, lastEntryId: last?.entryId ?? null });
  return { agent, note: signNote(text, signer) };
}

/** One for each agent that signed. */
export function headsOver(root: Uint8Array, entries: readonly SignedEntry[]): EvidenceHead[] {
  return [...Map.groupBy(entries, ({ claims }) => claims.iss)].map(([agent, own]) => {
    return headOver(root, entries.length, agent, own);
  });
}

export interface World {
  evidence: Evidence;
  state: ChainState;
  readonly payment: TestAgent;
  readonly stock: TestAgent;
  readonly entries: SignedEntry[];
}

/** Two anchors: over the first two leaves in block 30, over all in block 40. */
const anchorPlan = [
  { size: 2, blockNumber: 30 },
  { size: Infinity, blockNumber: 40 },
];

/** Evidence and chain for any signed entries, in the order of the log. */
export function worldOf(entries: SignedEntry[]): World {
  const payment = agentNamed("payment");
  const stock = agentNamed("stock");
  const log = logOver(entries.map(({ leaf }) => leaf));
  const logId = logIdOf(origin);
  const anchors = anchorPlan.map(({ size, blockNumber }) => {
    const covered = Math.min(size, entries.length);
    return { size: covered, root: toHex(log.root(covered)), blockNumber };
  });
  const noteKey = ed25519.getPublicKey(noteSecret);
  const agents = [payment, stock];
  const policies = [policyHashOf(chargePolicy), policyHashOf(stockPolicy)];
  return {
    payment,
    stock,
    entries,
    evidence: {
      header: { chainId, contracts, logId, origin, vkey: formatEd25519VerifierKey(origin, noteKey) },
      policies: [chargePolicy, stockPolicy],
      checkpoint: { anchorBlock: null, anchorIndex: 1, note: noteOver(log.root(entries.length), entries.length) },
      entries: entries.map(({ leaf, disclosures }, index) => {
        return { disclosures, index, leaf, proof: log.proof(index, entries.length) };
      }),
      heads: headsOver(log.root(entries.length), entries),
    },
    state: {
      chainId,
      head: 50,
      code: Object.fromEntries(Object.values(contracts).map((at) => [at, toHex(seed(at))])),
      agentRegistry: contracts.agentRegistry,
      keys: agents.map((agent) => ({ agent: agent.address, key: toHex(agent.publicKey), addedAtBlock: 5 })),
      policies: agents.map((agent, i) => ({ agent: agent.address, policyHash: policies[i] as Hex, block: 6 })),
      logs: { [logId]: { operators: [operatorAddress], noteKeys: [toHex(noteKey)], origin, equivocationCount: 0 } },
      anchors: { [logId]: anchors },
    },
  };
}

/** Plans over the five entries of {@link honestEntries}, by their position in the log. */
export type EntryOverrides = Readonly<Record<number, Partial<EntryPlan>>>;

/** Payment's entries 0, 1, 2 at the log's 0, 2, 3; stock's entries 0, 1 at the log's 1, 4. */
export function honestEntries(overrides: EntryOverrides = {}): SignedEntry[] {
  const payment = agentNamed("payment");
  const stock = agentNamed("stock");
  const order = [payment, stock, payment, payment, stock];
  const last = new Map<TestAgent, SignedEntry>();
  return order.map((agent, position) => {
    const before = last.get(agent);
    const seq = before ? before.claims.seq + 1 : 0;
    const entry = signEntry(agent, policyHashOf(agent === payment ? chargePolicy : stockPolicy), {
      seq,
      prev: before?.entryId ?? null,
      values: {
        input: { amount: 10 * (position + 1), order: agent === stock ? `stock-${seq}` : "order-1" },
        output: { ok: true },
      },
      claims: { ...(agent === stock && { thread: undefined }) },
      ...overrides[position],
    });
    last.set(agent, entry);
    return entry;
  });
}

export const honestWorld = (overrides: EntryOverrides = {}): World => worldOf(honestEntries(overrides));
