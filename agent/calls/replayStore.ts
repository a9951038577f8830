import { SqliteClaims } from "../../host/files/sqliteClaims.ts";

/**
 * Remembers which calls were accepted, until they would be refused as expired anyway. One file serves all instances of
 * an agent on a machine and survives restarts; another store (Redis, SQL) only has to keep `claim` atomic and durable.
 */
export interface ReplayStore {
  /**
   * Claims a call for execution. It is durable when this returns: a process that dies after it has *not* executed the
   * call a second time, at the price that the call may not have been executed at all.
   * @param id names the call; at most 256 characters
   * @param forgetAtSec Unix seconds after which nobody could present it again
   * @returns false if somebody claimed it before
   */
  claim(id: string, forgetAtSec: number, nowSec: number): boolean | Promise<boolean>;
}

export class SqliteReplayStore extends SqliteClaims implements ReplayStore {
  /** @param path of the database file; created if it is not there */
  constructor(path: string) {
    super(path, "claimed_call", true);
  }
}
