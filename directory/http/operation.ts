import type { DirectoryStore } from "../store/store.ts";
import type { Catalog } from "../discovery/catalog.ts";
import type { Commands } from "../commands/commands.ts";

/** What operations read. Query processes hold the store read-only and nothing of it in memory. */
export interface Service {
  readonly store: DirectoryStore;
  /** The chain that is meant where none is named. */
  readonly chainId: number;
  /** Where the service is reached, without a slash at the end. */
  readonly baseUrl: string;
  readonly catalog?: Catalog;
  readonly commands?: Commands;
}

/** Values of path and query, checked against their schemas: whole numbers are numbers. */
export type Parameters = Readonly<Record<string, string | number | undefined>>;

export interface Asked {
  readonly parameters: Parameters;
  readonly body: unknown;
  readonly idempotencyKey: string | undefined;
  /** Path and query as they were sent. */
  readonly url: string;
}

export interface Answered {
  readonly status?: number;
  readonly body: unknown;
  /** Default `application/json`. */
  readonly type?: string;
}

export interface ParameterSchema {
  readonly in: "path" | "query";
  readonly schema: object;
  readonly required?: boolean;
}

/** One thing that can be asked: what the description says of it, what is held to, and what answers, in one place. */
export interface Operation {
  readonly method: "GET" | "POST";
  /** `/v1/agents/{agent}`; `{rest}` at the end takes slashes too. */
  readonly path: string;
  readonly summary: string;
  readonly parameters?: Readonly<Record<string, ParameterSchema>>;
  readonly body?: object;
  readonly answer: object;
  /** Whether an Idempotency-Key must come with it. */
  readonly idempotent?: true;
  /** Refusals that are its own; 400, 403, 404, 429 and 503 can meet any. */
  readonly run: (service: Service, asked: Asked) => Promise<Answered>;
}
