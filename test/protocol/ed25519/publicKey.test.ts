import { readFileSync } from "node:fs";

import { Point } from "@noble/ed25519";
import { expect } from "chai";

import { assertSigningKey, isSigningKey } from "../../../protocol/ed25519/publicKey.ts";
import { fromHex } from "../../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

const vectors = JSON.parse(
  readFileSync(new URL("../../../protocol/vectors/ed25519Keys.json", import.meta.url), "utf8"),
) as Record<"accepted" | "refusedByEncoding" | "refusedByPoint", string[]>;

/** What @noble/ed25519, an implementation that shares no code with the one in use, says of a key. */
function independentVerdict(key: Uint8Array): boolean {
  try {
    const point = Point.fromBytes(key, false);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

describe("Ed25519 keys", () => {
  const lists = [
    ["accepted", true],
    ["refusedByEncoding", false],
    ["refusedByPoint", false],
  ] as const;
  for (const [list, verdict] of lists) {
    it(`are judged as the vectors say: ${list}`, () => {
      expect(vectors[list]).not.to.be.empty;
      for (const hex of vectors[list]) {
        expect(isSigningKey(fromHex(hex, 32)), hex).to.equal(verdict);
        expect(independentVerdict(fromHex(hex, 32)), hex).to.equal(verdict);
      }
    });
  }

  it("are refused with a code", () => {
    expect(() => assertSigningKey(fromHex(vectors.refusedByPoint[0]!)))
      .to.throw()
      .that.satisfies((error: unknown) => isAffiantError(error, "ERR_INPUT_PUBLIC_KEY"));
    expect(() => assertSigningKey(fromHex(vectors.accepted[0]!))).not.to.throw();
  });

  it("have 32 bytes", () => {
    const key = fromHex(vectors.accepted[0]!);
    expect(isSigningKey(key.slice(0, 31))).to.be.false;
    expect(isSigningKey(Uint8Array.of(...key, 0))).to.be.false;
  });
});
