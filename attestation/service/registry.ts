import { setTimeout as sleep } from "node:timers/promises";

import { Contract, type TransactionReceipt, type TransactionResponse, type Wallet } from "ethers";

import {
  type AttestationStatus,
  attestationStatuses,
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

export interface AgentStanding {
  readonly status: AttestationStatus;
  readonly enrolment: number;
  readonly version: number;
  readonly commitment: Hex;
  readonly sinceBlock: number;
  readonly round: number;
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

  async silenceDelay(): Promise<number> {
    return Number(((await this.#ask("schedule")) as { silenceDelay: bigint }).silenceDelay);
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
