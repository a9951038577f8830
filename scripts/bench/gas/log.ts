import { Contract, type JsonRpcApiProvider, type Signer } from "ethers";

import { leafHash, nodeHash } from "../../../protocol/log/hash.ts";
import { consistencyProof } from "../../../protocol/log/consistency.ts";
import { inclusionProof } from "../../../protocol/log/inclusion.ts";
import { logIdOf } from "../../../protocol/log/logId.ts";
import { type NodeSource, rangeHash } from "../../../protocol/log/subtree.ts";
import { utf8 } from "../../../protocol/encoding/bytes.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { logAnchorAbi } from "../../../protocol/generated/abi/LogAnchor.ts";
import { defaultRecordEvery } from "../../../relayer/config.ts";
import { gasChain, gasOf } from "./chain.ts";
import type { GasRow } from "./row.ts";

const noteKey = "0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"; // RFC 8032 §7.1, test 1
const latestRoot = 2n ** 256n - 1n;

/**
 * A log of a million entries whose leaves repeat every 16: only 16 different nodes a level have to be kept, and proofs
 * are as long as any. Node (level, index) depends on the index's low bits alone.
 */
function repeatingLog(): NodeSource {
  const levels: Uint8Array[][] = [Array.from({ length: 16 }, (_, i) => leafHash(utf8(`leaf ${i}`)))];
  const nodeAt = (level: number, index: number): Uint8Array => {
    const row = (levels[level] ??= []);
    const at = index % Math.max(1, 16 / 2 ** level);
    return (row[at] ??= nodeHash(nodeAt(level - 1, 2 * at), nodeAt(level - 1, 2 * at + 1)));
  };
  return nodeAt;
}

const source = repeatingLog();
const rootOf = (size: number) => toHex(rangeHash({ start: 0, end: size }, source));
const growth = (from: number, to: number) => (from === 0 ? [] : consistencyProof(source, from, to).map(toHex));

async function registered(origin: string) {
  const { accounts, deployment } = await gasChain();
  const [operator] = accounts;
  if (operator === undefined) throw new Error("the chain has no accounts");
  return { ...(await register(deployment.contracts.logAnchor.address, operator, origin)), operator };
}

async function register(address: string, operator: Signer, origin: string) {
  const anchors = new Contract(address, logAnchorAbi, operator);
  const gas = await gasOf(anchors.getFunction("registerLog")(origin, noteKey));
  return { anchors, logId: logIdOf(origin), gas };
}

/** Gas of moving a fresh log's root from one size to another, after it was anchored at the first. */
async function move(name: "anchor" | "advance", from: number, to: number): Promise<number> {
  const { anchors, logId } = await registered(`log.example/${from}`);
  await gasOf(anchors.getFunction(name)(logId, from, rootOf(from), []));
  return gasOf(anchors.getFunction(name)(logId, to, rootOf(to), growth(from, to)));
}

/** What the relayer pays an anchor on average: most of them by `advance`, one in so many by `anchor`. */
async function relayed(recordEvery: number): Promise<number> {
  const { anchors, logId } = await registered("log.example/relayed");
  await gasOf(anchors.getFunction("anchor")(logId, 1_000_000, rootOf(1_000_000), []));
  let gas = 0;
  for (let i = 1; i <= recordEvery; i++) {
    const [from, to] = [1_000_000 + 256 * (i - 1), 1_000_000 + 256 * i];
    gas += await gasOf(
      anchors.getFunction(i === recordEvery ? "anchor" : "advance")(logId, to, rootOf(to), growth(from, to)),
    );
  }
  return Math.round(gas / recordEvery);
}

/** The log's anchors, at a million entries. Sizes are those with the longest proofs and the most hashing around there. */
export async function measure(): Promise<readonly GasRow[]> {
  const { anchors, logId, gas: registration } = await registered("log.example/main");
  const first = await gasOf(anchors.getFunction("advance")(logId, 1_000_000, rootOf(1_000_000), []));
  const inclusion = inclusionProof(source, 333_333, 1_000_000).map(toHex);
  const leaf = toHex(source(0, 333_333));
  const data = anchors.interface.encodeFunctionData("verifyInclusion", [logId, latestRoot, leaf, 333_333, inclusion]);
  return [
    { name: "register a log", gas: registration },
    { name: "first advance", gas: first },
    { name: "advance at 1M, 1,000,000 + 256", gas: await move("advance", 1_000_000, 1_000_256), target: 60_000 },
    { name: "advance at 1M, worst within 1%", gas: await move("advance", 999_423, 1_059_423), target: 60_000 },
    { name: "advance at 1M, worst within 10%", gas: await move("advance", 1_015_807, 1_075_807), target: 60_000 },
    {
      name: `relayer's mean, 1 record in ${defaultRecordEvery}`,
      gas: await relayed(defaultRecordEvery),
      target: 60_000,
    },
    { name: "anchor at 1M, 1,000,000 + 256", gas: await move("anchor", 1_000_000, 1_000_256) },
    { name: "anchor at 1M, worst within 1%", gas: await move("anchor", 999_423, 1_059_423) },
    { name: "verifyInclusion, depth 20", gas: await executionGas(anchors, data), target: 20_000 },
  ];
}

/**
 * What a call spends while it runs, as another contract that makes it would pay: the first step's gas less the last's,
 * so without the 21,000 and the calldata of a transaction of its own.
 */
async function executionGas(contract: Contract, data: string): Promise<number> {
  const provider = contract.runner?.provider as JsonRpcApiProvider | null | undefined;
  const { structLogs } = (await provider?.send("debug_traceCall", [
    { to: await contract.getAddress(), data },
    "latest",
    { disableStorage: true, disableMemory: true, disableStack: true },
  ])) as { structLogs: { gas: number; gasCost: number }[] };
  const [first, last] = [structLogs[0], structLogs.at(-1)];
  if (first === undefined || last === undefined) throw new Error("the call left no trace");
  return first.gas - last.gas + last.gasCost;
}
