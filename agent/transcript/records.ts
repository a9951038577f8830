import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { JsonPiece } from "./splitJson.ts";

/** A conversation as it stands in a file, messages not yet looked at. */
export interface TranscriptRecord {
  readonly index: number;
  /** What the file says of the conversation beside its messages. */
  readonly meta: Readonly<Record<string, Json>>;
  readonly messages: readonly Json[];
}

/** Keys under which tools keep the list of messages. */
const messageKeys = ["messages", "traj"] as const;

/** Gathers pieces of JSON into conversations: an object with messages, a list of messages, or messages one after another. */
export class RecordGatherer {
  #index = 0;
  #loose: { readonly array: number; readonly messages: Json[] } | undefined;

  *push(piece: JsonPiece): Generator<TranscriptRecord> {
    const value = this.#parse(piece);
    if (piece.array !== null && isMessage(value)) {
      if (this.#loose?.array !== piece.array) {
        yield* this.end();
        this.#loose = { array: piece.array, messages: [] };
      }
      this.#loose.messages.push(value);
      return;
    }
    if (this.#loose !== undefined && this.#loose.array === piece.array) {
      fail(`conversation ${this.#index}: message ${this.#loose.messages.length} has no role`);
    }
    yield* this.end();
    yield this.#record(value);
  }

  *end(): Generator<TranscriptRecord> {
    if (this.#loose === undefined) return;
    const { messages } = this.#loose;
    this.#loose = undefined;
    yield { index: this.#index++, meta: {}, messages };
  }

  #parse(piece: JsonPiece): Json {
    try {
      return JSON.parse(piece.text) as Json;
    } catch (cause) {
      return fail(
        `conversation ${this.#index} (at character ${piece.offset}) is not JSON: ${(cause as Error).message}`,
        cause,
      );
    }
  }

  #record(value: Json): TranscriptRecord {
    const index = this.#index++;
    if (Array.isArray(value)) return { index, meta: {}, messages: value as readonly Json[] };
    const record = value as Readonly<Record<string, Json>>;
    const keys = messageKeys.filter((key) => Array.isArray(record[key]));
    const [key] = keys;
    if (key === undefined) fail(`conversation ${index} has no list of messages under ${messageKeys.join(" or ")}`);
    if (keys.length > 1) fail(`conversation ${index} has messages under ${keys.join(" and ")}: which are meant?`);
    const { [key]: messages, ...meta } = record;
    return { index, meta, messages: messages as readonly Json[] };
  }
}

function isMessage(value: Json): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return "role" in value && !messageKeys.some((key) => key in value);
}

function fail(message: string, cause?: unknown): never {
  throw new AffiantError("ERR_INPUT_FILE", message, { cause });
}
