import { fromHex, type Hex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import type { Encapsulated } from "../hpke/hpke.ts";

/**
 * What a wrapped program and its wrapper say to each other: JSON lines over a socket that the program inherits, whose
 * descriptor stands in `AFFIANT_KEY_FD`. Every answer has the id of its request.
 *
 *     {"id":1,"op":"rounds"}                                            → {"id":1,"rounds":[7,6,0]}
 *     {"id":2,"op":"decapsulate","round":7,"enc":"0x…","senderKey":"0x…"} → {"id":2,"secret":"0x…"} | {"id":2,"code":"ERR_…"}
 */
export type HatchRequest = { readonly id: number } & (
  { readonly op: "rounds" } | ({ readonly op: "decapsulate"; readonly round: number } & Encapsulated)
);

export interface HatchAnswer {
  readonly id: number;
  readonly rounds?: readonly number[];
  readonly secret?: Hex;
  readonly code?: string;
}

/** Environment variable with the number of the descriptor. */
export const hatchVariable = "AFFIANT_KEY_FD";
/** Longest line, in characters. */
export const maxHatchLine = 4_096;

/** @throws AffiantError ERR_INPUT_MALFORMED, ERR_INPUT_ENCODING */
export function readHatchRequest(line: string): HatchRequest {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(line) as Record<string, unknown>;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the request is not JSON", { cause });
  }
  const { id, op, round, enc, senderKey } = value;
  if (!isCount(id)) throw new AffiantError("ERR_INPUT_MALFORMED", "the request has no number");
  if (op === "rounds") return { id, op };
  if (op !== "decapsulate" || !isCount(round) || typeof enc !== "string" || typeof senderKey !== "string") {
    throw new AffiantError("ERR_INPUT_MALFORMED", "not a request that the wrapper answers");
  }
  return { id, op, round, enc: fromHex(enc, 32), senderKey: fromHex(senderKey, 32) };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
