import { createHash, randomBytes } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";

import type { LoginStatement } from "../../protocol/access/statement.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface LoginSession {
  readonly statement: LoginStatement;
  readonly commitment?: string;
  /** Whether the request for the challenge came with a proof of the DPoP key: then the answer has to, too. */
  readonly proofOfKey: boolean;
}

export interface LoginSessionLimits {
  /** Challenges that wait for an answer, at most. */
  readonly most: number;
}

/** Challenges that were given and not yet answered. Each is good for one answer, right or wrong, of who asked for it. */
export class LoginSessions {
  readonly #db: DatabaseSync;
  readonly #limits: LoginSessionLimits;
  readonly #nowSec: () => number;
  readonly #insert;
  readonly #count;
  readonly #prune;
  readonly #find;
  readonly #take;

  constructor(db: DatabaseSync, limits: LoginSessionLimits, nowSec: () => number) {
    this.#db = db;
    this.#limits = limits;
    this.#nowSec = nowSec;
    this.#insert = db.prepare("INSERT INTO login_session VALUES (?, ?, ?, ?, ?)");
    this.#count = db.prepare("SELECT count(*) AS n FROM login_session");
    this.#prune = db.prepare("DELETE FROM login_session WHERE expires_at_sec <= ?");
    this.#find = db.prepare(
      "SELECT statement, commitment, proof_of_key FROM login_session WHERE id = ? AND expires_at_sec > ?",
    );
    this.#take = db.prepare("DELETE FROM login_session WHERE id = ? AND expires_at_sec > ?");
  }

  /** @returns 32 random bytes, base64url: who has them goes on with the login. @throws AffiantError ERR_UNAVAILABLE_QUEUE */
  open({ statement, commitment, proofOfKey }: LoginSession): string {
    let { n } = this.#count.get() as { n: number };
    if (n >= this.#limits.most) {
      this.#prune.run(this.#nowSec());
      ({ n } = this.#count.get() as { n: number });
    }
    if (n >= this.#limits.most)
      throw new AffiantError("ERR_UNAVAILABLE_QUEUE", "too many challenges wait for an answer");
    const secret = randomBytes(32).toString("base64url");
    this.#insert.run(
      keyOf(secret),
      JSON.stringify(statement),
      commitment ?? null,
      Number(proofOfKey),
      statement.expiresAtSec,
    );
    return secret;
  }

  /** The session, still open; undefined if there is none, or it has ended. @param secret of unknown form */
  find(secret: string): LoginSession | undefined {
    const row = this.#find.get(keyOf(secret), this.#nowSec()) as
      { statement: string; commitment: string | null; proof_of_key: number } | undefined;
    if (!row) return undefined;
    return {
      statement: JSON.parse(row.statement) as LoginStatement,
      proofOfKey: row.proof_of_key === 1,
      ...(row.commitment === null ? {} : { commitment: row.commitment }),
    };
  }

  /** Uses the session up. @returns false if somebody was faster */
  take(secret: string): boolean {
    return this.#take.run(keyOf(secret), this.#nowSec()).changes === 1;
  }
}

/** What is on disk does not let its reader go on with a login. */
function keyOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
