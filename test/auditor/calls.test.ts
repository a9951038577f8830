/** Calls between agents, as evidence: each forgery is one change to the honest pair of entries. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { type AuditCode, auditCodes } from "../../auditor/codes.ts";
import type { CheckName, Verdict } from "../../auditor/verdict.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { EntryKind } from "../../protocol/entry/claims.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { CallRole } from "../../protocol/ucan/callContext.ts";
import { formatCall } from "../../protocol/ucan/callMessage.ts";
import { contractIdOf, type Delegation, issueDelegation } from "../../protocol/ucan/delegation.ts";
import type { Ed25519Signer } from "../../protocol/ucan/envelope.ts";
import { type Invocation, issueInvocation } from "../../protocol/ucan/invocation.ts";
import { parseScope } from "../../protocol/ucan/shorthand.ts";
import {
  agentNamed,
  chainOf,
  chargePolicy,
  signEntry,
  type SignedEntry,
  stockPolicy,
  type TestAgent,
  type World,
  worldOf,
} from "./world.ts";

const payment = agentNamed("payment");
const stock = agentNamed("stock");
const iat = 1_800_000_000;
const signerOf = ({ publicKey, secret }: TestAgent): Ed25519Signer => ({
  publicKey,
  sign: (message) => ed25519.sign(message, secret),
});
const didOf = ({ publicKey }: TestAgent) => formatKeyDid(publicKey);

interface Plan {
  readonly contract?: Partial<Parameters<typeof issueDelegation>[0]>;
  readonly call?: Partial<Parameters<typeof issueInvocation>[0]>;
  /** How the entries are changed before they are signed. */
  readonly callee?: EntryChange;
  readonly caller?: EntryChange | null;
}

interface EntryChange {
  readonly act?: string;
  readonly ctr?: string;
  readonly kind?: EntryKind;
  readonly values?: { readonly input?: Json; readonly context?: Json };
  readonly twice?: true;
}

/** stock calls payment under a contract; payment executes. */
async function plan({ contract = {}, call = {}, callee = {}, caller = {} }: Plan = {}): Promise<{
  world: World;
  link: Delegation;
}> {
  const { command, policy } = parseScope("payment:charge:max_100usd");
  const terms = { audience: didOf(stock), command, policy, nonce: new Uint8Array(12), expiresAtSec: iat + 3600 };
  const link = await issueDelegation({ ...terms, agent: payment.did, ...contract }, signerOf(payment));
  const invocation = await issueInvocation(
    {
      subject: didOf(payment),
      command: "/payment/charge",
      args: { amount: 10, currency: "USD" },
      proofs: [link.envelope.cid],
      nonce: new Uint8Array(12).fill(1),
      expiresAtSec: iat + 60,
      ...call,
    },
    signerOf(stock),
  );
  const entries: SignedEntry[] = [];
  for (let times = callee.twice ? 2 : 1; times > 0; times--) {
    entries.push(entryOf(payment, "callee", link, invocation, callee, entries));
  }
  const own = caller ? entryOf(stock, "caller", link, invocation, caller, []) : undefined;
  if (own) entries.push(own);
  // The second anchor of the world covers more than two entries.
  while (entries.length < 3) entries.push(own ? heartbeat(stock, own) : heartbeat(payment, entries.at(-1)!));
  const world = worldOf(entries);
  if (!own) world.evidence = { ...world.evidence, policies: [chargePolicy] };
  return { world, link };
}

function heartbeat(agent: TestAgent, before: SignedEntry): SignedEntry {
  const claims = { act: "heartbeat", kind: "heartbeat", thread: undefined } as const;
  const plan = { seq: before.claims.seq + 1, prev: before.entryId, claims };
  return signEntry(agent, before.claims.policy, plan);
}

function entryOf(
  agent: TestAgent,
  role: CallRole,
  link: Delegation,
  invocation: Invocation,
  change: EntryChange,
  before: readonly SignedEntry[],
): SignedEntry {
  const values = {
    input: { amount: 10, currency: "USD" },
    output: { ok: true },
    context: { role, call: formatCall(invocation, [link]) } as Json,
    ...change.values,
  };
  if (change.values && "context" in change.values && change.values.context === undefined)
    delete (values as { context?: Json }).context;
  return signEntry(agent, policyHashOf(agent === payment ? chargePolicy : stockPolicy), {
    seq: before.length,
    prev: before.at(-1)?.entryId ?? null,
    values,
    claims: {
      act: change.act ?? "payment.charge",
      ctr: change.ctr ?? link.envelope.cid,
      kind: change.kind ?? "act",
      iat,
      thread: undefined,
    },
  });
}

async function turned(world: World): Promise<readonly Verdict[]> {
  const { verdicts } = await auditEvidence(utf8(writeEvidence(world.evidence)), { chain: chainOf(world.state) });
  return verdicts.filter(({ outcome }) => outcome !== "holds");
}

type Expected = readonly [check: CheckName, code: AuditCode, outcome: "fails" | "unproven"];
const cases: readonly { what: string; make: () => Promise<World>; turns: readonly Expected[] }[] = [
  {
    what: "a call above the contract's limit, executed",
    make: async () =>
      (
        await plan({
          call: { args: { amount: 101, currency: "USD" } },
          callee: { values: { input: { amount: 101, currency: "USD" } } },
          caller: { values: { input: { amount: 101, currency: "USD" } } },
        })
      ).world,
    turns: [["call", "AUDIT_CALL_NOT_ALLOWED", "fails"]],
  },
  {
    what: "a call under a contract that had expired long before",
    make: async () => (await plan({ contract: { expiresAtSec: iat - 300 } })).world,
    turns: [["call", "AUDIT_CALL_NOT_ALLOWED", "fails"]],
  },
  {
    what: "an entry with another input than the call",
    make: async () => (await plan({ callee: { values: { input: { amount: 9, currency: "USD" } } } })).world,
    turns: [
      ["call", "AUDIT_CALL_OTHER", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "an entry that names another contract",
    make: async () =>
      (await plan({ callee: { ctr: "bafyreigrb7fktc6hrt7yiggc2jb4kh2w7kxuhpmmtsfpc7nqvkiy2x3crq" } })).world,
    turns: [
      ["call", "AUDIT_CALL_OTHER", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "a call that cannot be read",
    make: async () =>
      (await plan({ callee: { values: { context: { role: "callee", call: { invocation: "AA", contracts: [] } } } } }))
        .world,
    turns: [
      ["call", "AUDIT_CALL_MALFORMED", "fails"],
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
    ],
  },
  {
    what: "a call that is not disclosed",
    make: async () => (await plan({ caller: { values: { context: undefined } } })).world,
    turns: [
      ["call-pair", "AUDIT_CALL_ONE_SIDED", "fails"],
      ["call", "AUDIT_CALL_WITHHELD", "unproven"],
    ],
  },
  {
    what: "a contract that had been revoked",
    make: async () => {
      const { world, link } = await plan();
      world.state.revocations = [{ agent: payment.address, contractId: contractIdOf(link), block: 20 }];
      return world;
    },
    turns: [["call", "AUDIT_CALL_REVOKED", "fails"]],
  },
  {
    what: "a contract that was revoked while the entry waited for its anchor",
    make: async () => {
      const { world, link } = await plan();
      world.state.revocations = [{ agent: payment.address, contractId: contractIdOf(link), block: 21 }];
      return world;
    },
    turns: [["call", "AUDIT_CALL_REVOKED_IN_WINDOW", "unproven"]],
  },
  {
    what: "a contract that names somebody else's account",
    make: async () => (await plan({ contract: { agent: stock.did } })).world,
    turns: [["call", "AUDIT_CALL_KEY_UNBOUND", "fails"]],
  },
  {
    what: "a call executed twice",
    make: async () => (await plan({ callee: { twice: true } })).world,
    turns: [
      ["call-pair", "AUDIT_CALL_TWICE", "fails"],
      ["call-pair", "AUDIT_CALL_TWICE", "fails"],
    ],
  },
  {
    what: "a call whose other side is not in the file",
    make: async () => (await plan({ caller: null })).world,
    turns: [["call-pair", "AUDIT_CALL_OTHER_SIDE_ABSENT", "unproven"]],
  },
];

describe("calls in evidence", () => {
  it("hold, when both sides tell the same allowed call", async () => {
    const { world } = await plan();
    expect(await turned(world)).to.deep.equal([]);
    const { verdicts } = await auditEvidence(utf8(writeEvidence(world.evidence)), { chain: chainOf(world.state) });
    expect(verdicts.filter(({ check }) => check === "call" || check === "call-pair")).to.have.length(4);
  });

  it("hold, when a call without right was refused", async () => {
    const args = { amount: 101, currency: "USD" };
    const { world } = await plan({
      call: { args },
      callee: { kind: "refusal", values: { input: args } },
      caller: { values: { input: args } },
    });
    expect(await turned(world)).to.deep.equal([]);
  });

  it("are unproven as to revocation without a chain", async () => {
    const { world } = await plan();
    const { verdicts } = await auditEvidence(utf8(writeEvidence(world.evidence)));
    const [call] = verdicts.filter(({ check }) => check === "call");
    expect(call).to.deep.include({ outcome: "unproven", code: "AUDIT_CHAIN_NOT_GIVEN" });
  });

  for (const { what, make, turns } of cases) {
    it(`tell ${what}`, async () => {
      const found = await turned(await make());
      expect(found.map(({ check, code, outcome }) => [check, code, outcome])).to.deep.equal(turns);
    });
  }

  it("reach every code of calls", () => {
    const reached = new Set(cases.flatMap(({ turns }) => turns.map(([, code]) => code)));
    const codes = Object.keys(auditCodes).filter((code) => code.startsWith("AUDIT_CALL_"));
    expect([...reached]).to.have.members(codes);
  });
});
