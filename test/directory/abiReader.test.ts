import { expect } from "chai";
import fc from "fast-check";
import { AbiCoder, type ParamType, ParamType as Param } from "ethers";

import { readerOf, type AbiInput } from "../../directory/events/abiReader.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((value) => `0x${Buffer.from(value).toString("hex")}`);

/** A type, and what fits it. */
const shapes: readonly (readonly [string, fc.Arbitrary<unknown>])[] = [
  ["uint256", fc.bigInt(0n, 2n ** 256n - 1n)],
  ["uint64", fc.bigInt(0n, 2n ** 64n - 1n)],
  ["int128", fc.bigInt(-(2n ** 127n), 2n ** 127n - 1n)],
  ["address", hex(20)],
  ["bool", fc.boolean()],
  ["bytes32", hex(32)],
  ["bytes4", hex(4)],
  ["bytes", fc.uint8Array({ maxLength: 80 }).map((value) => `0x${Buffer.from(value).toString("hex")}`)],
  ["string", fc.string({ unit: "grapheme", maxLength: 40 })],
  ["address[]", fc.array(hex(20), { maxLength: 4 })],
  ["string[]", fc.array(fc.string({ unit: "grapheme", maxLength: 9 }), { maxLength: 3 })],
  ["uint16[3]", fc.array(fc.integer({ min: 0, max: 65_535 }), { minLength: 3, maxLength: 3 })],
  [
    "tuple(uint16 a,string b,uint24 c)",
    fc.tuple(fc.nat(65_535), fc.string({ unit: "grapheme" }), fc.nat(1 << (24 - 1))),
  ],
];

/** As the reader writes what ethers reads. */
function plain(value: unknown, type: ParamType): unknown {
  if (type.baseType === "array") return (value as unknown[]).map((one) => plain(one, type.arrayChildren as ParamType));
  if (type.baseType === "tuple") {
    return Object.fromEntries(
      (type.components ?? []).map((part, i) => [part.name, plain((value as unknown[])[i], part)]),
    );
  }
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return type.type === "address" ? String(value).toLowerCase() : value;
}

describe("directory: reading events", () => {
  it("reads what ethers encodes, whatever the types", () => {
    const some = fc
      .array(fc.constantFrom(...shapes), { minLength: 1, maxLength: 5 })
      .chain((picked) =>
        fc
          .tuple(...picked.map(([, values]) => values))
          .map((values) => ({ types: picked.map(([type]) => type), values })),
      );
    fc.assert(
      fc.property(some, ({ types, values }) => {
        const params = types.map((type, i) => Param.from(`${type} p${i}`));
        const data = AbiCoder.defaultAbiCoder().encode(params, values) as Hex;
        const inputs = params.map((param) => JSON.parse(param.format("json")) as AbiInput);
        const expected = AbiCoder.defaultAbiCoder().decode(params, data);
        expect(readerOf(inputs)([`0x${"00".repeat(32)}`], data)).to.deep.equal(
          Object.fromEntries(params.map((param, i) => [param.name, plain(expected[i], param)])),
        );
      }),
      { numRuns: 300 },
    );
  });

  it("refuses data that end early, and lengths that lead out of them", () => {
    const inputs: AbiInput[] = [{ name: "list", type: "uint256[]" }];
    const read = readerOf(inputs);
    const topic: Hex = `0x${"00".repeat(32)}`;
    const word = (n: bigint) => n.toString(16).padStart(64, "0");
    expect(read([topic], `0x${word(32n)}${word(1n)}${word(7n)}`)).to.deep.equal({ list: [7] });
    for (const bad of [
      `0x${word(32n)}${word(2n)}${word(7n)}`,
      `0x${word(32n)}${word(2n ** 200n)}${word(7n)}`,
      `0x${word(2n ** 60n)}${word(1n)}${word(7n)}`,
      "0x",
    ] as Hex[]) {
      expect(() => read([topic], bad), bad).to.throw(RangeError);
    }
    expect(() => read([topic, topic], `0x${word(32n)}${word(0n)}`)).to.throw(RangeError);
  });
});
