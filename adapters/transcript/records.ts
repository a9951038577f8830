import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { parseExactJson, quoteNonNumbers } from "../json/exactJson.ts";
import { conversationsOf, type RawConversation } from "./conversationOf.ts";
import { fail, isObject, isText, type JsonObject } from "./message.ts";
import { isMessage } from "./readMessage.ts";
import { isMcpMessage } from "./shapes/mcp.ts";
import type { JsonPiece } from "./splitJson.ts";

/** A conversation as it stands in a file, messages not yet looked at. */
export interface TranscriptRecord extends RawConversation {
  readonly index: number;
  /** What a person should know of how it was read. */
  readonly remarks: readonly { readonly text: string; readonly message?: number }[];
}

interface Loose {
  readonly kind: string;
  readonly messages: Json[];
}

interface Parsed {
  readonly value: Json;
  readonly remarks: readonly string[];
}

/** Told of a conversation that cannot be read. Throws, or the reading goes on without it. */
export type OnProblem = (error: AffiantError) => void;

/**
 * Gathers pieces of JSON into conversations: an object with messages, a list of messages, or messages one after another:
 * the elements of one list, lines of one kind, the lines of one Claude Code session.
 */
export class RecordGatherer {
  readonly #onProblem: OnProblem;
  readonly #sessions = new Map<string, Json[]>();
  #index = 0;
  #loose: Loose | undefined;

  constructor(onProblem: OnProblem) {
    this.#onProblem = onProblem;
  }

  *push(piece: JsonPiece): Generator<TranscriptRecord> {
    let parsed: Parsed;
    try {
      parsed = parsePiece(piece, `conversation ${this.#index}`);
    } catch (error) {
      this.#index += 1;
      if (!isAffiantError(error)) throw error;
      this.#onProblem(error);
      return;
    }
    const { value, remarks } = parsed;
    if (isObject(value) && this.#isSessionLine(value)) return;
    const kind = isObject(value) ? looseKind(value, piece.array) : undefined;
    if (kind !== undefined) {
      if (this.#loose?.kind !== kind) {
        yield* this.#endLoose();
        this.#loose = { kind, messages: [] };
      }
      this.#loose?.messages.push(value);
      return;
    }
    if (this.#loose !== undefined && piece.array !== null && this.#loose.kind.startsWith(`list ${piece.array} `)) {
      const { length } = this.#loose.messages;
      this.#onProblem(
        new AffiantError(
          "ERR_INPUT_FILE",
          `conversation ${this.#index}: message ${length} has no role, or is of no known shape`,
        ),
      );
      return;
    }
    yield* this.#endLoose();
    yield* this.#records(value, remarks);
  }

  *end(): Generator<TranscriptRecord> {
    yield* this.#endLoose();
    for (const [sessionId, messages] of this.#sessions) {
      yield { index: this.#index++, meta: { sessionId }, messages, remarks: [] };
    }
    this.#sessions.clear();
  }

  *#endLoose(): Generator<TranscriptRecord> {
    if (this.#loose === undefined) return;
    const { messages } = this.#loose;
    this.#loose = undefined;
    yield { index: this.#index++, meta: {}, messages, remarks: [] };
  }

  *#records(value: Json, remarks: readonly string[]): Generator<TranscriptRecord> {
    let found: readonly RawConversation[];
    try {
      found = conversationsOf(value, `conversation ${this.#index}`);
    } catch (error) {
      this.#index += 1;
      if (!isAffiantError(error)) throw error;
      this.#onProblem(error);
      return;
    }
    for (const raw of found) yield { index: this.#index++, ...raw, remarks: remarks.map((text) => ({ text })) };
  }

  /** Claude Code writes one line a message, among lines of other kinds, and several sessions may share a file. */
  #isSessionLine(value: JsonObject): boolean {
    const { sessionId, message } = value;
    if (!isText(value["type"]) || isMcpMessage(value)) return false;
    if (!isText(sessionId)) return claudeCodeTypes.has(value["type"]) && message === undefined && !("content" in value);
    if (!isObject(message) || !isText(message["role"])) return true;
    // What a subagent did is a thread of its own.
    const thread =
      value["isSidechain"] === true
        ? `${sessionId} ${isText(value["agentId"]) ? value["agentId"] : "sidechain"}`
        : sessionId;
    const messages = this.#sessions.get(thread) ?? [];
    messages.push(message);
    this.#sessions.set(thread, messages);
    return true;
  }
}

/** Lines of a Claude Code session that are no message and name no session. */
const claudeCodeTypes: ReadonlySet<string> = new Set([
  "summary",
  "file-history-snapshot",
  "custom-title",
  "agent-name",
  "tag",
]);

/** Messages that stand one after another belong together when they are of one list, or lines of one kind. */
function looseKind(value: JsonObject, array: number | null): string | undefined {
  if (!isMessage(value) || ["messages", "traj"].some((key) => Array.isArray(value[key]))) return undefined;
  return array === null ? `lines ${isMcpMessage(value) ? "mcp" : "messages"}` : `list ${array} `;
}

function parsePiece(piece: JsonPiece, where: string): Parsed {
  const place = `${where} (at ${piece.line === undefined ? `character ${piece.offset}` : `line ${piece.line}`})`;
  try {
    return remarked(parseExactJson(piece.text));
  } catch (cause) {
    const quoted = quoteNonNumbers(piece.text);
    if (quoted === piece.text) return fail({ where: place }, `not JSON: ${(cause as Error).message}`);
    try {
      const parsed = remarked(parseExactJson(quoted));
      return { ...parsed, remarks: [...parsed.remarks, "NaN or Infinity, which are no JSON, are kept as text"] };
    } catch {
      return fail({ where: place }, `not JSON: ${(cause as Error).message}`);
    }
  }
}

function remarked({ value, repeatedKeys }: { readonly value: Json; readonly repeatedKeys: readonly string[] }): Parsed {
  const remarks = repeatedKeys.map(
    (key) => `the file names ${JSON.stringify(key)} twice in one object; the last is taken`,
  );
  return { value, remarks };
}
