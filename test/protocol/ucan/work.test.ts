/** What a call may cost whoever judges it. */
import { expect } from "chai";
import fc from "fast-check";
import * as dagCbor from "@ipld/dag-cbor";

import { toBase64url } from "../../../protocol/encoding/base64url.ts";
import { parseCall } from "../../../protocol/ucan/callMessage.ts";
import { decodeDelegation } from "../../../protocol/ucan/delegation.ts";
import { sealEnvelope } from "../../../protocol/ucan/envelope.ts";
import { matchesGlob } from "../../../protocol/ucan/glob.ts";
import { cidOf, decodeIpld, type Ipld, maxIpldDepth } from "../../../protocol/ucan/ipld.ts";
import { measureCbor } from "../../../protocol/ucan/measureCbor.ts";
import { firstUnmetStatement, parsePolicy } from "../../../protocol/ucan/policy.ts";
import { maxCallSteps, StepBudget } from "../../../protocol/ucan/stepBudget.ts";
import { verifyInvocation } from "../../../protocol/ucan/verifyInvocation.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";

const owner = new SigningKey(new Uint8Array(32).fill(1));
const holder = new SigningKey(new Uint8Array(32).fill(2));
const nowSec = 1_800_000_000;

/** A call under contracts of the owner's, passed on by it to itself, the last one to the holder. */
async function messageOf(policies: readonly (readonly Ipld[])[], args: Ipld) {
  const links = await Promise.all(
    policies.map((pol, i) => {
      const aud = i === policies.length - 1 ? holder.did : owner.did;
      const nonce = new Uint8Array(12).fill(i);
      return sealEnvelope("dlg", { iss: owner.did, aud, sub: owner.did, cmd: "/", pol, nonce, exp: null }, owner);
    }),
  );
  const prf = links.map(({ bytes }) => cidOf(bytes));
  const nonce = new Uint8Array(12);
  const said = { iss: holder.did, sub: owner.did, cmd: "/x", args, prf, nonce, exp: nowSec + 60 };
  const { bytes } = await sealEnvelope("inv", said, holder);
  return { invocation: toBase64url(bytes), contracts: links.map((link) => toBase64url(link.bytes)) };
}

async function judge(policies: readonly (readonly Ipld[])[], args: Ipld) {
  const { invocation, delegations } = parseCall(await messageOf(policies, args));
  const verdict = verifyInvocation(invocation, delegations, { owner: owner.did, executor: owner.did, nowSec });
  return verdict.allowed ? "allowed" : verdict.code;
}

const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);
const hardPattern = `*${"a".repeat(1000)}b*`;

describe("protocol/ucan: the work of a call", () => {
  it("is bounded over its whole chain: many hard patterns, each cheap enough by itself", async () => {
    const args = { t: `${"a".repeat(1500)}b` };
    // Ten patterns of 1 KiB hold; more of them, or as many in each of several links, are too many.
    const hard = (count: number): Ipld[] => repeat(count, ["like", ".t", `*${"a".repeat(1000)}*`]);
    expect(await judge([hard(10)], args)).to.equal("allowed");
    expect(await judge([hard(60)], args)).to.equal("ERR_LIMIT_CALL_WORK");
    expect(await judge(repeat(8, hard(7)), args)).to.equal("ERR_LIMIT_CALL_WORK");
  });

  const hostile: readonly (readonly [what: string, policy: readonly Ipld[], args: Ipld])[] = [
    ["lists within lists", [["all", ".a", ["all", ".", ["==", ".", 1]]]], { a: repeat(100, repeat(100, 1)) }],
    [
      "a long path for each of many",
      [["all", ".a", ["==", `.[0:]${"[0:]".repeat(99)}`, [1]]]],
      { a: repeat(100, [1]) },
    ],
    [
      "a big value for each of many",
      [["any", ".a", ["==", ".", repeat(500, 1)]]],
      { a: repeat(60, [...repeat(499, 1), 2]) },
    ],
    [
      "all that is not any",
      [["not", ["any", ".a", ["not", ["all", ".b", ["<", ".", 2]]]]]],
      { a: repeat(200, { b: repeat(100, 1) }) },
    ],
    [
      "slices of slices of bytes",
      [["all", ".a", ["==", `.[0:]${"[0:]".repeat(50)}`, 1]]],
      { a: repeat(5, new Uint8Array(5000)) },
    ],
  ];
  for (const [what, policy, args] of hostile) {
    it(`is bounded for ${what}`, () => {
      expect(() => firstUnmetStatement(parsePolicy(policy), args))
        .to.throw()
        .with.property("code", "ERR_LIMIT_CALL_WORK");
    });
  }

  it("is refused, not allowed, where the budget ends within what would have been false", async () => {
    const policy = [
      [
        "or",
        [
          ["all", ".a", ["==", ".", repeat(400, 1)]],
          ["==", ".x", 1],
        ],
      ],
    ];
    expect(await judge([policy], { a: repeat(20, repeat(400, 1)), x: 1 })).to.equal("ERR_LIMIT_CALL_WORK");
  });

  it("counts reading too, over all tokens of a call, and the same for one that was read before", async () => {
    const items = repeat(6000, 0);
    const message = await messageOf([[["==", ".", items]], [["==", ".", items]], [["==", ".", items]]], {});
    expect(() => parseCall({ ...message, contracts: message.contracts.slice(0, 2) })).not.to.throw();
    for (const _ of [1, 2]) {
      expect(() => parseCall(message))
        .to.throw()
        .with.property("code", "ERR_LIMIT_CALL_WORK");
    }
  });

  it("does not begin for a token of more items than a call may hold", async () => {
    const { bytes } = await sealEnvelope("dlg", { pol: repeat(maxCallSteps, 0) }, owner);
    expect(() => decodeDelegation(bytes))
      .to.throw()
      .with.property("code", "ERR_LIMIT_CALL_WORK");
  });

  it("does not begin for lists deeper than any policy", () => {
    const nested = (depth: number): Uint8Array => Uint8Array.of(...repeat(depth - 1, 0x81), 0x80);
    expect(decodeIpld(nested(maxIpldDepth))).to.be.an("array");
    expect(() => decodeIpld(nested(maxIpldDepth + 1)))
      .to.throw()
      .with.property("code", "ERR_INPUT_UCAN");
  });

  it("takes patterns of up to 1 KiB, counted in UTF-8", () => {
    const like = (pattern: string) => () => parsePolicy([["like", ".t", pattern]]);
    expect(like("a".repeat(1024))).not.to.throw();
    expect(like("ü".repeat(512))).not.to.throw();
    for (const pattern of ["a".repeat(1025), "ü".repeat(513)]) {
      expect(like(pattern)).to.throw().with.property("code", "ERR_INPUT_UCAN");
    }
  });

  it("is spent once and for all", () => {
    const budget = new StepBudget(3);
    budget.spend(2);
    budget.spend();
    for (const _ of [1, 2])
      expect(() => budget.spend())
        .to.throw()
        .with.property("code", "ERR_LIMIT_CALL_WORK");
  });
});

describe("protocol/ucan: patterns", () => {
  /** The plain definition, character by character, with every choice tried. */
  function matches(text: string, pattern: string, t = 0, p = 0): boolean {
    if (p === pattern.length) return t === text.length;
    if (pattern[p] === "\\" && pattern[p + 1] === "*") return text[t] === "*" && matches(text, pattern, t + 1, p + 2);
    if (pattern[p] === "*") {
      return matches(text, pattern, t, p + 1) || (t < text.length && matches(text, pattern, t + 1, p));
    }
    return t < text.length && text[t] === pattern[p] && matches(text, pattern, t + 1, p + 1);
  }

  it("match what the plain definition matches", () => {
    const letters = (of: string, maxLength: number) =>
      fc.array(fc.constantFrom(...of), { maxLength }).map((all) => all.join(""));
    const agree = fc.property(letters("ab*\\", 12), letters("ab*\\", 8), (text, pattern) => {
      expect(matchesGlob(text, pattern)).to.equal(matches(text, pattern));
    });
    fc.assert(agree, { numRuns: 3000 });
  });

  it("find a piece that falls back on itself, and no overlap of first and last", () => {
    expect(matchesGlob(`${"a".repeat(5000)}b`, hardPattern)).to.equal(true);
    expect(matchesGlob("a".repeat(5000), hardPattern)).to.equal(false);
    expect(matchesGlob("aba", "ab*ba")).to.equal(false);
    expect(matchesGlob("abab", "*aab*")).to.equal(false);
    expect(matchesGlob("aabaabaaab", "*aabaaab")).to.equal(true);
  });
});

describe("protocol/ucan: measuring before decoding", () => {
  it("counts the items and the depth of what the encoder wrote", () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        fc.uint8Array(),
        tie("list"),
      ),
      list: fc.array(tie("any"), { maxLength: 5 }),
    })).any;
    const items = (one: unknown): number =>
      Array.isArray(one) ? 1 + one.reduce((sum: number, each) => sum + items(each), 0) : 1;
    const depth = (one: unknown): number => (Array.isArray(one) ? 1 + Math.max(0, ...one.map(depth)) : 0);
    fc.assert(
      fc.property(value, (one) => {
        expect(measureCbor(dagCbor.encode(one))).to.deep.equal({ steps: items(one), depth: depth(one) });
      }),
    );
  });

  it("ends on anything", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const { steps, depth } = measureCbor(bytes);
        expect(Number.isFinite(steps) && Number.isFinite(depth)).to.equal(true);
      }),
    );
  });

  it("counts links and keys of maps for more", () => {
    const steps = (one: unknown): number => measureCbor(dagCbor.encode(one)).steps;
    expect(steps({ a: 1 })).to.be.greaterThan(steps(["a", 1]));
    expect(steps([cidOf(new Uint8Array(1))])).to.be.greaterThan(steps(["a"]));
  });
});
