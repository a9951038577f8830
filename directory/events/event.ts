import type { Hex } from "../../protocol/encoding/hex.ts";

/** A value of an event, as JSON has it. Hex is lower case; whole numbers beyond 2^53 are decimal text. */
export type Value = string | number | boolean | readonly Value[] | { readonly [name: string]: Value };

/** A log of a contract that is followed, as the chain has it. What the store keeps: every other form can be made from it. */
export interface RawEvent {
  readonly blockNumber: number;
  readonly blockHash: Hex;
  readonly logIndex: number;
  readonly transactionHash: Hex;
  /** 20 bytes. */
  readonly address: Hex;
  /** 32 bytes each, up to four. */
  readonly topics: readonly Hex[];
  readonly data: Hex;
}

/** The same, read. */
export interface ChainEvent extends RawEvent {
  /** Which of our contracts: `agentRegistry`. */
  readonly contract: string;
  /** `PolicyCommitted`; `unknown` for what no version of the contract that is known here emits. */
  readonly name: string;
  readonly args: Readonly<Record<string, Value>>;
}
