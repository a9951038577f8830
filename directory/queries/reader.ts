import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Row } from "../projections/projection.ts";
import { type BlockRow, type DirectoryStore, type PageOptions, rowName } from "../store/store.ts";

export type Finality = "latest" | "safe" | "finalized";

/** What an answer is of. */
export interface AnsweredBlock {
  readonly chainId: number;
  /** The newest block with anything of ours in it, or the newest there is, that is not after `asOf`. */
  readonly number: number;
  readonly hash: string;
  /** The state is that of this block: nothing of ours happened in between. */
  readonly asOf: number;
  readonly finality: Finality;
}

/** Reads rows as they were at one block. */
export class StateReader {
  readonly block: AnsweredBlock;
  readonly #store: DirectoryStore;

  private constructor(store: DirectoryStore, block: AnsweredBlock) {
    this.#store = store;
    this.block = block;
  }

  /** @throws AffiantError ERR_NOT_FOUND_BLOCK for a block that is not reached, or older than what is kept */
  static async at(store: DirectoryStore, chainId: number, asOf?: number): Promise<StateReader> {
    const state = await store.state(chainId);
    if (!state) throw notThere(`nothing is known of chain ${chainId} yet`);
    const { position, floor, finalizedNumber = -1, safeNumber = -1 } = state;
    const number = asOf ?? position.number;
    if (number > position.number) throw notThere(`block ${number} is not reached: the newest is ${position.number}`);
    const block = await store.blockAtOrBefore(chainId, number);
    if (!block || number < floor) throw notThere(`nothing is kept of block ${number}: the oldest is ${floor}`);
    const finality = number <= finalizedNumber ? "finalized" : number <= safeNumber ? "safe" : "latest";
    return new StateReader(store, { chainId, number: block.number, hash: block.hash, asOf: number, finality });
  }

  async row(projection: string, key: string): Promise<Row | undefined> {
    const ref = { projection, key };
    const found = await this.#store.rows(this.block.chainId, [ref], this.block.asOf);
    const text = found.get(rowName(ref));
    return text === undefined ? undefined : (JSON.parse(text) as Row);
  }

  async page(
    projection: string,
    options: PageOptions,
  ): Promise<readonly { readonly key: string; readonly row: Row }[]> {
    const found = await this.#store.page(this.block.chainId, projection, this.block.asOf, options);
    return found.map(({ key, value }) => ({ key, row: JSON.parse(value) as Row }));
  }

  /** Whether the block is still of the chain: what was read under it belongs together only then. */
  async stillHolds(): Promise<boolean> {
    const { chainId, number, hash } = this.block;
    const block: BlockRow | undefined = await this.#store.blockAtOrBefore(chainId, number);
    return block?.hash === hash;
  }
}

function notThere(message: string): AffiantError {
  return new AffiantError("ERR_NOT_FOUND_BLOCK", message);
}

/** Reads at one block, again where a reorganisation came between two of the questions. */
export async function readAt<T>(
  store: DirectoryStore,
  chainId: number,
  asOf: number | undefined,
  read: (reader: StateReader) => Promise<T>,
): Promise<{ readonly block: AnsweredBlock; readonly data: T }> {
  for (let tries = 0; tries < 5; tries++) {
    const reader = await StateReader.at(store, chainId, asOf);
    const data = await read(reader);
    if (await reader.stillHolds()) return { block: reader.block, data };
  }
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the chain is being reorganised");
}
