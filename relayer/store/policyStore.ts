import type { StatementSync } from "node:sqlite";

import type { Database } from "./database.ts";

/** Policy bundles by hash, as the RFC 8785 text that the hash is over. */
export class PolicyStore {
  readonly #put: StatementSync;
  readonly #get: StatementSync;

  constructor({ sql }: Database) {
    this.#put = sql.prepare("INSERT OR IGNORE INTO policy (hash, bundle) VALUES (?, ?)");
    this.#get = sql.prepare("SELECT bundle FROM policy WHERE hash = ?");
  }

  /** @returns whether it was new */
  put(hash: Uint8Array, bundle: string): boolean {
    return this.#put.run(hash, bundle).changes === 1;
  }

  get(hash: Uint8Array): string | undefined {
    return (this.#get.get(hash) as { bundle: string } | undefined)?.bundle;
  }
}
