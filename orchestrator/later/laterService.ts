import type { Endpoints } from "../start/endpoints.ts";

/** Where the system is, for a service that comes later. */
export interface LaterPlace {
  /** The pipeline's data folder. A service keeps what is its own in a folder of its name in there. */
  readonly dataDir: string;
  readonly endpoints: Endpoints;
  /** Where people and programs reach the service: the URL that it gives out as its own, without a slash at the end. */
  readonly publicUrl: string;
}

export interface OpenLaterService {
  /** Where it listens itself, on the loopback interface. */
  readonly port: number;
  close(): Promise<void>;
}

/**
 * A service that a pipeline does not need to come up: opened when it is first asked for. `open` imports what it is made of, so that
 * it costs nothing before: `open: async (place) => (await import("../../directory/open.ts")).openDirectory(place)`.
 */
export interface LaterService {
  /** Short, of lower-case letters: of its folder, of its line in the report, and in the log. */
  readonly name: string;
  /** What it is, in a few words for people. */
  readonly about: string;
  readonly open: (place: LaterPlace) => Promise<OpenLaterService>;
}

/** What the orchestrator says to the process of these services, and what it answers. */
export interface OpenRequest {
  readonly open: string;
  readonly place: LaterPlace;
}

export type OpenAnswer =
  { readonly opened: string; readonly port: number } | { readonly failed: string; readonly reason: string };

export function isOpenAnswer(message: unknown): message is OpenAnswer {
  return typeof message === "object" && message !== null && ("opened" in message || "failed" in message);
}
