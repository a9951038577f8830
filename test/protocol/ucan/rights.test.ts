/** Whose right it is: the one who verifies says so, and nothing in what is verified does. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import fc from "fast-check";

import { formatKeyDid, type KeyDid } from "../../../protocol/did/key.ts";
import { type Delegation, decodeDelegation } from "../../../protocol/ucan/delegation.ts";
import { type Ed25519Signer, sealEnvelope } from "../../../protocol/ucan/envelope.ts";
import { decodeInvocation, type Invocation, issueInvocation } from "../../../protocol/ucan/invocation.ts";
import type { IpldMap } from "../../../protocol/ucan/ipld.ts";
import { faultsOfChain } from "../../../protocol/ucan/verifyChain.ts";
import {
  type InvocationFailure,
  type InvocationVerdict,
  type RightOwner,
  verifyInvocation,
} from "../../../protocol/ucan/verifyInvocation.ts";

const personOf = (tag: number): Ed25519Signer & { readonly did: KeyDid } => {
  const secret = new Uint8Array(32).fill(tag);
  const publicKey = ed25519.getPublicKey(secret);
  return { publicKey, did: formatKeyDid(publicKey), sign: (message) => ed25519.sign(message, secret) };
};
type Person = ReturnType<typeof personOf>;
const [owner, clerk, caller, mallory] = [1, 2, 3, 4].map(personOf) as [Person, Person, Person, Person];
const nowSec = 1_800_000_000;

let nonces = 0;
const nonce = (): Uint8Array => {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(nonces++);
  return bytes;
};

/** A contract of any kind, also of kinds that our own issuer would not write. */
async function link(by: Person, to: string, about: string | null, changes: IpldMap = {}): Promise<Delegation> {
  const payload = { iss: by.did, aud: to, sub: about, cmd: "/", pol: [], nonce: nonce(), exp: null, ...changes };
  return decodeDelegation((await sealEnvelope("dlg", payload, by)).bytes);
}

interface CallTerms {
  readonly by?: Person;
  readonly about?: string;
  readonly to?: string;
  /** Over what the call would say. */
  readonly payload?: IpldMap;
  readonly signer?: Ed25519Signer;
}

async function callUnder(chain: readonly Delegation[], terms: CallTerms = {}): Promise<Invocation> {
  const { by = caller, about = owner.did, to = owner.did, payload = {}, signer = by } = terms;
  const own = await issueInvocation(
    {
      subject: owner.did,
      command: "/till/refund",
      args: {},
      proofs: chain.map(({ envelope }) => envelope.cid),
      nonce: nonce(),
      expiresAtSec: nowSec + 60,
    },
    by,
  );
  const said = { ...own.envelope.payload, iss: by.did, sub: about, aud: to, ...payload };
  return decodeInvocation((await sealEnvelope("inv", said, signer)).bytes);
}

function judge(call: Invocation, chain: readonly Delegation[], told: RightOwner = owner.did): InvocationVerdict {
  const presented = new Map(chain.map((one) => [one.envelope.cid, one]));
  return verifyInvocation(call, presented, { owner: told, executor: owner.did, nowSec });
}

interface Attack {
  readonly title: string;
  readonly chain?: () => Promise<readonly Delegation[]>;
  readonly call?: CallTerms;
  readonly code: InvocationFailure;
  readonly link?: number;
  /** The call names its author truly, whatever it claims otherwise. */
  readonly signed?: false;
}

/** Each differs from the honest call in what it says in one place. */
const attacks: readonly Attack[] = [
  {
    title: "a stranger calls under its own right, without any contract",
    chain: () => Promise.resolve([]),
    call: { by: mallory, about: mallory.did },
    code: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    title: "a stranger calls under the owner's right, without any contract",
    chain: () => Promise.resolve([]),
    call: { by: mallory },
    code: "ERR_AUTH_CONTRACT_MISSING",
  },
  {
    title: "a stranger presents a contract that it issued to itself",
    chain: async () => [await link(mallory, mallory.did, mallory.did)],
    call: { by: mallory, about: mallory.did },
    code: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    title: "a stranger issues itself a contract about the owner's right",
    chain: async () => [await link(mallory, mallory.did, owner.did)],
    call: { by: mallory },
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 0,
  },
  {
    title: "the owner's name over a contract that a stranger signed",
    chain: async () => [await link({ ...mallory, did: owner.did }, mallory.did, owner.did)],
    call: { by: mallory },
    code: "ERR_AUTH_CONTRACT_SIGNATURE",
    link: 0,
  },
  {
    title: "the owner's name over a call that a stranger signed",
    chain: () => Promise.resolve([]),
    call: { by: owner, signer: mallory },
    code: "ERR_AUTH_CONTRACT_SIGNATURE",
    signed: false,
  },
  {
    title: "a foreign subject in the middle of the chain",
    chain: async () => [
      await link(owner, clerk.did, owner.did),
      await link(clerk, mallory.did, mallory.did),
      await link(mallory, caller.did, owner.did),
    ],
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 1,
  },
  {
    title: "a link left out of the middle",
    chain: async () => [await link(owner, clerk.did, owner.did), await link(mallory, caller.did, owner.did)],
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 1,
  },
  {
    title: "a chain in the wrong order",
    chain: async () => [await link(clerk, caller.did, owner.did), await link(owner, clerk.did, owner.did)],
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 0,
  },
  {
    title: "a contract about any subject at the root",
    chain: async () => [await link(owner, caller.did, null)],
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 0,
  },
  {
    title: "a contract about any subject beneath the owner's",
    chain: async () => [await link(owner, clerk.did, owner.did), await link(clerk, caller.did, null)],
    code: "ERR_AUTH_CONTRACT_CHAIN",
    link: 1,
  },
  {
    title: "a contract that is made out to an account and not to a key",
    chain: async () => [await link(owner, `did:ethr:0x7a69:0x${"1".repeat(40)}`, owner.did)],
    code: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    title: "an owner named by its account",
    call: { about: `did:ethr:0x7a69:0x${"1".repeat(40)}` },
    code: "ERR_AUTH_CONTRACT_CHAIN",
  },
  {
    title: "a caller named by its account",
    call: { payload: { iss: `did:ethr:0x7a69:0x${"3".repeat(40)}` } },
    code: "ERR_AUTH_CONTRACT_SIGNATURE",
    signed: false,
  },
  {
    title: "a call made out to somebody else",
    call: { to: mallory.did },
    code: "ERR_AUTH_CONTRACT_AUDIENCE",
  },
  {
    title: "somebody else's contract",
    call: { by: mallory },
    code: "ERR_AUTH_CONTRACT_CHAIN",
  },
];

describe("protocol/ucan: whose right it is", () => {
  const honest = async (): Promise<readonly Delegation[]> => [await link(owner, caller.did, owner.did)];

  it("allows who holds the owner's contract, and the owner itself", async () => {
    const chain = await honest();
    expect(judge(await callUnder(chain), chain)).to.deep.equal({ allowed: true, chain });
    expect(judge(await callUnder([], { by: owner }), [])).to.deep.equal({ allowed: true, chain: [] });
  });

  for (const { title, chain: make = honest, call, code, link: at, signed = true } of attacks) {
    it(`refuses ${title}`, async () => {
      const chain = await make();
      const { detail, ...verdict } = judge(await callUnder(chain, call), chain) as { detail: string };
      expect(verdict).to.deep.equal({ allowed: false, signed, code, ...(at === undefined ? {} : { link: at }) });
      expect(detail).not.to.equal("");
    });
  }

  it("takes the right of any of the owner's keys, and of nobody where there is none", async () => {
    const chain = await honest();
    const call = await callUnder(chain);
    expect(judge(call, chain, [mallory.did, owner.did]).allowed).to.equal(true);
    for (const told of [[], [mallory.did], mallory.did]) {
      expect(judge(call, chain, told)).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_CHAIN" });
    }
  });

  it("asks for signatures before it looks at a single condition", async () => {
    const chain = [await link({ ...mallory, did: owner.did }, caller.did, owner.did, { pol: [["==", ".a", 1]] })];
    expect(judge(await callUnder(chain), chain)).to.deep.include({ code: "ERR_AUTH_CONTRACT_SIGNATURE", link: 0 });
  });

  it("finds fault with a contract as such if it is about another's right than was said", async () => {
    const chain = await honest();
    expect(faultsOfChain(chain, owner.did, nowSec)).to.deep.equal([]);
    const codes = faultsOfChain(chain, mallory.did, nowSec).map(({ code }) => code);
    expect(codes).to.deep.equal(["ERR_AUTH_CONTRACT_CHAIN", "ERR_AUTH_CONTRACT_CHAIN"]);
  });

  /** Any issuer, subject, audience and chain among four people; what is allowed is told by the words of the rule alone. */
  it("allows a call only if the owner's own signature stands at the root, and then always", async () => {
    const people = [owner, clerk, caller, mallory];
    const someone = fc.nat(3);
    const plan = fc.record({
      // A walk from somebody, mostly the owner, to somebody, with a break now and then.
      root: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, someone),
      links: fc.array(
        fc.record({ to: someone, about: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(4)) }),
        {
          maxLength: 3,
        },
      ),
      break: fc.option(fc.record({ at: fc.nat(2), by: someone }), { freq: 4 }),
      about: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, someone),
      caller: fc.option(someone, { freq: 4 }),
      executor: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, someone),
      told: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, someone),
    });
    let allowed = 0;
    const who = (n: number): Person => people[n] as Person;
    const property = fc.asyncProperty(plan, async ({ root, links, break: cut, about, caller: by, executor, told }) => {
      const chain: Delegation[] = [];
      const issuers: number[] = [];
      let holder = root;
      for (const [i, { to, about: subject }] of links.entries()) {
        const issuer = cut?.at === i ? cut.by : holder;
        issuers.push(issuer);
        chain.push(await link(who(issuer), who(to).did, subject === 4 ? null : who(subject).did));
        holder = to;
      }
      const callerIs = by ?? holder;
      const terms = { by: who(callerIs), about: who(about).did, to: who(executor).did };
      const call = await callUnder(chain, terms);
      const presented = new Map(chain.map((one) => [one.envelope.cid, one]));
      const options = { owner: who(told).did, executor: owner.did, nowSec };
      const verdict = verifyInvocation(call, presented, options);

      const principals = [about, ...links.map(({ to }) => to)];
      const rightful =
        executor === 0 &&
        about === told &&
        links.every(({ about: subject }, i) => subject === about && issuers[i] === principals[i]) &&
        callerIs === principals.at(-1);
      expect(verdict.allowed).to.equal(rightful);
      if (!verdict.allowed) return;
      allowed += 1;
      expect(verdict.chain[0]?.issuer ?? call.issuer).to.equal(who(told).did);
    });
    await fc.assert(property, { numRuns: 300 });
    expect(allowed, "of 300 calls some must be good").to.be.greaterThan(10);
  });
});
