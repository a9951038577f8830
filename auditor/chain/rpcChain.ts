import { Interface, type InterfaceAbi, keccak256, toBeHex } from "ethers";

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
import { namesSelector } from "../../protocol/jsonRpc/codeHashProbe.ts";
import { mayHold } from "./bloom.ts";
import { Questions } from "./questions.ts";
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

interface RawLog {
  readonly data: string;
  readonly topics: readonly string[];
}

/** keccak256("eip1967.proxy.implementation") − 1 (ERC-1967). */
const implementationSlot = "0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc";

export interface RpcChainOptions {
  /** Calls in one JSON-RPC batch at first, default 100; halved for endpoints that take fewer, or none. */
  readonly batchMaxCount?: number;
  /** Of one HTTP request; default 30,000. */
  readonly timeoutMs?: number;
  /** How often a question is asked that gets no answer, default 8. Only a contract's word is an answer, not an error of the node. */
  readonly attempts?: number;
  /** Before the second attempt; twice as long before each later one. Default 50. */
  readonly firstPauseMs?: number;
  /** No pause is longer, whatever the endpoint asks for. Default 5,000. */
  readonly maxPauseMs?: number;
}

type Head = Awaited<ReturnType<ChainReader["head"]>>;
/** What is read of a block's header, as JSON-RPC has it. */

/**
 * A chain behind a plain JSON-RPC endpoint: `eth_chainId`, `eth_call`, `eth_getBlockByNumber`, `eth_getLogs` of one block,
 * `eth_getCode` and `eth_getStorageAt`. Everything is asked as of the block that was the head at the first question, so that a chain that
 * moves on meanwhile cannot answer half before a change and half after. Every question is asked once, and the questions
 * of one turn of the event loop travel in batches.
 */
export class RpcChain implements ChainReader {
  readonly #questions: Questions;
  readonly #chainId: number;
  readonly #attesters = new Map<string, Promise<readonly Hex[] | null>>();

  private constructor(questions: Questions, chainId: number) {
    this.#questions = questions;
    this.#chainId = chainId;
  }

  /**
   * @param url http(s) address of the endpoint
   * @throws AffiantError ERR_INPUT_CONFIG for what is no such address, ERR_UNAVAILABLE_CHAIN if nothing answers there
   */
  static async open(url: string, options: RpcChainOptions = {}): Promise<RpcChain> {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new AffiantError("ERR_INPUT_CONFIG", `not an http or https address of a JSON-RPC endpoint: ${url}`);
    }
    const { batchMaxCount = 100, timeoutMs = 30_000, attempts = 8, firstPauseMs = 50, maxPauseMs = 5_000 } = options;
    const questions = new Questions(url, { batchLimit: batchMaxCount, timeoutMs, attempts, firstPauseMs, maxPauseMs });
    return new RpcChain(questions, await questions.chainId());
  }

  /** Nothing is held open between questions. */
  close(): void {
    this.#attesters.clear();
  }

  chainId(): Promise<number> {
    return Promise.resolve(this.#chainId);
  }

  async head(): Promise<Head> {
    const { number, hash } = await this.#questions.head();
    return { blockNumber: number, blockHash: hash };
  }

  isHeadThere(): Promise<boolean> {
    return this.#questions.isHeadThere();
  }

  async blockHash(blockNumber: number): Promise<Hex | null> {
    // A block above the head that was fixed may exist by now, but not as of that head.
    if (blockNumber > (await this.head()).blockNumber) return null;
    return (await this.#questions.block(blockNumber)).hash;
  }

  async blockTimeSec(blockNumber: number): Promise<number | null> {
    if (blockNumber > (await this.head()).blockNumber) return null;
    return (await this.#questions.block(blockNumber)).timeSec;
  }

  async codeHash(address: Hex): Promise<Hex | null> {
    const code = await this.#questions.code(address);
    return code === "0x" ? null : (keccak256(code) as Hex);
  }

  async implementationOf(address: Hex): Promise<Hex | null> {
    const word = (await this.#questions.asOfHead("eth_getStorageAt", address, implementationSlot)) as string;
    return BigInt(word) === 0n ? null : (toBeHex(BigInt(word), 32).replace(/^0x.{24}/, "0x") as Hex);
  }

  async agentRegistryOf(registry: Hex): Promise<Hex | null> {
    const answer = await this.#callAnything(policyRegistryInterface, registry, "agentRegistry", []);
    return answer ? lowerHex(answer[0]) : null;
  }

  async logOf(logAnchor: Hex, logId: Hex): Promise<RegisteredLog | null> {
    const [log, operators, keys, equivocations] = await Promise.all(
      ["logOf", "operatorsOf", "noteKeysOf", "equivocationCount"].map((name) => {
        return this.#callAnything(logAnchorInterface, logAnchor, name, [logId], ["UnknownLog"]);
      }),
    );
    if (!log || !operators || !keys || !equivocations) return null;
    const sizes = await this.#handoverSizes(logAnchor, logId);
    return {
      operators: (operators[0] as readonly string[]).map(lowerHex),
      ...(sizes ? { handoverSizes: (sizes[0] as readonly bigint[]).map(Number) } : {}),
      equivocations: await this.#equivocations(logAnchor, logId, Number(equivocations[0])),
      noteKeys: (keys[0] as readonly string[]).map(lowerHex),
      origin: log[2] as string,
      equivocationCount: Number(equivocations[0]),
    };
  }

  /** Null only where the code has no such function, as a LogAnchor from before: no answer is not "for any size". */
  async #handoverSizes(logAnchor: Hex, logId: Hex): Promise<readonly unknown[] | null> {
    const { selector } = logAnchorInterface.getFunction("handoverSizesOf") ?? { selector: "" };
    if (!namesSelector(await this.#questions.code(logAnchor), selector)) return null;
    return this.#call(logAnchorInterface, logAnchor, "handoverSizesOf", [logId]);
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
    const refusals = ["UnknownAnchor", "UnknownLog"];
    const answer = await this.#call(logAnchorInterface, logAnchor, "anchorAt", [logId, index], refusals);
    return answer && { size: Number(answer[0]), root: lowerHex(answer[1]), blockNumber: Number(answer[2]) };
  }

  async anchoredIn(logAnchor: Hex, logId: Hex, blockNumber: number): Promise<readonly Anchor[]> {
    // By the block's hash: the answer is about the block as of the head that was fixed, or none.
    if (blockNumber > (await this.head()).blockNumber) return [];
    const { hash: blockHash, logsBloom } = await this.#questions.block(blockNumber);
    const topics = [logAnchorInterface.getEvent("Anchored")?.topicHash ?? "", logId];
    const logs = (await this.#questions.ask("eth_getLogs", [{ address: logAnchor, blockHash, topics }])) as RawLog[];
    if (logs.length === 0 && logsBloom !== undefined && mayHold(logsBloom, [logAnchor, ...topics])) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the endpoint keeps no events of block ${blockNumber}`);
    }
    return logs.map((log) => {
      const [, size, root] = logAnchorInterface.decodeEventLog("Anchored", log.data, log.topics);
      return { size: Number(size), root: lowerHex(root), blockNumber };
    });
  }

  async firstAnchorCovering(logAnchor: Hex, logId: Hex, leafIndex: number): Promise<number | null> {
    const refusals = ["NoAnchorCovers", "NothingAnchored", "UnknownLog"];
    const answer = await this.#call(logAnchorInterface, logAnchor, "firstAnchorCovering", [logId, leafIndex], refusals);
    return answer && Number(answer[0]);
  }

  async signingKeyValidAt(
    agentRegistry: Hex,
    agent: Hex,
    signingKey: Hex,
    blockNumber: number,
  ): Promise<boolean | null> {
    const args = [agent, signingKey, blockNumber];
    const answer = await this.#callAnything(agentRegistryInterface, agentRegistry, "signingKeyValidAt", args);
    return answer && (answer[0] as boolean);
  }

  async isActive(agentRegistry: Hex, agent: Hex): Promise<boolean | null> {
    const answer = await this.#callAnything(agentRegistryInterface, agentRegistry, "isActive", [agent]);
    return answer && (answer[0] as boolean);
  }

  async revokedAtBlock(contractRegistry: Hex, agent: Hex, contractId: Hex): Promise<number | null> {
    const answer = await this.#call(contractRegistryInterface, contractRegistry, "revokedAtBlock", [agent, contractId]);
    // Zero is "not revoked", and nothing else is.
    return BigInt(answer?.[0] as bigint) === 0n ? null : Number(answer?.[0]);
  }

  async policyInForce(policyRegistry: Hex, agent: Hex, blockNumber: number): Promise<PolicyVersion | null> {
    const answer = await this.#callAnything(policyRegistryInterface, policyRegistry, "inForce", [agent, blockNumber]);
    if (!answer || Number(answer[1]) === 0) return null;
    return { policyHash: lowerHex(answer[0]), version: Number(answer[1]), sinceBlock: Number(answer[2]) };
  }

  async groupEpoch(keyEscrow: Hex, group: Hex, epoch: number): Promise<GroupEpoch | null> {
    const refusals = ["NoSuchEpoch", "NoSuchGroup"];
    const ask = (name: string, args: readonly unknown[]) =>
      this.#call(keyEscrowInterface, keyEscrow, name, args, refusals);
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
    // A status of a later version: none that this one can judge by.
    if (status === undefined || tier === undefined) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the attestation registry tells a status that is unknown here");
    }
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
    const filter = { address: attestationRegistry, blockHash, topics };
    const [log] = (await this.#questions.ask("eth_getLogs", [filter])) as RawLog[];
    if (!log) return null;
    const { verdicts } = attestationEvents.decodeEventLog("AttestationRecorded", log.data, log.topics);
    return unpackVerdicts([...(verdicts as Hex[])])
      .filter(({ result }) => result === "pass")
      .map(({ verifier }) => lowerHex(verifier));
  }

  /**
   * @param refusals custom errors of the function that say "there is no such thing"
   * @returns null if the contract says so
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN if nothing of the kind that this contract can say comes back
   */
  async #call(
    abi: Interface,
    to: Hex,
    name: string,
    args: readonly unknown[],
    refusals: readonly string[] = [],
  ): Promise<readonly unknown[] | null> {
    const word = await this.#questions.call(abi, to, name, args, refusals);
    if (word === "refused") return null;
    if (word !== "foreign") return word;
    throw new AffiantError(
      "ERR_UNAVAILABLE_CHAIN",
      `what is at ${to} does not answer ${name} as a contract of ours does`,
    );
  }

  /** The same where a contract that is none of ours, or no contract at all, counts as "there is no such thing". */
  async #callAnything(
    abi: Interface,
    to: Hex,
    name: string,
    args: readonly unknown[],
    refusals: readonly string[] = [],
  ): Promise<readonly unknown[] | null> {
    const word = await this.#questions.call(abi, to, name, args, refusals);
    return word === "refused" || word === "foreign" ? null : word;
  }
}

function lowerHex(value: unknown): Hex {
  return (value as string).toLowerCase() as Hex;
}
