import type { DatabaseSync, StatementSync } from "node:sqlite";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** The statements over the table `lane`: the next nonce of each sender key, and who wrote to it last. */
export class LaneTable {
  readonly #read: StatementSync;
  readonly #setNonce: StatementSync;
  readonly #setFence: StatementSync;

  constructor(sql: DatabaseSync) {
    this.#read = sql.prepare("SELECT next_nonce AS nextNonce, fence FROM lane WHERE address = ?");
    this.#setNonce = sql.prepare(
      "INSERT INTO lane (address, next_nonce) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET next_nonce = excluded.next_nonce",
    );
    this.#setFence = sql.prepare(
      "INSERT INTO lane (address, next_nonce, fence) VALUES (?, 0, ?) ON CONFLICT (address) DO UPDATE SET fence = excluded.fence",
    );
  }

  nextNonce(address: string): number {
    return (this.#read.get(address) as { nextNonce: number } | undefined)?.nextNonce ?? 0;
  }

  setNextNonce(address: string, nonce: number): void {
    this.#setNonce.run(address, nonce);
  }

  fence(address: string): number {
    return (this.#read.get(address) as { fence: number } | undefined)?.fence ?? 0;
  }

  /**
   * To be called inside a transaction, before it writes.
   * @throws AffiantError ERR_CONFLICT_LANE_LOST if a higher token was seen: somebody else leads the lane now
   */
  enter(address: string, token: number): void {
    const fence = this.fence(address);
    if (token < fence) {
      throw new AffiantError("ERR_CONFLICT_LANE_LOST", `lane ${address} is led under token ${fence}, not ${token}`);
    }
    if (token > fence) this.#setFence.run(address, token);
  }
}
