/** What strangers get from a guarded endpoint: nothing is executed, the chain is not asked, and little is entered. */
import { expect } from "chai";

import type { CallRecord } from "../../../agent/calls/callRecord.ts";
import { Guard } from "../../../agent/calls/guard.ts";
import type { RefusalLimits } from "../../../agent/calls/refusalBudget.ts";
import { CachedRevocations } from "../../../agent/calls/revocations.ts";
import { serveCall } from "../../../agent/calls/serveCall.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import type { KeyDid } from "../../../protocol/did/key.ts";
import { toBase64url } from "../../../protocol/encoding/base64url.ts";
import type { ErrorCode } from "../../../protocol/errors/codes.ts";
import { type CallMessage, formatCall } from "../../../protocol/ucan/callMessage.ts";
import { type Delegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { type Ed25519Signer, sealEnvelope } from "../../../protocol/ucan/envelope.ts";
import { issueInvocation } from "../../../protocol/ucan/invocation.ts";
import { isRefusalOutput } from "../../../protocol/entry/refusal.ts";
import { cidOf, type Ipld, type IpldMap } from "../../../protocol/ucan/ipld.ts";
import { rejection } from "../../helpers/rejection.ts";

const till = new SigningKey(new Uint8Array(32).fill(1));
const buyer = new SigningKey(new Uint8Array(32).fill(2));
const stranger = new SigningKey(new Uint8Array(32).fill(3));
const nowSec = 1_800_000_000;
const agent = formatEthrDid(31337n, `0x${"1".repeat(40)}`);

const contractOf = (by: SigningKey, to: KeyDid, about?: KeyDid): Promise<Delegation> =>
  issueDelegation(
    {
      audience: to,
      ...(about === undefined ? {} : { subject: about }),
      command: "/till",
      policy: [["<=", ".amount", 100]],
      nonce: new Uint8Array(12),
      expiresAtSec: nowSec + 3600,
      agent,
    },
    by,
  );

interface Asked {
  readonly by?: SigningKey;
  readonly about?: KeyDid;
  readonly to?: KeyDid;
  readonly chain?: readonly Delegation[];
  readonly args?: IpldMap;
  readonly command?: string;
}

async function asked({ by = stranger, about = till.did, to = till.did, chain = [], ...rest }: Asked) {
  const { args = { amount: 1 }, command = "/till/refund" } = rest;
  const proofs = chain.map(({ envelope }) => envelope.cid);
  const terms = { subject: about, executor: to, command, args, proofs, nonce: new Uint8Array(12) };
  return formatCall(await issueInvocation({ ...terms, expiresAtSec: nowSec + 60 }, by), chain);
}

/** The call with another's signature under it. */
async function forged(by: Ed25519Signer): Promise<CallMessage> {
  const chain = [await contractOf(till, buyer.did)];
  const proofs = chain.map(({ envelope }) => envelope.cid);
  const terms = { subject: till.did, command: "/till/refund", args: { amount: 1 }, proofs, nonce: new Uint8Array(12) };
  const { envelope } = await issueInvocation({ ...terms, expiresAtSec: nowSec + 60 }, buyer);
  const { bytes } = await sealEnvelope("inv", envelope.payload, by);
  return { invocation: toBase64url(bytes), contracts: chain.map((link) => toBase64url(link.envelope.bytes)) };
}

/** A contract that no issuer of ours would write, since it could not be read back. */
async function wild(policy: readonly Ipld[], args: IpldMap): Promise<CallMessage> {
  const nonce = new Uint8Array(12);
  const link = { iss: till.did, aud: stranger.did, sub: till.did, cmd: "/", pol: policy, nonce, exp: null };
  const contract = await sealEnvelope("dlg", link, stranger);
  const prf = [cidOf(contract.bytes)];
  const call = { iss: stranger.did, sub: till.did, cmd: "/till/refund", args, prf, nonce, exp: nowSec + 60 };
  const { bytes } = await sealEnvelope("inv", call, stranger);
  return { invocation: toBase64url(bytes), contracts: [toBase64url(contract.bytes)] };
}

const attacks: readonly (readonly [
  what: string,
  message: () => Promise<unknown>,
  code: ErrorCode,
  entered: boolean,
])[] = [
  ["itself as the owner, no contract", () => asked({ about: stranger.did }), "ERR_AUTH_CONTRACT_CHAIN", true],
  ["us as the owner, no contract", () => asked({}), "ERR_AUTH_CONTRACT_MISSING", true],
  [
    "a contract from itself",
    async () => asked({ about: stranger.did, chain: [await contractOf(stranger, stranger.did)] }),
    "ERR_AUTH_CONTRACT_CHAIN",
    true,
  ],
  [
    "a contract from itself about our right",
    async () => asked({ chain: [await contractOf(stranger, stranger.did, till.did)] }),
    "ERR_AUTH_CONTRACT_CHAIN",
    true,
  ],
  [
    "a contract from another agent about that one's right",
    async () => asked({ about: buyer.did, chain: [await contractOf(buyer, stranger.did)] }),
    "ERR_AUTH_CONTRACT_CHAIN",
    true,
  ],
  [
    "the buyer's contract",
    async () => asked({ chain: [await contractOf(till, buyer.did)] }),
    "ERR_AUTH_CONTRACT_CHAIN",
    true,
  ],
  ["the buyer's name", () => forged(stranger), "ERR_AUTH_CONTRACT_SIGNATURE", false],
  ["somebody else as the executor", () => asked({ to: buyer.did }), "ERR_AUTH_CONTRACT_AUDIENCE", true],
  ["another command", () => asked({ command: "/till/charge" }), "ERR_AUTH_CONTRACT_SCOPE", true],
  [
    "a pattern of eight thousand characters",
    () => wild([["like", ".t", `*${"a".repeat(8000)}b*`]], { t: `${"a".repeat(16_000)}b` }),
    "ERR_INPUT_UCAN",
    false,
  ],
  [
    "patterns of 1 KiB in our name: refused for the signature, before any is matched",
    () =>
      wild(
        Array.from({ length: 30 }, () => ["like", ".t", `*${"a".repeat(1000)}b*`]),
        { t: "a".repeat(15_000) },
      ),
    "ERR_AUTH_CONTRACT_SIGNATURE",
    true,
  ],
  [
    "brackets and nothing else",
    () => wild([], { a: Array.from({ length: 20_000 }, () => []) }),
    "ERR_LIMIT_CALL_WORK",
    false,
  ],
];

describe("a guarded endpoint and strangers", () => {
  let records: CallRecord[];
  let [executed, claimed, chainAsked] = [0, 0, 0];

  let clockSec = nowSec;
  const newGuard = (refusals?: RefusalLimits) =>
    new Guard({
      ...(refusals && { refusals }),
      executor: till.did,
      replayStore: {
        claim: (id) => {
          claimed += 1;
          return !used.has(id) && Boolean(used.add(id));
        },
      },
      revocations: new CachedRevocations(
        {
          read: () => {
            chainAsked += 1;
            return Promise.resolve({ blockNumber: 1 });
          },
        },
        0,
      ),
      nowSec: () => clockSec,
    });
  let guard: Guard;
  const used = new Set<string>();
  const serve = (message: unknown) =>
    serveCall(message, {
      guard,
      recorder: { record: (record) => Promise.resolve(records.push(record)) },
      command: "/till/refund",
      handler: () => {
        executed += 1;
        return { refunded: true };
      },
    });

  beforeEach(() => {
    records = [];
    used.clear();
    clockSec = nowSec;
    guard = newGuard();
    [executed, claimed, chainAsked] = [0, 0, 0];
  });

  it("serves who holds a contract of its own", async () => {
    const chain = [await contractOf(till, buyer.did)];
    expect(await serve(await asked({ by: buyer, chain }))).to.deep.equal({ result: { refunded: true } });
    expect([executed, claimed, chainAsked, records.length]).to.deep.equal([1, 1, 1, 1]);
  });

  for (const [what, message, code, entered] of attacks) {
    it(`refuses a stranger with ${what}`, async () => {
      const answer = await serve(await message());
      expect(answer).to.have.nested.property("error.code", code);
      expect([executed, claimed, chainAsked]).to.deep.equal([0, 0, 0]);
      expect(records.map(({ kind }) => kind)).to.deep.equal(entered ? ["refusal"] : []);
    });
  }

  describe("who has calls refused again and again", () => {
    const room = { entries: 100, bytes: 1 << 20 };
    const kinds = () => records.map(({ kind, input }) => ("calls" in (input as object) ? input : kind));
    const noise = (i: number) => asked({ args: { i } });

    it("has so many an hour entered, and the others as a count when it is over", async () => {
      guard = newGuard({ strangers: { ...room, entries: 2 } });
      for (let i = 0; i < 5; i++) {
        clockSec = nowSec + i;
        expect(await serve(await noise(i))).to.have.nested.property("error.code", "ERR_AUTH_CONTRACT_MISSING");
      }
      expect(kinds()).to.deep.equal(["refusal", "refusal"]);
      clockSec = nowSec + 3_600;
      await serve(await noise(5));
      const counted = { calls: 3, fromSec: nowSec + 2, toSec: nowSec + 4 };
      expect(kinds().slice(2)).to.deep.equal([counted, "refusal"]);
      expect(records[2]).to.include({ kind: "refusal", act: "till.refund" }).and.not.to.have.property("context");
      expect(isRefusalOutput(records[2]?.output)).to.equal(true);
    });

    it("fills no disk with few large ones", async () => {
      guard = newGuard({ strangers: { ...room, bytes: 10_000 } });
      for (let i = 0; i < 5; i++) await serve(await asked({ args: { i, t: "a".repeat(4_000) } }));
      expect(kinds()).to.deep.equal(["refusal", "refusal"]);
    });

    it("uses up no share of who holds a contract, nor of another who does", async () => {
      guard = newGuard({ strangers: { ...room, entries: 1 }, holder: { ...room, entries: 2 } });
      const chain = [await contractOf(till, buyer.did)];
      for (let i = 0; i < 3; i++) await serve(await noise(i));
      const large = await asked({ by: buyer, chain, args: { amount: 101 } });
      expect(await serve(large)).to.have.nested.property("error.code", "ERR_AUTH_CONTRACT_SCOPE");
      const good = await asked({ by: buyer, chain });
      expect(await serve(good)).to.have.property("result");
      // Whoever has a copy of a call can send it again.
      for (let i = 0; i < 3; i++)
        expect(await serve(good)).to.have.nested.property("error.code", "ERR_CONFLICT_REPLAY");
      expect(kinds()).to.deep.equal(["refusal", "refusal", "act", "refusal"]);
      const other = [await contractOf(till, stranger.did)];
      await serve(await asked({ by: stranger, chain: other, args: { amount: 101 } }));
      expect(kinds().slice(4)).to.deep.equal(["refusal"]);
    });

    it("loses no count for a disk that fails", async () => {
      guard = newGuard({ strangers: { ...room, entries: 0 } });
      await serve(await noise(0));
      clockSec = nowSec + 3_600;
      const broken = { record: () => Promise.reject(new Error("disk full")) };
      const options = { guard, recorder: broken, command: "/till/refund", handler: () => null };
      expect(String(await rejection(serveCall(await noise(1), options)))).to.contain("disk full");
      await serve(await noise(2));
      expect(kinds()).to.deep.equal([{ calls: 1, fromSec: nowSec, toSec: nowSec }]);
    });
  });
});
