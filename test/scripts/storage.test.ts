import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { AbiCoder, keccak256, toBeHex, toUtf8Bytes } from "ethers";

import { layoutFaults } from "../../scripts/storage/compareLayouts.ts";
import { namespacesOf, readStorageLayout, type StorageLayout } from "../../scripts/storage/readLayout.ts";

const contracts = join(import.meta.dirname, "../../contracts");

/** A contract with one namespace. */
const source = (members: string): string => `
  pragma solidity ^0.8.28;
  struct Inner { uint128 a; uint128 b; }
  contract Kept {
    /// @custom:storage-location erc7201:test.storage.Kept
    struct KeptStorage { ${members} }
  }`;
const released = "address owner; uint64 count; mapping(address => Inner) byAgent; bytes32 last;";

describe("scripts/storage", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affiant-storage-"));
  });
  after(() => rm(folder, { recursive: true }));

  async function layoutOf(text: string): Promise<StorageLayout> {
    const place = join(folder, `contracts${Math.random()}`);
    await mkdir(place);
    await writeFile(join(place, "Kept.sol"), text);
    return readStorageLayout(place);
  }

  it("reads where the compiler puts each member, packed ones too", async () => {
    const layout = await layoutOf(source(released));
    expect(layout["erc7201:test.storage.Kept"]).to.deep.equal([
      { label: "owner", slot: "0", offset: 0, type: "address" },
      { label: "count", slot: "0", offset: 20, type: "uint64" },
      { label: "byAgent", slot: "1", offset: 0, type: "mapping(address => struct Inner)" },
      { label: "last", slot: "2", offset: 0, type: "bytes32" },
    ]);
    expect(layout["struct Inner"]?.map(({ label, offset }) => [label, offset])).to.deep.equal([
      ["a", 0],
      ["b", 16],
    ]);
  });

  it("lets members be added behind the last one", async () => {
    const before = await layoutOf(source(released));
    expect(layoutFaults(before, before)).to.deep.equal([]);
    expect(layoutFaults(before, await layoutOf(source(`${released} uint256 added;`)))).to.deep.equal([]);
  });

  it("lets members be added where a slot has bytes left", async () => {
    const before = await layoutOf(source(released));
    const filled = released.replace("uint64 count;", "uint64 count; uint32 added;");
    expect(layoutFaults(before, await layoutOf(source(filled)))).to.deep.equal([]);
    const overfilled = released.replace("uint64 count;", "uint64 count; uint64 added;");
    expect(layoutFaults(before, await layoutOf(source(overfilled)))).to.have.lengthOf(2);
  });

  for (const [what, changed, fault] of [
    ["a member that is gone", released.replace(" bytes32 last;", ""), "Kept.last is gone"],
    ["another type", released.replace("uint64", "uint96"), "uint96 count at slot 0, byte 20 where"],
    ["a member before others", `bool first; ${released}`, "bool first at slot 0, byte 0 where"],
    [
      "members that changed places",
      released.replace(/(mapping.*?;) (bytes32 last;)/, "$2 $1"),
      "bytes32 last at slot 1",
    ],
  ] as const) {
    it(`finds ${what}`, async () => {
      const faults = layoutFaults(await layoutOf(source(released)), await layoutOf(source(changed)));
      expect(faults[0]).to.contain(fault);
    });
  }

  it("finds a struct inside another that grew, by what it moved", async () => {
    const members = "Inner inner; bytes32 last;";
    const grown = source(members).replace("uint128 b;", "uint128 b; uint256 c;");
    const faults = layoutFaults(await layoutOf(source(members)), await layoutOf(grown));
    expect(faults.join()).to.contain(
      "bytes32 last at slot 2, byte 0 where the last release has bytes32 last at slot 1",
    );
  });

  it("every namespace lies at the slot that ERC-7201 gives it", async () => {
    let checked = 0;
    for (const name of await readdir(contracts, { recursive: true })) {
      if (!name.endsWith(".sol")) continue;
      const text = await readFile(join(contracts, name), "utf8");
      for (const { name: id } of namespacesOf(name, text)) {
        const inner = BigInt(keccak256(toUtf8Bytes(id.replace("erc7201:", "")))) - 1n;
        const hash = BigInt(keccak256(AbiCoder.defaultAbiCoder().encode(["uint256"], [inner])));
        expect(text, id).to.contain(toBeHex(hash & ~0xffn, 32));
        checked += 1;
      }
    }
    expect(checked).to.equal(6);
  });
});
