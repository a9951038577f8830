import type { Hex } from "../../protocol/encoding/hex.ts";

/** What the orchestrator asks of a wrapper, over the channel between parent and child. Each is answered. */
export type WrapperCommand =
  /** The program that runs now was attested: from now on it may open what is sealed to its evidence. */
  | { readonly do: "admit" }
  /** Say whether the program that runs now is one that was measured, and found to be what was enrolled. */
  | { readonly do: "vouch" }
  /** Hold the program where it is, measurable and silent, or let it go on. */
  | { readonly do: "isolate" }
  | { readonly do: "release" }
  /** Revoke contracts that the agent issued: SHA-256 in their CIDs. */
  | { readonly do: "revoke"; readonly contractIds: readonly Hex[] }
  /** End the program for good. The wrapper stays, to sign what is left to sign. */
  | { readonly do: "end-program" };

export interface NumberedCommand {
  readonly id: number;
  readonly command: WrapperCommand;
}

/** What a wrapper tells the orchestrator. */
export type WrapperMessage =
  | { readonly says: "answer"; readonly id: number; readonly error?: string; readonly code?: string }
  /** m of the version that was enrolled, once. */
  | { readonly says: "measured"; readonly measurement: Hex }
  /** What runs is not what was enrolled; the program is held. */
  | { readonly says: "changed" }
  | { readonly says: "program-ended"; readonly code: number | null; readonly signal: string | null }
  | { readonly says: "program-ready"; readonly pid: number };

/** What is not about a command or a measurement. */
export type WrapperNews = Exclude<WrapperMessage, { readonly says: "answer" | "measured" }>;

export function isWrapperMessage(value: unknown): value is WrapperMessage {
  return typeof value === "object" && value !== null && typeof (value as { says?: unknown }).says === "string";
}
