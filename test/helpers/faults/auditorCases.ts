/** One small world for each way in which a chain's answer decides a verdict of the auditor. */
import { ed25519 } from "@noble/curves/ed25519.js";

import { auditEvidence } from "../../../auditor/audit.ts";
import type { AttestationAt } from "../../../auditor/chain/chainReader.ts";
import { RpcChain } from "../../../auditor/chain/rpcChain.ts";
import type { AuditCode } from "../../../auditor/codes.ts";
import { formatKeyDid } from "../../../protocol/did/key.ts";
import { verifyNative } from "../../../protocol/ed25519/nodeVerify.ts";
import { utf8 } from "../../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { writeEvidence } from "../../../protocol/evidence/writeEvidence.ts";
import { logIdOf } from "../../../protocol/log/logId.ts";
import { policyHashOf } from "../../../protocol/policy/policyHash.ts";
import { formatCall } from "../../../protocol/ucan/callMessage.ts";
import { contractIdOf, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../../../protocol/ucan/envelope.ts";
import { issueInvocation } from "../../../protocol/ucan/invocation.ts";
import { parseScope } from "../../../protocol/ucan/shorthand.ts";
import {
  agentNamed,
  blockHashOf,
  chainId,
  chargePolicy,
  contracts,
  honestWorld,
  origin,
  seed,
  signEntry,
  stockPolicy,
  type TestAgent,
  type World,
  worldOf,
} from "../../auditor/world.ts";
import { keyEscrow, scriptOf, type WiderState } from "./auditorWorlds.ts";
import type { Facts, FaultCase } from "./matrix.ts";
import { scriptedChain } from "./scriptedChain.ts";

const [payment, stock] = [agentNamed("payment"), agentNamed("stock")];
const logId = logIdOf(origin);
const iat = 1_800_000_020;

interface Plan {
  /** What the chain makes of it, if anything. */
  readonly code?: AuditCode;
  readonly state?: Partial<WiderState> | ((state: WiderState) => Partial<WiderState>);
  readonly world?: () => World | Promise<World>;
  readonly checkpoint?: Partial<World["evidence"]["checkpoint"]>;
}

/** Another status at each block. */
const status = (at: (block: number) => AttestationAt["status"]): Partial<WiderState> => ({
  attestations: (agent, block) =>
    agent === payment.address ? { status: at(block), version: 1, sinceBlock: 7, expiresAtBlock: 90 } : undefined,
});

const word = (name: string): Hex => toHex(seed(name));
const keys = (change: Partial<WiderState["keys"][number]>) => (state: WiderState) => ({
  keys: state.keys.map((own) => (own.agent === payment.address ? { ...own, ...change } : own)),
});
const policies =
  (...own: readonly { policyHash: Hex; block: number }[]) =>
  (state: WiderState) => ({
    policies: [
      ...state.policies.filter(({ agent }) => agent === stock.address),
      ...own.map((one) => ({ ...one, agent: payment.address })),
    ],
  });
const log =
  (change: Partial<WiderState["logs"][Hex]>) =>
  ({ logs }: WiderState) => ({
    logs: { [logId]: { ...logs[logId]!, ...change } },
  });
const anchors = (change: (own: WiderState["anchors"][Hex]) => WiderState["anchors"][Hex]) => (state: WiderState) => ({
  anchors: { [logId]: change(state.anchors[logId]!) },
});
/** The second anchor without a record. */
const advanced = ({ anchors: all }: WiderState) => ({
  anchors: { [logId]: all[logId]!.slice(0, 1) },
  advances: { [logId]: all[logId]!.slice(1) },
});

const use = { escrow: keyEscrow, group: word("group"), epoch: 3, keyCommitment: word("key") };
const epoch = (change: object = {}, more: Partial<WiderState> = status(() => "trusted")): Partial<WiderState> => ({
  ...more,
  epochs: {
    3: {
      keyCommitment: use.keyCommitment,
      publishedAtBlock: 10,
      nextPublishedAtBlock: null,
      graceBlocks: 2,
      holders: [payment.address],
      attestationRegistry: contracts.attestationRegistry,
      ...change,
    },
  },
});
const underKey = () => honestWorld({ 0: { values: { input: { amount: 1 }, output: {}, context: { groupKey: use } } } });
const promise = () =>
  honestWorld({
    3: { claims: { act: "heartbeat", kind: "heartbeat", everyBlocks: 5, thread: undefined }, values: {} },
  });

/** Payment executes a call of stock under its own contract. */
async function call(revoked?: number, grantor = payment): Promise<World> {
  const signerOf = ({ publicKey, secret }: TestAgent): Ed25519Signer => ({
    publicKey,
    sign: (message) => ed25519.sign(message, secret),
  });
  const { command, policy } = parseScope("payment:charge:max_100usd");
  const audience = formatKeyDid(stock.publicKey);
  const terms = {
    audience,
    command,
    policy,
    nonce: new Uint8Array(12),
    expiresAtSec: iat + 36_000,
    agent: grantor.did,
  };
  const link = await issueDelegation(terms, signerOf(payment));
  const invocation = await issueInvocation(
    {
      subject: formatKeyDid(payment.publicKey),
      command: "/payment/charge",
      args: { amount: 10, currency: "USD" },
      proofs: [link.envelope.cid],
      nonce: new Uint8Array(12).fill(1),
      expiresAtSec: iat + 60,
    },
    signerOf(stock),
  );
  const entries = [
    ["callee", payment],
    ["caller", stock],
  ].map(([role, agent]) =>
    signEntry(agent as TestAgent, policyHashOf(agent === payment ? chargePolicy : stockPolicy), {
      seq: 0,
      prev: null,
      values: {
        input: { amount: 10, currency: "USD" },
        output: { ok: true },
        context: { role: role as string, call: formatCall(invocation, [link]) as never },
      },
      claims: { ctr: link.envelope.cid, iat, thread: undefined },
    }),
  );
  const third = signEntry(stock, policyHashOf(stockPolicy), {
    seq: 1,
    prev: entries[1]!.entryId,
    claims: { act: "heartbeat", kind: "heartbeat", iat, thread: undefined, everyBlocks: 0 },
  });
  const world = worldOf([...entries, third]);
  const revocations =
    revoked === undefined ? [] : [{ agent: payment.address, contractId: contractIdOf(link), block: revoked }];
  Object.assign(world.state, { revocations });
  return world;
}

const plans: Readonly<Record<string, Plan>> = {
  "all is well": { state: status(() => "trusted") },
  "a call that is allowed": { world: () => call() },
  "an act under a group's key": { world: underKey, state: epoch() },
  "an anchor without record": { state: advanced, checkpoint: { anchorIndex: null, anchorBlock: 40 } },
  "a sign of life was promised": { world: promise, code: "AUDIT_HEARTBEAT_MISSED" },
  "another chain": { state: { chainId: 1 }, code: "AUDIT_CHAIN_OTHER" },
  "no registry of agents": { state: { absent: [contracts.agentRegistry] }, code: "AUDIT_CONTRACT_ABSENT" },
  "no registry of contracts": {
    world: () => call(15),
    state: { absent: [contracts.contractRegistry] },
    code: "AUDIT_CONTRACT_ABSENT",
  },
  "another registry of agents": {
    state: { agentRegistry: word("other").slice(0, 42) as Hex },
    code: "AUDIT_CONTRACT_OTHER",
  },
  "no such log": { state: { logs: {} }, code: "AUDIT_LOG_UNKNOWN" },
  "another origin": { state: log({ origin: "log.example/other" }), code: "AUDIT_LOG_ORIGIN" },
  "another note key": { state: log({ noteKeys: [word("note")] }), code: "AUDIT_LOG_KEY" },
  "a convicted log": {
    state: log({ equivocationCount: 2 }),
    checkpoint: { anchorIndex: null, anchorBlock: null },
    code: "AUDIT_LOG_EQUIVOCATED",
  },
  "an operator whose term was over": {
    state: (state) => ({
      ...log({ operators: [...state.logs[logId]!.operators, payment.address] })(state),
      handovers: [0, 3],
    }),
    code: "AUDIT_OPERATOR_STATEMENT",
  },
  "another operator": { state: log({ operators: [payment.address] }), code: "AUDIT_OPERATOR_STATEMENT" },
  "no such anchor": { state: anchors((own) => own.slice(0, 1)), code: "AUDIT_ANCHOR_UNKNOWN" },
  "another tree": {
    state: anchors((own) => own.map((one) => ({ ...one, root: word("root") }))),
    code: "AUDIT_ANCHOR_MISMATCH",
  },
  "not the first anchor": {
    state: anchors((own) => own.map((one) => ({ ...one, size: 5, root: own[1]!.root }))),
    code: "AUDIT_ANCHOR_NOT_FIRST",
  },
  "no event of an anchor": { checkpoint: { anchorIndex: null, anchorBlock: 41 }, code: "AUDIT_ANCHOR_UNKNOWN" },
  "anchored before it was done": {
    state: anchors((own) => own.map((one, i) => ({ ...one, blockNumber: 19 + 20 * i }))),
    code: "AUDIT_BLOCK_AFTER_ANCHOR",
  },
  "a block that is not there": { state: { head: 20 }, code: "AUDIT_BLOCK_UNKNOWN" },
  "another block": {
    world: () => honestWorld({ 0: { claims: { nb: { blockHash: blockHashOf(7), blockNumber: 20, chainId } } } }),
    code: "AUDIT_BLOCK_HASH",
  },
  "no key of the agent": { state: keys({ addedAtBlock: 45 }), code: "AUDIT_KEY_NOT_VALID" },
  "a key that ended": { state: keys({ revokedAtBlock: 25 }), code: "AUDIT_KEY_ENDED_IN_WINDOW" },
  "no policy": { state: policies(), code: "AUDIT_POLICY_NONE" },
  "another policy": { state: policies({ policyHash: word("policy"), block: 6 }), code: "AUDIT_POLICY_OTHER" },
  "a policy that changed": {
    state: policies({ policyHash: policyHashOf(chargePolicy), block: 6 }, { policyHash: word("policy"), block: 25 }),
    code: "AUDIT_POLICY_CHANGED_IN_WINDOW",
  },
  "enrolled only later": {
    state: status((block) => (block < 30 ? "none" : "trusted")),
    code: "AUDIT_ATTESTATION_NONE",
  },
  "not attested": {
    state: status((block) => (block < 30 ? "quarantined" : "trusted")),
    code: "AUDIT_ATTESTATION_NOT_TRUSTED",
  },
  "trust that was lost": {
    state: status((block) => (block < 24 ? "trusted" : "convicted")),
    code: "AUDIT_ATTESTATION_LOST_IN_WINDOW",
  },
  "trust that was lost and came back": {
    state: status((block) => (block < 24 || block > 35 ? "trusted" : "convicted")),
    code: "AUDIT_ATTESTATION_LOST_IN_WINDOW",
  },
  "another key of the epoch": {
    world: underKey,
    state: epoch({ keyCommitment: word("other") }),
    code: "AUDIT_GROUP_KEY_UNKNOWN",
  },
  "no such epoch": { world: underKey, state: { ...epoch(), epochs: {} }, code: "AUDIT_GROUP_KEY_UNKNOWN" },
  "an epoch that came later": {
    world: underKey,
    state: epoch({ publishedAtBlock: 35 }),
    code: "AUDIT_GROUP_KEY_LATER",
  },
  "an epoch that was over": {
    world: underKey,
    state: () => {
      const first = epoch();
      return { ...first, epochs: { ...first.epochs, 4: { ...first.epochs![3]!, publishedAtBlock: 12 } } };
    },
    code: "AUDIT_GROUP_KEY_OVER",
  },
  "a key that the agent was not given": {
    world: underKey,
    state: epoch({ holders: [stock.address] }),
    code: "AUDIT_GROUP_KEY_NOT_HELD",
  },
  "a holder that was not attested": {
    world: underKey,
    state: epoch(
      {},
      status((block) => (block < 15 ? "enrolled" : "trusted")),
    ),
    code: "AUDIT_GROUP_KEY_UNATTESTED",
  },
  "a contract that was revoked": { world: () => call(15), code: "AUDIT_CALL_REVOKED" },
  "a contract that was revoked in between": { world: () => call(25), code: "AUDIT_CALL_REVOKED_IN_WINDOW" },
  "a contract of another account": { world: () => call(undefined, stock), code: "AUDIT_CALL_KEY_UNBOUND" },
  "a right of nobody's key": {
    world: () => call(),
    state: keys({ revokedAtBlock: 10 }),
    code: "AUDIT_CALL_NOT_ALLOWED",
  },
};

/** Every case; `truth` is what it must come to while the endpoint is well. */
export async function auditorCases(): Promise<FaultCase[]> {
  return Promise.all(Object.entries(plans).map(([name, plan]) => caseOf(name, plan)));
}

async function caseOf(
  name: string,
  { code, state = {}, world: make = honestWorld, checkpoint = {} }: Plan,
): Promise<FaultCase> {
  const world = await make();
  Object.assign(world.state, typeof state === "function" ? state(world.state) : state);
  const evidence = { ...world.evidence, checkpoint: { ...world.evidence.checkpoint, ...checkpoint } };
  const bytes = utf8(writeEvidence(evidence));
  return {
    name: `auditor: ${name}`,
    chain: scriptedChain(scriptOf(world.state)),
    isTruth: (facts) =>
      code === undefined
        ? [...facts.values()].every((fact) => fact === "holds AUDIT_OK")
        : [...facts.values()].some((fact) => fact.endsWith(` ${code}`)),
    silent: "unproven AUDIT_CHAIN_SILENT",
    ask: async (url) => {
      const chain = await RpcChain.open(url, { attempts: 4, firstPauseMs: 0, maxPauseMs: 0, timeoutMs: 5_000 });
      const { verdicts } = await auditEvidence(bytes, { chain, keyEscrow, verify: verifyNative });
      const facts: Facts = new Map();
      const nth = new Map<string, number>();
      for (const { check, subject, outcome, code } of verdicts) {
        const about = `${check} ${subject.line ?? subject.agent ?? ""}`;
        nth.set(about, (nth.get(about) ?? 0) + 1);
        facts.set(`${about} ${nth.get(about)}`, `${outcome} ${code}`);
      }
      return facts;
    },
  };
}
