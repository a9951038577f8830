import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { type Anvil, startAnvil } from "../../orchestrator/chain/anvil.ts";
import { freePorts } from "../../orchestrator/preflight/ports.ts";
import { startFlakyEndpoint } from "../../cli/rehearse/endpoint.ts";
import { Testnet } from "../../cli/rehearse/testnet.ts";

interface Block {
  readonly number: string;
  readonly hash: string;
  readonly baseFeePerGas: string;
  readonly transactions: readonly string[];
}

describe("the rehearsal's likeness of a testnet", () => {
  const wallet = new Wallet(`0x${"7e".repeat(32)}`);
  let folder: string;
  let anvil: Anvil;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "affiant-testnet-"));
    const [port = 0] = await freePorts(1);
    anvil = await startAnvil({ port, chainId: 11_155_111, pidPath: join(folder, "pid") });
    await anvil.rpc("anvil_setBalance", wallet.address, "0x56bc75e2d63100000");
  });
  after(async () => {
    await anvil.stop();
    rmSync(folder, { recursive: true });
  });

  const latest = async () => (await anvil.rpc("eth_getBlockByNumber", "latest", false)) as Block;
  const send = async (nonce: number) => {
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 1n, gasLimit: 21_000n, type: 2 };
    const raw = await wallet.signTransaction({ to: wallet.address, chainId: 11_155_111, nonce, ...fees });
    return String(await anvil.rpc("eth_sendRawTransaction", raw));
  };
  const isMined = async (hash: string) => (await anvil.rpc("eth_getTransactionReceipt", hash)) !== null;

  it("moves the base fee by an eighth a block, up and down", async () => {
    const testnet = new Testnet({ anvil, blockTimeMs: 0, reorgEvery: 0 });
    const fees: number[] = [];
    for (let i = 0; i < 60; i++) {
      await testnet.next();
      fees.push(Number((await latest()).baseFeePerGas));
    }
    const ratios = fees.slice(1).map((fee, i) => fee / (fees[i] ?? NaN));
    for (const ratio of ratios) expect(Math.min(Math.abs(ratio - 9 / 8), Math.abs(ratio - 7 / 8))).to.be.below(1e-6);
    expect(new Set(ratios.map((ratio) => ratio > 1)).size).to.equal(2);
    expect(testnet.events.highestBaseFee).to.equal(BigInt(Math.max(...fees)));
    expect(testnet.events.lowestBaseFee).to.equal(BigInt(Math.min(...fees)));
  });

  it("throws out one to three blocks, whose transactions wait again or are forgotten", async () => {
    const testnet = new Testnet({ anvil, blockTimeMs: 0, reorgEvery: 4 });
    const fates: boolean[] = [];
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 3; i++) await testnet.next();
      const before = await latest();
      const hash = await send(Number(await anvil.rpc("eth_getTransactionCount", wallet.address, "latest")));
      const { length } = testnet.events.reorgs;
      await testnet.next();
      const { reorgs, takenBack } = testnet.events;
      expect(reorgs.length).to.equal(length + 1);
      expect(takenBack).to.equal(round + 1);
      expect(await isMined(hash)).to.equal(false);
      const depth = reorgs[round] ?? 0;
      const at = `0x${(Number(before.number) + 2 - depth).toString(16)}`;
      // One block came on top of `before`: a reorganisation of depth d replaces it and d - 1 below.
      const replaced = (await anvil.rpc("eth_getBlockByNumber", at, false)) as Block;
      expect(replaced.transactions).to.deep.equal([]);
      const kept = (await anvil.rpc("eth_getBlockByNumber", before.number, false)) as Block;
      expect(kept.hash === before.hash).to.equal(depth === 1);
      fates.push((await anvil.rpc("eth_getTransactionByHash", hash)) !== null);
    }
    expect(testnet.events.reorgs).to.deep.equal([1, 2, 3, 1]);
    expect(fates).to.deep.equal([true, false, true, false]);
  });

  it("has endpoints that fail in every way, each run in the same order", async () => {
    const flakiness = { drop: 15, lose: 15, cut: 15, limit: 15 };
    const runs: (readonly string[])[] = [];
    for (let run = 0; run < 2; run++) {
      const endpoint = await startFlakyEndpoint(anvil.url, flakiness, 7);
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
      const outcomes: string[] = [];
      for (let i = 0; i < 60; i++) {
        const headers = { "content-type": "application/json" };
        const ask = fetch(endpoint.url, { method: "POST", body, headers });
        outcomes.push(
          await ask.then(
            async (answer) => `${answer.status} ${await answer.text().catch(() => "cut")}`,
            () => "lost",
          ),
        );
      }
      for (const count of Object.values(endpoint.counts)) expect(count).to.be.greaterThan(2);
      expect(Object.values(endpoint.counts).reduce((sum, count) => sum + count)).to.equal(60);
      runs.push(outcomes);
      await endpoint.close();
    }
    expect(new Set(runs[0]).size).to.equal(4);
    expect(runs[1]).to.deep.equal(runs[0]);
  });
});
