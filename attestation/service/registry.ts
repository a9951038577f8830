import { setTimeout as sleep } from "node:timers/promises";

import { Contract, type TransactionReceipt, type TransactionResponse, type Wallet } from "ethers";

import { seatsOfWord, type SeatResults } from "../../protocol/attestation/hearing.ts";
import { unpackRecord } from "../../protocol/attestation/record.ts";
import {
  type AttestationRecordKind,
  type AttestationStatus,
  attestationStatuses,
  freshSeats,
  type RoundPhase,
  roundPhases,
} from "../../protocol/attestation/types.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

export interface RoundState {
  readonly number: number;
  readonly phase: RoundPhase;
  readonly secretCommitment: Hex;
  readonly seed: Hex;
  readonly size: number;
  readonly settled: number;
  readonly openedAtBlock: number;
  readonly drawBlock: number;
  readonly drawUntil: number;
  readonly silentFrom: number;
  readonly recordUntil: number;
}

/** What is on chain about a target of the open round; see `hearingOf`. */
export interface HearingState {
  readonly panel: SeatResults;
  readonly fresh: SeatResults;
  readonly consulted: number;
  readonly passedOver: number;
}

export interface AgentStanding {
  readonly status: AttestationStatus;
  readonly enrolment: number;
  readonly version: number;
  readonly commitment: Hex;
  readonly sinceBlock: number;
  readonly round: number;
  readonly recordIndex: number;
}

/** Carries calls of the registry to the chain, each until it is mined. */
export interface TransactionSender {
  /** @throws what the carrier throws; the call may or may not have been mined, so ask the chain before trying again */
  send(method: string, args: readonly unknown[]): Promise<{ readonly blockNumber: number; readonly gasUsed: bigint }>;
}

/** Sends from an account that pays and, for `enrol`, `retire` and `openRound`, holds the service's role. */
export function walletSender(address: string, wallet: Wallet): TransactionSender {
  const contract = new Contract(address, iAttestationRegistryAbi, wallet);
  // Broadcast one after the other, so that each takes the next nonce; mined together.
  let broadcast: Promise<unknown> = Promise.resolve();
  return {
    async send(method, args) {
      const sent = broadcast.then(() => contract.getFunction(method).send(...args));
      broadcast = sent.catch(() => undefined);
      const { blockNumber, gasUsed, status } = await minedReceipt(await sent);
      if (status !== 1) throw new Error(`${method} was mined and reverted`);
      return { blockNumber, gasUsed };
    },
  };
}

/**
 * Asks again and again. ethers' `wait` asks when it hears of another block: on a chain that mines only when there is
 * something to mine, the transaction's own block may pass between its two questions, and no other one comes.
 */
async function minedReceipt({ hash, provider }: TransactionResponse): Promise<TransactionReceipt> {
  const { pollingInterval = 1_000 } = provider as { readonly pollingInterval?: number };
  for (;;) {
    const receipt = await provider.getTransactionReceipt(hash);
    if (receipt) return receipt;
    await sleep(pollingInterval);
  }
}

/** Reads the registry. */
export class RegistryReader {
  readonly address: string;
  readonly #contract: Contract;

  constructor(contract: Contract, address: string) {
    this.#contract = contract;
    this.address = address;
  }

  async round(): Promise<RoundState | null> {
    const number = Number(await this.#ask("currentRound"));
    if (number === 0) return null;
    const state = (await this.#ask("roundAt", number)) as Record<string, unknown>;
    const count = (name: string): number => Number(state[name]);
    return {
      number,
      phase: roundPhases[count("phase")] ?? "none",
      secretCommitment: state["secretCommitment"] as Hex,
      seed: state["seed"] as Hex,
      size: count("size"),
      settled: count("settled"),
      openedAtBlock: count("openedAtBlock"),
      drawBlock: count("drawBlock"),
      drawUntil: count("drawUntil"),
      silentFrom: count("silentFrom"),
      recordUntil: count("recordUntil"),
    };
  }

  async standing(agent: string): Promise<AgentStanding> {
    const found = (await this.#ask("statusOf", agent)) as Record<string, unknown>;
    const count = (name: string): number => Number(found[name]);
    return {
      status: attestationStatuses[count("status")] ?? "none",
      enrolment: count("enrolment"),
      version: count("version"),
      commitment: found["commitment"] as Hex,
      sinceBlock: count("sinceBlock"),
      round: count("round"),
      recordIndex: count("recordIndex"),
    };
  }

  /** Kind of a record of the history. @param index from 1 */
  async recordKind(index: number): Promise<AttestationRecordKind> {
    const [word] = (await this.#ask("records", index, 1)) as [bigint];
    return unpackRecord(word).kind;
  }

  async hearingOf(target: string): Promise<HearingState> {
    const [panel, fresh, consulted, passedOver] = (await this.#ask("hearingOf", target)) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    return {
      panel: seatsOfWord(panel),
      fresh: seatsOfWord(fresh, freshSeats),
      consulted: Number(consulted),
      passedOver: Number(passedOver),
    };
  }

  async rosterAt(place: number): Promise<string> {
    return ((await this.#ask("rosterAt", place)) as [string, bigint])[0];
  }

  async rosterSize(): Promise<number> {
    return Number(await this.#ask("rosterSize"));
  }

  async panelOf(target: string): Promise<{ readonly verifiers: readonly string[]; readonly seats: number }> {
    const [verifiers, seats] = (await this.#ask("panelOf", target)) as [readonly string[], bigint];
    return { verifiers: [...verifiers], seats: Number(seats) };
  }

  async recordCountOf(agent: string): Promise<number> {
    return Number(((await this.#ask("recordsOf", agent)) as [bigint, bigint])[0]);
  }

  /** In blocks. */
  async schedule(): Promise<{ readonly silenceDelay: number; readonly revealDepth: number }> {
    const found = (await this.#ask("schedule")) as { silenceDelay: bigint; revealDepth: bigint };
    return { silenceDelay: Number(found.silenceDelay), revealDepth: Number(found.revealDepth) };
  }

  async introducer(): Promise<string> {
    return (await this.#ask("introducer")) as string;
  }

  async blockNumber(): Promise<number> {
    const { provider } = this.#contract.runner ?? {};
    if (!provider) throw new Error("the registry's contract has no provider");
    return provider.getBlockNumber();
  }

  #ask(method: string, ...args: unknown[]): Promise<unknown> {
    return this.#contract.getFunction(method).staticCall(...args) as Promise<unknown>;
  }
}
