import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { formatKeyDid, type KeyDid } from "../../../protocol/did/key.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { commandCovers } from "../../../protocol/ucan/command.ts";
import { decodeDelegation, type Delegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { type Ed25519Signer, sealEnvelope } from "../../../protocol/ucan/envelope.ts";
import { decodeInvocation, type Invocation, issueInvocation } from "../../../protocol/ucan/invocation.ts";
import type { IpldMap } from "../../../protocol/ucan/ipld.ts";
import { formatScope, parseScope } from "../../../protocol/ucan/shorthand.ts";
import { verifyInvocation, type InvocationVerdict } from "../../../protocol/ucan/verifyInvocation.ts";

const signerOf = (tag: number): Ed25519Signer & { did: KeyDid } => {
  const seed = new Uint8Array(32).fill(tag);
  const publicKey = ed25519.getPublicKey(seed);
  return { publicKey, did: formatKeyDid(publicKey), sign: (message) => ed25519.sign(message, seed) };
};
const payment = signerOf(1);
const order = signerOf(2);
const clerk = signerOf(3);
const mallory = signerOf(4);
const nowSec = 1_800_000_000;
const nonce = (n: number): Uint8Array => new Uint8Array(12).fill(n);

const chargeScope = parseScope("payment:charge:max_10000usd");

async function contractFor(changes: { [key: string]: unknown } = {}, signer = payment): Promise<Delegation> {
  return issueDelegation(
    {
      audience: order.did,
      command: chargeScope.command,
      policy: chargeScope.policy,
      nonce: nonce(1),
      expiresAtSec: nowSec + 60,
      ...changes,
    },
    signer,
  );
}

async function callFor(
  chain: readonly Delegation[],
  changes: { [key: string]: unknown } = {},
  signer = order,
): Promise<Invocation> {
  return issueInvocation(
    {
      subject: payment.did,
      command: "/payment/charge",
      args: { amount: 100, currency: "USD" },
      proofs: chain.map((link) => link.envelope.cid),
      nonce: nonce(2),
      expiresAtSec: nowSec + 30,
      ...changes,
    },
    signer,
  );
}

const ours = { owner: payment.did, executor: payment.did };
const judge = (call: Invocation, chain: readonly Delegation[]): InvocationVerdict =>
  verifyInvocation(call, new Map(chain.map((link) => [link.envelope.cid, link])), {
    ...ours,
    nowSec,
  });

describe("protocol/ucan: attacks", () => {
  it("allows the call that was agreed", async () => {
    const chain = [await contractFor()];
    expect(judge(await callFor(chain), chain)).to.deep.equal({ allowed: true, chain });
  });

  const badArguments: readonly [string, IpldMap][] = [
    ["above the limit", { amount: 10_001, currency: "USD" }],
    ["another currency", { amount: 100, currency: "EUR" }],
    ["an amount written as a string", { amount: "100", currency: "USD" }],
    ["an amount with an exponent in a string", { amount: "1e2", currency: "USD" }],
    ["a negative amount", { amount: -100, currency: "USD" }],
    ["an amount of 2^53 + 1", { amount: 9_007_199_254_740_993n, currency: "USD" }],
    ["no amount", { currency: "USD" }],
    ["an amount in a list", { amount: [100], currency: "USD" }],
  ];
  for (const [name, args] of badArguments) {
    it(`refuses ${name}, naming the clause`, async () => {
      const chain = [await contractFor()];
      const verdict = judge(await callFor(chain, { args }), chain);
      expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_SCOPE", link: 0 });
      expect((verdict as { detail: string }).detail).to.match(/\.(amount|currency)/);
    });
  }

  it("refuses a refund under a contract to charge", async () => {
    const chain = [await contractFor()];
    const verdict = judge(await callFor(chain, { command: "/payment/refund" }), chain);
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_SCOPE" });
  });

  it("compares commands by whole segments", () => {
    expect(commandCovers("/crm", "/crm/read")).to.equal(true);
    expect(commandCovers("/crm", "/crmx")).to.equal(false);
    expect(commandCovers("/crm", "/crmx/read")).to.equal(false);
    expect(commandCovers("/crm/read", "/crm")).to.equal(false);
    expect(commandCovers("/", "/crm")).to.equal(true);
  });

  it("refuses somebody else's use of a contract", async () => {
    const chain = [await contractFor()];
    const verdict = judge(await callFor(chain, {}, mallory), chain);
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_CHAIN" });
  });

  it("refuses a call made out to another executor", async () => {
    const chain = [await contractFor()];
    const verdict = judge(await callFor(chain, { executor: mallory.did }), chain);
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_AUDIENCE" });
  });

  it("refuses a parent spliced in from another chain", async () => {
    const parent = await contractFor({ audience: clerk.did });
    const foreign = await contractFor({ subject: mallory.did }, clerk);
    const verdict = judge(await callFor([parent, foreign]), [parent, foreign]);
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_CHAIN", link: 1 });
  });

  it("holds a link to every link above it: a child cannot widen or outlive its parent", async () => {
    const parent = await contractFor({ audience: clerk.did });
    const wider = await contractFor({ subject: payment.did, policy: [] }, clerk);
    const overLimit = await callFor([parent, wider], { args: { amount: 10_001, currency: "USD" } });
    expect(judge(overLimit, [parent, wider])).to.deep.include({ code: "ERR_AUTH_CONTRACT_SCOPE", link: 0 });

    const dead = await contractFor({ audience: clerk.did, expiresAtSec: nowSec });
    const outlives = await contractFor({ subject: payment.did, expiresAtSec: nowSec + 1000 }, clerk);
    const late = await callFor([dead, outlives]);
    expect(judge(late, [dead, outlives])).to.deep.include({ code: "ERR_AUTH_CONTRACT_TIME", link: 0 });
  });

  it("takes the second of expiry as expired, and allows for skew only as told", async () => {
    const chain = [await contractFor({ expiresAtSec: nowSec })];
    const call = await callFor(chain);
    expect(judge(call, chain)).to.deep.include({ code: "ERR_AUTH_CONTRACT_TIME", link: 0 });
    const presented = new Map(chain.map((link) => [link.envelope.cid, link]));
    expect(verifyInvocation(call, presented, { ...ours, nowSec, clockSkewSec: 1 }).allowed).to.equal(true);
  });

  it("refuses a chain of a thousand links before it verifies a single signature", async () => {
    const link = await contractFor();
    const call = await callFor(Array.from({ length: 1000 }, () => link));
    let verified = 0;
    const verdict = verifyInvocation(call, new Map([[link.envelope.cid, link]]), {
      ...ours,
      nowSec,
      verifySignature: () => {
        verified += 1;
        return true;
      },
    });
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_CONTRACT_CHAIN" });
    expect(verified).to.equal(0);
  });

  it("refuses a changed argument: the signature is over the arguments", async () => {
    const chain = [await contractFor()];
    const call = await callFor(chain);
    const forged = await sealEnvelope(
      "inv",
      { ...call.envelope.payload, args: { amount: 101, currency: "USD" } },
      {
        publicKey: order.publicKey,
        sign: () => call.envelope.signature,
      },
    );
    expect(judge(decodeInvocation(forged.bytes), chain)).to.deep.equal({
      allowed: false,
      code: "ERR_AUTH_CONTRACT_SIGNATURE",
      detail: "the call's signature does not verify",
      signed: false,
    });
  });

  it("refuses every token with one bit changed", async () => {
    const chain = [await contractFor()];
    const { bytes } = (await callFor(chain)).envelope;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Uint8Array.from(bytes);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      let allowed: boolean;
      try {
        allowed = judge(decodeInvocation(changed), chain).allowed;
      } catch (error) {
        expect(isAffiantError(error, "ERR_INPUT_UCAN"), `bit ${bit}: ${String(error)}`).to.equal(true);
        allowed = false;
      }
      expect(allowed, `bit ${bit}`).to.equal(false);
    }
  });

  const unreadable: readonly [string, IpldMap][] = [
    ["a field that nobody knows", { fct: [] }],
    ["a policy with an unknown operator", { pol: [["~", ".amount", 1]] }],
    ["a selector that is none", { pol: [["==", "amount", 1]] }],
    ["a command in upper case", { cmd: "/Payment/charge" }],
    ["an expiry before the epoch", { exp: -1 }],
    ["an expiry in fractions", { exp: 1.5 }],
  ];
  for (const [name, change] of unreadable) {
    it(`cannot be made to read ${name}`, async () => {
      const { payload } = (await contractFor()).envelope;
      const { bytes } = await sealEnvelope("dlg", { ...payload, ...change }, payment);
      expect(() => decodeDelegation(bytes))
        .to.throw()
        .with.property("code", "ERR_INPUT_UCAN");
    });
  }
});

describe("protocol/ucan: the shorthand", () => {
  it("reads and writes scopes both ways", () => {
    for (const text of ["payment:charge:max_10000usd", "inventory:reserve", "payment"]) {
      expect(formatScope(parseScope(text))).to.equal(text);
    }
    expect(chargeScope).to.deep.equal({
      command: "/payment/charge",
      policy: [
        [">=", ".amount", 0],
        ["<=", ".amount", 10_000],
        ["==", ".currency", "USD"],
      ],
    });
  });

  it("never turns a misspelt limit into a scope without one", () => {
    for (const text of [
      "payment:charge:max_usd",
      "payment:max_1e9usd",
      "payment:charge:max_10000usdx",
      "payment:max_007usd",
    ]) {
      expect(() => parseScope(text), text)
        .to.throw()
        .with.property("code", "ERR_INPUT_UCAN");
    }
  });

  it("has no shorthand for what it cannot say", () => {
    expect(formatScope({ command: "/payment/charge", policy: [["<", ".amount", 3]] })).to.equal(undefined);
  });
});
