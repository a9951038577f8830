import { type FileHandle, open, readFile, rename } from "node:fs/promises";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { JsonRpc } from "./jsonRpc.ts";

/** What makes a block: mined again from the same parent at the same time with the same transactions, it is the same block. */
export interface JournaledBlock {
  readonly number: number;
  readonly timestamp: number;
  readonly hash: Hex;
  /** Signed, in their order. */
  readonly transactions: readonly Hex[];
}

/**
 * The blocks since the state was last saved, one line each, on the disk before the next block is mined. Saving the whole
 * state after every block would cost more than all that is in it.
 */
export class BlockJournal {
  readonly #path: string;
  #file: FileHandle;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<BlockJournal> {
    return new BlockJournal(path, await open(path, "a", 0o600));
  }

  async add(block: JournaledBlock): Promise<void> {
    await this.#file.appendFile(`${JSON.stringify(block)}\n`);
    await this.#file.datasync();
  }

  /** The state was saved: what is before it is not needed any more. A crash in between leaves lines that are passed over. */
  async clear(): Promise<void> {
    const next = await open(`${this.#path}.new`, "w", 0o600);
    await rename(`${this.#path}.new`, this.#path);
    await this.#file.close();
    this.#file = next;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

/** Whole lines only: what a crash cut off was not yet a block that anybody was told of. @throws AffiantError ERR_INPUT_FILE */
export async function readJournal(path: string): Promise<readonly JournaledBlock[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as JournaledBlock;
    } catch (cause) {
      throw damaged(path, `line ${i + 1} is no block`, cause);
    }
  });
}

/** The newest block of a chain as the journal keeps it. */
export async function newestBlock(rpc: JsonRpc): Promise<JournaledBlock> {
  const block = (await rpc("eth_getBlockByNumber", "latest", false)) as {
    readonly number: Hex;
    readonly timestamp: Hex;
    readonly hash: Hex;
    readonly transactions: readonly Hex[];
  };
  const transactions = await Promise.all(
    block.transactions.map((hash) => rpc("eth_getRawTransactionByHash", hash) as Promise<Hex>),
  );
  return { number: Number(block.number), timestamp: Number(block.timestamp), hash: block.hash, transactions };
}

/**
 * Mines the journal's blocks again, on top of the state that was saved.
 * @throws AffiantError ERR_INPUT_FILE if that does not lead to the same blocks
 */
export async function replay(rpc: JsonRpc, path: string): Promise<void> {
  let { number: head, timestamp } = await newestBlock(rpc);
  const blocks = (await readJournal(path)).filter(({ number }) => number > head);
  if (blocks.length === 0) return;
  // anvil counts from the moment it started, and takes no block that is older.
  await rpc("evm_setTime", timestamp);
  for (const block of blocks) {
    const mined = await mineAgain(rpc, block).catch((cause: unknown) => {
      throw damaged(path, `block ${block.number} cannot be mined again`, cause);
    });
    if (mined.number !== head + 1 || mined.hash !== block.hash) {
      throw damaged(path, `block ${block.number} cannot be mined again as it was`);
    }
    head = mined.number;
    timestamp = mined.timestamp;
  }
  await rpc("evm_setTime", Math.max(timestamp, Math.floor(Date.now() / 1_000)));
}

async function mineAgain(rpc: JsonRpc, block: JournaledBlock): Promise<JournaledBlock> {
  for (const raw of block.transactions) await rpc("eth_sendRawTransaction", raw);
  await rpc("evm_mine", block.timestamp);
  return newestBlock(rpc);
}

function damaged(path: string, what: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_FILE", `${path}, the newest blocks of the local chain, is damaged: ${what}`, {
    cause,
  });
}
