import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { StatementSync } from "node:sqlite";

import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Database } from "../store/database.ts";

export const admissionModes = ["open", "ticket", "allow-list"] as const;
export type AdmissionMode = (typeof admissionModes)[number];

export interface AdmissionOptions {
  readonly mode: AdmissionMode;
  /** Addresses that are admitted, one a line; read for each newcomer, so that a change holds at once. */
  readonly listFile: string | undefined;
  readonly chainId: number;
  readonly now: () => number;
}

/** A ticket as its operator issues it. */
export interface TicketTerms {
  /** Lower-case address of the only agent it admits; null: whoever comes with it first. */
  readonly agent: string | null;
  readonly expiresAtMs: number;
}

interface TicketRow {
  readonly agent: string | null;
  readonly expiresAtMs: number;
  readonly usedBy: string | null;
}

/**
 * Who may begin to use this relayer. An agent for which it has carried a call, or that has entries in the log, is no newcomer;
 * for the others the mode says what they need. What it keeps is in the database: processes that share it share this.
 */
export class Admission {
  readonly #database: Database;
  readonly #options: AdmissionOptions;
  readonly #hasJob: StatementSync;
  readonly #hasEntries: StatementSync;
  readonly #ticket: StatementSync;
  readonly #use: StatementSync;

  constructor(database: Database, options: AdmissionOptions) {
    const { sql } = database;
    this.#database = database;
    this.#options = options;
    this.#hasJob = sql.prepare("SELECT 1 FROM job WHERE agent = ? LIMIT 1");
    this.#hasEntries = sql.prepare("SELECT 1 FROM agent WHERE did = ?");
    this.#ticket = sql.prepare(
      "SELECT agent, expires_at_ms AS expiresAtMs, used_by AS usedBy FROM admission_ticket WHERE id = ?",
    );
    this.#use = sql.prepare("UPDATE admission_ticket SET used_by = ? WHERE id = ? AND used_by IS NULL");
  }

  /**
   * What an agent's first entry is refused with; a ticket is used by its first call, which comes before that.
   * @param agent lower-case address
   */
  refusalOf(agent: string): AffiantError | undefined {
    if (this.#options.mode === "open" || this.#isKnown(agent) || this.#isListed(agent)) return undefined;
    return notAdmitted("the agent is new here, and this relayer does not take everybody");
  }

  /**
   * Admits an agent whose call is about to be journalled; a ticket is used up by that. Called in an open transaction.
   * @param agent lower-case address
   * @returns ERR_AUTH_ADMISSION without what it needs, ERR_AUTH_TICKET, ERR_CONFLICT_TICKET_USED
   */
  admit(agent: string, ticket: string | undefined): AffiantError | undefined {
    if (this.#options.mode !== "ticket" || ticket === undefined) return this.refusalOf(agent);
    if (this.#isKnown(agent) || this.#isListed(agent)) return undefined;
    const id = idOf(ticket);
    const row = this.#ticket.get(id) as TicketRow | undefined;
    if (!row || row.expiresAtMs <= this.#options.now() || (row.agent !== null && row.agent !== agent)) {
      return new AffiantError(
        "ERR_AUTH_TICKET",
        "no such ticket was given out, it is for another agent, or it is over",
      );
    }
    if (this.#use.run(agent, id).changes === 1) return undefined;
    return new AffiantError("ERR_CONFLICT_TICKET_USED", "the ticket was used before");
  }

  #isKnown(agent: string): boolean {
    if (this.#hasJob.get(agent)) return true;
    return this.#hasEntries.get(formatEthrDid(BigInt(this.#options.chainId), agent)) !== undefined;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_STORAGE if the file cannot be read: nobody is admitted by a file that is gone */
  #isListed(agent: string): boolean {
    const { listFile } = this.#options;
    return listFile !== undefined && readAllowList(listFile).has(agent);
  }
}

/** @returns lower-case addresses. @throws AffiantError ERR_UNAVAILABLE_STORAGE */
function readAllowList(file: string): ReadonlySet<string> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_STORAGE", "the list of admitted agents cannot be read", { cause });
  }
  return new Set(text.split("\n").map((line) => (line.split("#")[0] ?? "").trim().toLowerCase()));
}

/**
 * Issues a ticket. Its secret is not kept.
 * @returns the secret, 32 bytes
 */
export function issueTicket(database: Database, { agent, expiresAtMs }: TicketTerms): Hex {
  const secret = toHex(randomBytes(32));
  const insert = database.sql.prepare("INSERT INTO admission_ticket (id, agent, expires_at_ms) VALUES (?, ?, ?)");
  database.transaction("admission.ticket", () => insert.run(idOf(secret), agent?.toLowerCase() ?? null, expiresAtMs));
  return secret;
}

function idOf(ticket: string): Uint8Array {
  return createHash("sha256").update(ticket, "utf8").digest();
}

function notAdmitted(message: string): AffiantError {
  return new AffiantError("ERR_AUTH_ADMISSION", message, {
    hint: "Its operator gives out tickets (Admission-Ticket), or puts the agent on the list.",
  });
}
