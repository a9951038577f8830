import type { DatabaseSync, StatementSync } from "node:sqlite";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { holdsExpression } from "../store/rows/tables.ts";
import { rowAltered } from "../store/rows/rowAltered.ts";

/** The statements over the table `lane`: the next nonce of each sender key, and who wrote to it last. */
export class LaneTable {
  readonly #read: StatementSync;
  readonly #setNonce: StatementSync;
  readonly #setFence: StatementSync;

  constructor(sql: DatabaseSync) {
    const holds = holdsExpression(sql, "lane");
    this.#read = sql.prepare(`SELECT next_nonce AS nextNonce, fence, ${holds} AS holds FROM lane WHERE address = ?`);
    this.#setNonce = sql.prepare(
      "INSERT INTO lane (address, next_nonce) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET next_nonce = excluded.next_nonce",
    );
    this.#setFence = sql.prepare(
      "INSERT INTO lane (address, next_nonce, fence) VALUES (?, 0, ?) ON CONFLICT (address) DO UPDATE SET fence = excluded.fence",
    );
  }

  /** What is signed next depends on it. @throws AffiantError ERR_CONFLICT_ROW_ALTERED if it is not what this relayer wrote */
  nextNonce(address: string): number {
    const row = this.#read.get(address) as { nextNonce: number; holds: number } | undefined;
    if (row && row.holds !== 1) throw rowAltered("lane", address);
    return row?.nextNonce ?? 0;
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
