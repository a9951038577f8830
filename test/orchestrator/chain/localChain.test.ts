import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { JsonRpcProvider } from "ethers";

import { openLocalAccounts } from "../../../orchestrator/chain/accounts.ts";
import { LocalChain, statePathIn } from "../../../orchestrator/chain/localChain.ts";
import { mined } from "../../../orchestrator/chain/mined.ts";
import { freePorts } from "../../../orchestrator/preflight/ports.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { eventually } from "../../helpers/eventually.ts";
import { rejection } from "../../helpers/rejection.ts";

describe("the local chain", () => {
  let dir: string;
  const opened: { chain: LocalChain; provider: JsonRpcProvider; ended: Promise<string> }[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-chain-"));
  });

  afterEach(async () => {
    for (const { chain, provider, ended } of opened.splice(0)) {
      provider.destroy();
      chain.close();
      await ended;
    }
    rmSync(dir, { recursive: true, force: true });
  });

  async function open() {
    const accounts = openLocalAccounts(join(dir, "mnemonic"));
    const [port = 0] = await freePorts(1);
    const chain = await LocalChain.open({
      dir,
      port,
      chainId: 31_337,
      funded: [accounts.deployer.address],
      blockTimeMs: 20,
      trailingBlocks: 2,
      idleBlockTimeMs: 3_600_000,
    });
    const provider = new JsonRpcProvider(chain.url, 31_337, {
      staticNetwork: true,
      pollingInterval: 20,
      cacheTimeout: -1,
    });
    const ended = chain.run();
    opened.push({ chain, provider, ended });
    return { chain, provider, ended, deployer: accounts.deployer.connect(provider) };
  }

  const killAnvil = () => process.kill(Number(readFileSync(join(dir, "anvil.pid"), "utf8")), "SIGKILL");

  it("mines what is sent, and a few blocks more so that it becomes final, and then rests", async () => {
    const { deployer, provider } = await open();
    const receipt = await mined(deployer.sendTransaction({ to: deployer.address, value: 1n }));
    await eventually(async () => (await provider.getBlock("finalized"))!.number >= receipt.blockNumber);
    const resting = receipt.blockNumber + 2;
    await eventually(async () => (await provider.getBlockNumber()) === resting);
    expect((await provider.getBlock("safe"))?.number).to.equal(resting - 1);
  });

  it("knows the blocks and transactions of before after a clean end", async () => {
    const first = await open();
    const receipt = await mined(first.deployer.sendTransaction({ to: first.deployer.address, value: 1n }));
    first.chain.close();
    expect(await first.ended).to.equal("closed");

    const second = await open();
    const found = await second.provider.getTransactionReceipt(receipt.hash);
    expect(found?.blockHash).to.equal(receipt.blockHash);
    expect(await second.deployer.getNonce()).to.equal(1);
  });

  it("has not forgotten a safe block when anvil is killed", async () => {
    const first = await open();
    const receipt = await mined(first.deployer.sendTransaction({ to: first.deployer.address, value: 1n }));
    await eventually(async () => (await first.provider.getBlock("safe"))!.number >= receipt.blockNumber);
    killAnvil();
    expect(await first.ended).to.equal("gone");

    const second = await open();
    expect((await second.provider.getBlock(receipt.blockNumber))?.hash).to.equal(receipt.blockHash);
  });

  it("mines the blocks since the last save again, transactions and all, as they were", async () => {
    const first = await open();
    const value = (n: number) => ({ to: first.deployer.address, value: BigInt(n), nonce: n });
    await Promise.all([0, 1, 2].map((n) => first.deployer.sendTransaction(value(n))));
    const receipt = await mined(first.deployer.sendTransaction(value(3)));
    await eventually(async () => (await first.provider.getBlock("safe"))!.number >= receipt.blockNumber);
    const before = await first.provider.getBlock(receipt.blockNumber);
    killAnvil();
    await first.ended;

    const second = await open();
    expect((await second.provider.getBlock(receipt.blockNumber))?.toJSON()).to.deep.equal(before!.toJSON());
    expect(await second.deployer.getNonce()).to.equal(4);
  });

  it("passes over what a crash cut off, and refuses a journal that leads elsewhere", async () => {
    const first = await open();
    await mined(first.deployer.sendTransaction({ to: first.deployer.address, value: 1n }));
    killAnvil();
    await first.ended;
    const path = join(dir, "blocks.jsonl");
    const journal = readFileSync(path, "utf8");
    writeFileSync(path, `${journal}{"number":`);
    const second = await open();
    const head = JSON.parse(journal.trimEnd().split("\n").at(-1)!) as { number: number; hash: string };
    expect((await second.provider.getBlock(head.number))?.hash).to.equal(head.hash);
    second.chain.close();
    await second.ended;

    const wrong = await second.ended.then(() => ({ number: 10_000, timestamp: 1, hash: "0x", transactions: [] }));
    writeFileSync(path, `${JSON.stringify(wrong)}\n`);
    expect(isAffiantError(await rejection(open()), "ERR_INPUT_FILE")).to.equal(true);
    writeFileSync(path, "{}x\n");
    expect(isAffiantError(await rejection(open()), "ERR_INPUT_FILE")).to.equal(true);
  });

  it("ends an anvil whose keeper was killed, before it starts its own", async () => {
    const first = await open();
    const orphan = readFileSync(join(dir, "anvil.pid"), "utf8");
    const second = await open();
    expect(await first.ended).to.equal("gone");
    expect(readFileSync(join(dir, "anvil.pid"), "utf8")).to.not.equal(orphan);
    expect(await second.chain.blockNumber()).to.be.greaterThan(0);
  });

  it("refuses a damaged state instead of beginning a new chain", async () => {
    writeFileSync(statePathIn(dir), "not gzip");
    const error = await rejection(open());
    expect(isAffiantError(error, "ERR_INPUT_FILE")).to.equal(true);
  });
});
