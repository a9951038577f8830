import { concat, getBytes, Interface, type InterfaceAbi, keccak256, type ParamType, toBeHex } from "ethers";

import type { Hex } from "../../../protocol/encoding/hex.ts";
import type { RpcReply, RpcRequest } from "./kinds.ts";

/** What a function answers: its return values, or the custom error it reverts with. */
export type Answer = readonly unknown[] | { readonly revert: string; readonly args: readonly unknown[] };

export interface ScriptedContract {
  readonly abi: InterfaceAbi | readonly unknown[];
  /** By function name. What is not here reverts as a contract without that function does. */
  readonly functions: Readonly<Record<string, ScriptedFunction>>;
}

/** Arguments as ethers decodes them. A method's type, so that each function may name those that it takes. */
type ScriptedFunction = { call(args: readonly unknown[]): Answer }["call"];

export interface ScriptedEvent {
  readonly address: Hex;
  readonly blockNumber: number;
  readonly topics: readonly string[];
  readonly data: string;
}

export interface ChainScript {
  readonly chainId: number;
  readonly head: number;
  readonly blockHash: (blockNumber: number) => Hex;
  /** By address, lower case. */
  readonly contracts: Readonly<Record<Hex, ScriptedContract>>;
  readonly events?: readonly ScriptedEvent[];
}

/** A chain that knows what the script says, as a node answers: one JSON-RPC request, one reply. */
export function scriptedChain(script: ChainScript): (request: RpcRequest) => RpcReply {
  return ({ jsonrpc, id, method, params }) => {
    const result = (value: unknown): RpcReply => ({ jsonrpc, id, result: value });
    const [first] = params;
    switch (method) {
      case "eth_chainId":
        return result(quantity(script.chainId));
      case "eth_blockNumber":
        return result(quantity(script.head));
      case "eth_getBlockByNumber":
        return result(blockOf(script, first === "latest" ? script.head : Number(first)));
      case "eth_getCode":
        return result(codeAt(script, first as Hex));
      case "eth_getStorageAt":
        return result(toBeHex(0, 32));
      case "eth_getTransactionReceipt":
        return result(null);
      case "eth_getLogs":
        return result(logsOf(script, first as Filter));
      case "eth_call":
        return { jsonrpc, id, ...call(script, first as { to?: Hex; data: string }) };
      default:
        return { jsonrpc, id, error: { code: -32601, message: `no ${method}` } };
    }
  };
}

interface Filter {
  readonly address?: string;
  readonly blockHash?: string;
  readonly fromBlock?: string;
  readonly toBlock?: string;
  readonly topics?: readonly (string | null)[];
}

function codeAt({ contracts }: ChainScript, address: Hex): string {
  const at = address.toLowerCase() as Hex;
  const contract = contracts[at];
  if (!contract) return "0x";
  const abi = new Interface(contract.abi as InterfaceAbi);
  const selectors = Object.keys(contract.functions).map((name) => abi.getFunction(name)?.selector.slice(2) ?? "");
  return `0x60${at.slice(2)}${selectors.map((selector) => `63${selector}`).join("")}`;
}

function call(script: ChainScript, { to, data }: { to?: Hex; data: string }): Pick<RpcReply, "result" | "error"> {
  if (to === undefined) return { result: `0x00${codeHash(script, `0x${data.slice(4, 44)}`).slice(2)}` };
  const contract = script.contracts[to.toLowerCase() as Hex];
  if (!contract) return { result: "0x" };
  const abi = new Interface(contract.abi as InterfaceAbi);
  const called = abi.parseTransaction({ data });
  const answer = called && contract.functions[called.name]?.([...called.args]);
  if (!answer || !called) return { error: { code: 3, message: "execution reverted", data: "0x" } };
  if ("revert" in answer) {
    const reason = abi.encodeErrorResult(answer.revert, [...answer.args]);
    return { error: { code: 3, message: "execution reverted", data: reason } };
  }
  const outputs = called.fragment.outputs;
  return {
    result: abi.encodeFunctionResult(
      called.name,
      outputs.map((type, i) => filled(type, answer[i])),
    ),
  };
}

/** A struct needs no more fields in a script than those that matter: the others are zero. */
function filled(type: ParamType, value: unknown): unknown {
  if (value === undefined) return zeroOf(type);
  if (!type.components || type.baseType !== "tuple" || Array.isArray(value)) return value;
  const given = value as Readonly<Record<string, unknown>>;
  return type.components.map((part) => given[part.name] ?? zeroOf(part));
}

function zeroOf({ type }: ParamType): unknown {
  if (type.endsWith("[]")) return [];
  if (type === "address") return toBeHex(0, 20);
  const bytes = /^bytes(\d+)$/.exec(type)?.[1];
  return bytes === undefined ? (type === "bool" ? false : type === "string" ? "" : 0) : toBeHex(0, Number(bytes));
}

/** What EXTCODEHASH says: zero where there is no account. */
function codeHash(script: ChainScript, address: Hex): string {
  const code = codeAt(script, address);
  return code === "0x" ? toBeHex(0, 32) : keccak256(code);
}

function blockOf(script: ChainScript, number: number) {
  if (number > script.head) return null;
  const events = eventsOf(script).filter(({ blockNumber }) => blockNumber === number);
  return {
    number: quantity(number),
    hash: script.blockHash(number),
    parentHash: script.blockHash(number - 1),
    timestamp: quantity(1_800_000_000 + number),
    baseFeePerGas: "0x1",
    logsBloom: bloomOf(events.flatMap(({ address, topics }) => [address, ...topics])),
    gasLimit: "0x1c9c380",
    gasUsed: "0x0",
    miner: toBeHex(0, 20),
    nonce: toBeHex(0, 8),
    difficulty: "0x0",
    extraData: "0x",
    transactions: [],
  };
}

function logsOf(script: ChainScript, { address, blockHash, fromBlock, toBlock, topics = [] }: Filter) {
  return eventsOf(script)
    .filter(
      (event) =>
        (address === undefined || address.toLowerCase() === event.address) &&
        (blockHash === undefined || script.blockHash(event.blockNumber) === blockHash) &&
        (fromBlock === undefined || event.blockNumber >= Number(fromBlock)) &&
        (toBlock === undefined || event.blockNumber <= Number(toBlock)) &&
        topics.every((topic, i) => topic === null || topic.toLowerCase() === event.topics[i]?.toLowerCase()),
    )
    .map((event, i) => ({
      address: event.address,
      blockHash: script.blockHash(event.blockNumber),
      blockNumber: quantity(event.blockNumber),
      data: event.data,
      logIndex: quantity(i),
      removed: false,
      topics: event.topics,
      transactionHash: keccak256(toBeHex(i, 32)),
      transactionIndex: "0x0",
    }));
}

function eventsOf({ events = [] }: ChainScript): readonly ScriptedEvent[] {
  return events;
}

/** Yellow Paper, 4.4.3. Written anew here: the filter under test must not be compared with itself. */
function bloomOf(parts: readonly string[]): string {
  let bloom = 0n;
  for (const part of parts) {
    const hash = getBytes(keccak256(part));
    for (const at of [0, 2, 4])
      bloom |= 1n << (BigInt(`0x${Buffer.from(hash.slice(at, at + 2)).toString("hex")}`) % 2048n);
  }
  return concat([toBeHex(bloom, 256)]);
}

function quantity(value: number): string {
  return `0x${value.toString(16)}`;
}
