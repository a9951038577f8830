import { expect } from "chai";
import { getAddress, id, keccak256, toBeHex } from "ethers";
import { network } from "hardhat";

import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { escrowLimits } from "../../../protocol/escrow/limits.ts";

const { ethers } = await network.create();
const group = id("a group of many") as Hex;
const address = (n: number): string => getAddress(keccak256(toBeHex(n)).slice(0, 42));

/** A KeyEscrow whose agents are all registered, and how many members each transaction to it added or removed. */
async function world() {
  const [deployer] = await ethers.getSigners();
  const at = async (name: string, args: unknown[] = []) => (await ethers.deployContract(name, args)).getAddress();
  const implementation = await ethers.deployContract("KeyEscrow");
  const parts = [await at("AccessManager", [deployer!.address]), await at("TrustStub"), await at("OwnersStub")];
  const call = implementation.interface.encodeFunctionData("initialize", parts as [string, string, string]);
  const escrowAt = await at("ERC1967Proxy", [await implementation.getAddress(), call]);
  const contract = await ethers.getContractAt("KeyEscrow", escrowAt);
  const place = { chainId: 31_337n, escrow: escrowAt, group };
  const pages = async (event: "MemberAdded" | "MemberRemoved", from: number): Promise<number[]> => {
    const found = await contract.queryFilter(contract.filters[event](), from);
    const counts = new Map<string, number>();
    for (const { transactionHash: hash } of found) counts.set(hash, (counts.get(hash) ?? 0) + 1);
    return [...counts.values()];
  };
  const keeper = () => new OrchestratorEscrow(deployer!, place);
  await keeper().keepGroup(id("publisher") as Hex, 5);
  const next = async () => (await ethers.provider.getBlockNumber()) + 1;
  return { contract, keeper, pages, next };
}

describe("the keeper of a large group", () => {
  const wanted = Array.from({ length: 2 * escrowLimits.batch + 1 }, (_, n) => address(n));

  it("adds and removes members in pages that a transaction can hold", async () => {
    const { contract, keeper, pages, next } = await world();
    const from = await next();
    await keeper().keepMembers(wanted);
    expect(await pages("MemberAdded", from)).to.deep.equal([escrowLimits.batch, escrowLimits.batch, 1]);
    expect([...(await contract.membersOf(group))].sort()).to.deep.equal([...wanted].sort());
    const [fewer, then] = [wanted.slice(0, 100), await next()];
    await keeper().keepMembers(fewer);
    expect(await pages("MemberRemoved", then)).to.deep.equal([escrowLimits.batch, 51]);
    expect(await pages("MemberAdded", then)).to.deep.equal([]);
    expect([...(await contract.membersOf(group))].sort()).to.deep.equal([...fewer].sort());
  });

  it("goes on where an earlier run ended between two pages, and sends nothing twice", async () => {
    const { contract, keeper, pages, next } = await world();
    await contract.addMembers(group, wanted.slice(0, escrowLimits.batch));
    const from = await next();
    await keeper().keepMembers(wanted);
    expect(await pages("MemberAdded", from)).to.deep.equal([escrowLimits.batch, 1]);
    const then = await next();
    await keeper().keepMembers(wanted);
    expect(await next()).to.equal(then);
  });
});
