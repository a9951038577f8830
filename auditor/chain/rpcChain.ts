import {
  FetchRequest,
  Interface,
  type InterfaceAbi,
  isError,
  JsonRpcProvider,
  keccak256,
  type Network,
  toBeHex,
  toQuantity,
} from "ethers";

import { unpackRecord, unpackVerdicts } from "../../protocol/attestation/record.ts";
import { assuranceTiers, attestationStatuses } from "../../protocol/attestation/types.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { iAttestationEventsAbi } from "../../protocol/generated/abi/IAttestationEvents.ts";
import { iAttestationReaderAbi } from "../../protocol/generated/abi/IAttestationReader.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";
import type {
  Anchor,
  AttestationAt,
  ChainReader,
  GroupEpoch,
  PolicyVersion,
  ProvenEquivocation,
  RegisteredLog,
} from "./chainReader.ts";

const agentRegistryInterface = new Interface(agentRegistryAbi as InterfaceAbi);
const contractRegistryInterface = new Interface(contractRegistryAbi as InterfaceAbi);
const attestationInterface = new Interface(iAttestationReaderAbi as InterfaceAbi);
const attestationEvents = new Interface(iAttestationEventsAbi as InterfaceAbi);
const keyEscrowInterface = new Interface(keyEscrowAbi as InterfaceAbi);
const logAnchorInterface = new Interface(logAnchorAbi as InterfaceAbi);
const policyRegistryInterface = new Interface(policyRegistryAbi as InterfaceAbi);

/** Reports cost their sender gas and us a call each: whoever signed two histories may have signed thousands. */
const maxEquivocationsRead = 16;

/** keccak256("eip1967.proxy.implementation") − 1 (ERC-1967). */
const implementationSlot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

export interface RpcChainOptions {
  /** Calls in one JSON-RPC batch, default 100; 1 for endpoints that take no batches. */
  readonly batchMaxCount?: number;
  /** Default 30,000. */
  readonly timeoutMs?: number;
  /** How often a question is asked that gets no answer at all, default 6. What a node answers, even an error, stands. */
  readonly attempts?: number;
}

type Head = Awaited<ReturnType<ChainReader["head"]>>;
type Block = Head & { readonly timeSec: number };
/** What is read of a block's header, as JSON-RPC has it. */
type Header = { readonly number: string; readonly hash: Hex; readonly timestamp: string };

/**
 * A chain behind a plain JSON-RPC endpoint: `eth_chainId`, `eth_call`, `eth_getBlockByNumber`, `eth_getLogs` of one block,
 * `eth_getCode` and `eth_getStorageAt`. Everything is asked as of the block that was the head at the first question, so that a chain that
 * moves on meanwhile cannot answer half before a change and half after. Every question is asked once, and the questions
 * of one turn of the event loop travel in batches.
 */
export class RpcChain implements ChainReader {
  readonly #provider: JsonRpcProvider;
  readonly #network: Network;
  readonly #attempts: number;
  readonly #answers = new Map<string, Promise<unknown>>();
  readonly #attesters = new Map<string, Promise<readonly Hex[] | null>>();
  #head: Promise<Head> | undefined;

  private constructor(provider: JsonRpcProvider, network: Network, attempts: number) {
    this.#provider = provider;
    this.#network = network;
    this.#attempts = attempts;
  }

  /**
   * @param url http(s) address of the endpoint
   * @throws AffiantError ERR_INPUT_CONFIG for what is no such address, ERR_UNAVAILABLE_CHAIN if nothing answers there
   */
  static async open(url: string, options: RpcChainOptions = {}): Promise<RpcChain> {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new AffiantError("ERR_INPUT_CONFIG", `not an http or https address of a JSON-RPC endpoint: ${url}`);
    }
    const request = new FetchRequest(url);
    request.timeout = options.timeoutMs ?? 30_000;
    const batch = { batchMaxCount: options.batchMaxCount ?? 100, batchStallTime: 1 };
    const attempts = options.attempts ?? 6;
    const probe = new JsonRpcProvider(request, undefined, batch);
    try {
      // Asked before anything is sent: ethers' own start-up repeats this forever, with a line on stdout each second.
      const network = await askUntilAnswered(() => probe._detectNetwork(), attempts);
      const provider = new JsonRpcProvider(request, network, { ...batch, staticNetwork: network });
      return new RpcChain(provider, network, attempts);
    } catch (cause) {
      throw unavailable(url, cause);
    } finally {
      probe.destroy();
    }
  }

  close(): void {
    this.#provider.destroy();
  }

  chainId(): Promise<number> {
    return Promise.resolve(Number(this.#network.chainId));
  }

  head(): Promise<Head> {
    this.#head ??= this.#block("latest").then((block) => {
      if (!block) throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the endpoint knows no latest block");
      return block;
    });
    return this.#head;
  }

  async blockHash(blockNumber: number): Promise<Hex | null> {
    // A block above the head that was fixed may exist by now, but not as of that head.
    if (blockNumber > (await this.head()).blockNumber) return null;
    return (await this.#block(toQuantity(blockNumber)))?.blockHash ?? null;
  }

  async blockTimeSec(blockNumber: number): Promise<number | null> {
    if (blockNumber > (await this.head()).blockNumber) return null;
    return (await this.#block(toQuantity(blockNumber)))?.timeSec ?? null;
  }

  async codeHash(address: Hex): Promise<Hex | null> {
    const code = (await this.#asOfHead("eth_getCode", address)) as string;
    return code === "0x" ? null : (keccak256(code) as Hex);
  }

  async implementationOf(address: Hex): Promise<Hex | null> {
    const word = (await this.#asOfHead("eth_getStorageAt", address, implementationSlot)) as string;
    return BigInt(word) === 0n ? null : (`0x${word.slice(-40)}` as Hex);
  }

  async agentRegistryOf(registry: Hex): Promise<Hex | null> {
    const answer = await this.#call(policyRegistryInterface, registry, "agentRegistry", []);
    return answer ? lowerHex(answer[0]) : null;
  }

  async logOf(logAnchor: Hex, logId: Hex): Promise<RegisteredLog | null> {
    const [log, operators, keys, equivocations, sizes] = await Promise.all(
      ["logOf", "operatorsOf", "noteKeysOf", "equivocationCount", "handoverSizesOf"].map((name) => {
        return this.#call(logAnchorInterface, logAnchor, name, [logId]);
      }),
    );
    if (!log || !operators || !keys || !equivocations) return null;
    return {
      operators: (operators[0] as readonly string[]).map(lowerHex),
      // A LogAnchor from before does not know them.
      ...(sizes ? { handoverSizes: (sizes[0] as readonly bigint[]).map(Number) } : {}),
      equivocations: await this.#equivocations(logAnchor, logId, Number(equivocations[0])),
      noteKeys: (keys[0] as readonly string[]).map(lowerHex),
      origin: log[2] as string,
      equivocationCount: Number(equivocations[0]),
    };
  }

  async #equivocations(logAnchor: Hex, logId: Hex, count: number): Promise<readonly ProvenEquivocation[]> {
    const indices = Array.from({ length: Math.min(count, maxEquivocationsRead) }, (_, index) => index);
    const found = await Promise.all(
      indices.map((index) => this.#call(logAnchorInterface, logAnchor, "equivocationAt", [logId, index])),
    );
    return found.flatMap((answer) => {
      if (!answer) return [];
      const record = answer[0] as Readonly<Record<string, unknown>>;
      const stated = (["smaller", "larger"] as const).map((which) => {
        return { operator: lowerHex(record[`${which}Signer`]), size: Number(record[`${which}Size`]) };
      });
      // The zero address stands for the anchor.
      const signers = stated.filter(({ operator }) => BigInt(operator) !== 0n);
      return [{ signers, blockNumber: Number(record["blockNumber"]) }];
    });
  }

  async anchorAt(logAnchor: Hex, logId: Hex, index: number): Promise<Anchor | null> {
    const answer = await this.#call(logAnchorInterface, logAnchor, "anchorAt", [logId, index]);
    return answer && { size: Number(answer[0]), root: lowerHex(answer[1]), blockNumber: Number(answer[2]) };
  }

  async anchoredIn(logAnchor: Hex, logId: Hex, blockNumber: number): Promise<readonly Anchor[]> {
    // By the block's hash: the answer is about the block as of the head that was fixed, or none.
    const blockHash = await this.blockHash(blockNumber);
    if (blockHash === null) return [];
    const topics = [logAnchorInterface.getEvent("Anchored")?.topicHash, logId];
    const logs = (await this.#ask("eth_getLogs", [{ address: logAnchor, blockHash, topics }])) as readonly {
      data: string;
      topics: readonly string[];
    }[];
    return logs.map((log) => {
      const [, size, root] = logAnchorInterface.decodeEventLog("Anchored", log.data, log.topics);
      return { size: Number(size), root: lowerHex(root), blockNumber };
    });
  }

  async firstAnchorCovering(logAnchor: Hex, logId: Hex, leafIndex: number): Promise<number | null> {
    const answer = await this.#call(logAnchorInterface, logAnchor, "firstAnchorCovering", [logId, leafIndex]);
    return answer && Number(answer[0]);
  }

  async signingKeyValidAt(
    agentRegistry: Hex,
    agent: Hex,
    signingKey: Hex,
    blockNumber: number,
  ): Promise<boolean | null> {
    const args = [agent, signingKey, blockNumber];
    const answer = await this.#call(agentRegistryInterface, agentRegistry, "signingKeyValidAt", args);
    return answer && (answer[0] as boolean);
  }

  async isActive(agentRegistry: Hex, agent: Hex): Promise<boolean | null> {
    const answer = await this.#call(agentRegistryInterface, agentRegistry, "isActive", [agent]);
    return answer && (answer[0] as boolean);
  }

  async revokedAtBlock(contractRegistry: Hex, agent: Hex, contractId: Hex): Promise<number | null> {
    const answer = await this.#call(contractRegistryInterface, contractRegistry, "revokedAtBlock", [agent, contractId]);
    return answer && Number(answer[0]) !== 0 ? Number(answer[0]) : null;
  }

  async policyInForce(policyRegistry: Hex, agent: Hex, blockNumber: number): Promise<PolicyVersion | null> {
    const answer = await this.#call(policyRegistryInterface, policyRegistry, "inForce", [agent, blockNumber]);
    if (!answer || Number(answer[1]) === 0) return null;
    return { policyHash: lowerHex(answer[0]), version: Number(answer[1]), sinceBlock: Number(answer[2]) };
  }

  async groupEpoch(keyEscrow: Hex, group: Hex, epoch: number): Promise<GroupEpoch | null> {
    const ask = (name: string, args: readonly unknown[]) => this.#call(keyEscrowInterface, keyEscrow, name, args);
    const [record, next, holders, place, registry] = await Promise.all([
      ask("epochOf", [group, epoch]),
      ask("epochOf", [group, epoch + 1]),
      ask("membersOfEpoch", [group, epoch]),
      ask("groupOf", [group]),
      ask("attestationRegistry", []),
    ]);
    if (!record || !holders || !place || !registry) return null;
    type Record = { keyCommitment: string; publishedAtBlock: bigint };
    const { keyCommitment, publishedAtBlock } = record[0] as Record;
    return {
      keyCommitment: lowerHex(keyCommitment),
      publishedAtBlock: Number(publishedAtBlock),
      nextPublishedAtBlock: next ? Number((next[0] as Record).publishedAtBlock) : null,
      graceBlocks: Number(place[1]),
      holders: (holders[0] as readonly string[]).map(lowerHex),
      attestationRegistry: lowerHex(registry[0]),
    };
  }

  async attestationAt(attestationRegistry: Hex, agent: Hex, blockNumber: number): Promise<AttestationAt | null> {
    const answer = await this.#call(attestationInterface, attestationRegistry, "statusAt", [agent, blockNumber]);
    const standing = answer?.[0] as Readonly<Record<string, bigint>> | undefined;
    const count = (name: string): number => Number(standing?.[name]);
    const [status, tier] = [attestationStatuses[count("status")], assuranceTiers[count("tier")]];
    if (status === undefined || tier === undefined) return null;
    const [version, sinceBlock, expiresAtBlock] = [count("version"), count("sinceBlock"), count("expiresAtBlock")];
    return { status, tier, version, sinceBlock, expiresAtBlock, recordIndex: count("recordIndex") };
  }

  attestersOf(attestationRegistry: Hex, recordIndex: number): Promise<readonly Hex[] | null> {
    const key = `${attestationRegistry} ${recordIndex}`;
    const known = this.#attesters.get(key) ?? this.#attestersOf(attestationRegistry, recordIndex);
    this.#attesters.set(key, known);
    return known;
  }

  async #attestersOf(attestationRegistry: Hex, recordIndex: number): Promise<readonly Hex[] | null> {
    let index = recordIndex;
    for (;;) {
      const answer = await this.#call(attestationInterface, attestationRegistry, "records", [index, 1]);
      const word = (answer?.[0] as readonly bigint[] | undefined)?.[0];
      if (word === undefined) return null;
      const { kind, previous, blockNumber } = unpackRecord(word);
      if (kind !== "struck") return this.#passesOf(attestationRegistry, index, blockNumber);
      // A strike leaves trust as it was: the verification is in a record before.
      index = previous;
    }
  }

  async #passesOf(attestationRegistry: Hex, index: number, blockNumber: number): Promise<readonly Hex[] | null> {
    const blockHash = await this.blockHash(blockNumber);
    if (blockHash === null) return null;
    const topics = [attestationEvents.getEvent("AttestationRecorded")?.topicHash, null, null, toBeHex(index, 32)];
    const [log] = (await this.#ask("eth_getLogs", [{ address: attestationRegistry, blockHash, topics }])) as readonly {
      data: string;
      topics: readonly string[];
    }[];
    if (!log) return null;
    const { verdicts } = attestationEvents.decodeEventLog("AttestationRecorded", log.data, log.topics);
    return unpackVerdicts([...(verdicts as Hex[])])
      .filter(({ result }) => result === "pass")
      .map(({ verifier }) => lowerHex(verifier));
  }

  /** @returns null if the contract reverts, or there is none that answers in this form */
  async #call(abi: Interface, to: Hex, name: string, args: readonly unknown[]): Promise<readonly unknown[] | null> {
    try {
      const data = abi.encodeFunctionData(name, args);
      return abi.decodeFunctionResult(name, (await this.#asOfHead("eth_call", { to, data })) as string);
    } catch (error) {
      const cause = error instanceof AffiantError ? error.cause : error;
      if (isError(cause, "CALL_EXCEPTION") || isError(cause, "BAD_DATA")) return null;
      throw error;
    }
  }

  async #block(tag: string): Promise<Block | null> {
    const block = (await this.#ask("eth_getBlockByNumber", [tag, false])) as Header | null;
    return block && { blockNumber: Number(block.number), blockHash: block.hash, timeSec: Number(block.timestamp) };
  }

  async #asOfHead(method: string, ...params: readonly unknown[]): Promise<unknown> {
    return this.#ask(method, [...params, toQuantity((await this.head()).blockNumber)]);
  }

  #ask(method: string, params: readonly unknown[]): Promise<unknown> {
    const key = JSON.stringify([method, params]);
    let answer = this.#answers.get(key);
    if (!answer) {
      const ask = () => this.#provider.send(method, [...params]);
      answer = askUntilAnswered(ask, this.#attempts).catch((cause: unknown) => {
        throw unavailable(method, cause);
      });
      this.#answers.set(key, answer);
    }
    return answer;
  }
}

/** What ethers calls an answer: asked again, the node would say the same. */
const answers = ["CALL_EXCEPTION", "BAD_DATA", "UNSUPPORTED_OPERATION", "INVALID_ARGUMENT", "UNKNOWN_ERROR"];

/** Public endpoints lose answers; an audit of many questions would hardly ever end if one lost answer ended it. */
async function askUntilAnswered<T>(ask: () => Promise<T>, attempts: number): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await ask();
    } catch (error) {
      const { code } = error as { readonly code?: unknown };
      if (made >= attempts || answers.includes(String(code))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50 * 2 ** made));
    }
  }
}

function unavailable(what: string, cause: unknown): AffiantError {
  const reason =
    cause instanceof Error ? ((cause as { shortMessage?: string }).shortMessage ?? cause.message) : String(cause);
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint did not answer (${what}): ${reason}`, {
    cause,
    hint: "Check the address of the endpoint, and that it serves the block's state.",
  });
}

function lowerHex(value: unknown): Hex {
  return (value as string).toLowerCase() as Hex;
}
