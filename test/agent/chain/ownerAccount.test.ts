import { expect } from "chai";
import { Wallet } from "ethers";

import { ownerAccountOf } from "../../../agent/chain/ownerAccount.ts";
import { Rpc } from "../../../agent/chain/rpc.ts";
import { startChain, type TestChain } from "../../helpers/world/chain.ts";

/** Answers ERC-1271's yes: `PUSH4 1626ba7e PUSH1 e0 SHL PUSH0 MSTORE PUSH1 20 PUSH0 RETURN`. */
const yes = "631626ba7e60e01b5f5260205ff3";
const yesToAll = `0x${yes}`;
/** Only where the signature begins with 32 zero bytes, which stand at 0x64 of the call. */
const yesToZeros = `0x60643515600a575f5ffd5b${yes}`;

describe("agent: whose signature counts", () => {
  let chain: TestChain;
  let rpc: Rpc;
  before(async () => {
    chain = await startChain();
    rpc = new Rpc({ url: chain.url, chainId: chain.deployment.chainId });
  });
  after(async () => {
    rpc.close();
    await chain.close();
  });

  async function standing(code: string, delegateCode?: string) {
    const account = Wallet.createRandom().address;
    const delegate = Wallet.createRandom().address;
    if (delegateCode !== undefined) await chain.rpc("anvil_setCode", delegate, delegateCode);
    await chain.rpc("anvil_setCode", account, code === "delegated" ? `0xef0100${delegate.slice(2)}` : code);
    return { account, delegate, found: await ownerAccountOf(rpc, chain.deployment, account) };
  }

  it("an account's key, where it has no code", async () => {
    const { account, found } = await standing("0x");
    expect(found).to.deep.equal({ owner: account, kind: "key", takes: [] });
  });

  it("also what the code says that it delegated to; one that knows no signatures takes none", async () => {
    const { account, delegate, found } = await standing("delegated", "0x60006000fd");
    expect(found).to.deep.equal({ owner: account, kind: "delegated", delegate: delegate.toLowerCase(), takes: [] });
  });

  it("anybody's, where that code takes what nobody signed", async () => {
    const all = await standing("delegated", yesToAll);
    expect(all.found.kind).to.equal("delegated");
    expect(all.found.takes).to.have.lengthOf(5);
    const contract = await standing(yesToAll);
    expect(contract.found.kind).to.equal("contract");
    expect(contract.found.takes).to.have.lengthOf(5);
  });

  it("anybody's, where it takes zeros alone", async () => {
    const { found } = await standing("delegated", yesToZeros);
    expect(found.takes).to.deep.equal(["an empty signature", "65 zero bytes", "64 zero bytes"]);
  });
});
