import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { JsonRpcProvider } from "ethers";
import { network } from "hardhat";

import { ChainRevocations } from "../../../agent/calls/chainRevocations.ts";
import type { ContractLink } from "../../../agent/calls/revocations.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";

const { ethers } = await network.create();

describe("agent/calls/chainRevocations", () => {
  const issuerKey = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(1)));
  const contractId: Hex = `0x${"11".repeat(32)}`;

  async function behindProxy(name: "AgentRegistry" | "ContractRegistry", args: readonly unknown[]): Promise<string> {
    const implementation = await ethers.deployContract(name, name === "AgentRegistry" ? [300] : []);
    const call = new ethers.Interface(implementation.interface.fragments).encodeFunctionData("initialize", args);
    return (await ethers.deployContract("ERC1967Proxy", [await implementation.getAddress(), call])).getAddress();
  }

  async function start() {
    const [owner] = await ethers.getSigners();
    const manager = await (await ethers.deployContract("AccessManager", [owner!.address])).getAddress();
    const agentsAt = await behindProxy("AgentRegistry", [manager, ethers.ZeroAddress]);
    const at = await behindProxy("ContractRegistry", [manager, agentsAt]);
    await (await ethers.getContractAt("AgentRegistry", agentsAt)).register(issuerKey).catch(() => undefined);
    const registry = await ethers.getContractAt("ContractRegistry", at);
    const issuerAgent = formatEthrDid(31337n, owner!.address);
    const link: ContractLink = { contractId, issuerAgent, issuerKey };
    return { owner: owner!, at, registry, link, source: new ChainRevocations(ethers.provider, at, 31337n) };
  }

  it("reads what the chain says: nothing, then a revocation with its author and block", async () => {
    const { owner, registry, link, source } = await start();
    expect(await source.read([link])).to.deep.equal({ blockNumber: await ethers.provider.getBlockNumber() });
    await registry.revoke(owner.address, [contractId]);
    const blockNumber = await ethers.provider.getBlockNumber();
    const by = link.issuerAgent;
    expect(await source.read([link])).to.deep.equal({ blockNumber, revoked: { link: 0, by, blockNumber } });
  });

  it("tells a key that is not the account's", async () => {
    const { link, source } = await start();
    const other = toHex(ed25519.getPublicKey(new Uint8Array(32).fill(2)));
    expect(await source.read([{ ...link, issuerKey: other }])).to.deep.include({ unboundLink: 0 });
  });

  it("never answers for another chain, nor without one", async () => {
    const { at, link, source } = await start();
    const elsewhere = { ...link, issuerAgent: formatEthrDid(1n, `0x${"1".repeat(40)}`) };
    const nowhere = new JsonRpcProvider("http://127.0.0.1:1", 31337, { staticNetwork: true });
    const deaf = new ChainRevocations(nowhere, at, 31337n);
    for (const reading of [() => source.read([elsewhere]), () => deaf.read([link])]) {
      const error = await reading().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).to.have.property("code", "ERR_UNAVAILABLE_CHAIN");
    }
    nowhere.destroy();
  });
});
