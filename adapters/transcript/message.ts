import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { actNameOfTool } from "../acts/actName.ts";
import { parseExactJson } from "../json/exactJson.ts";

/** A tool call of a message, whatever the shape of the message. Numbers may still be `ExactNumber`. */
export interface ToolCall {
  /** What a result names; null where the shape has no ids. */
  readonly id: string | null;
  readonly name: string;
  readonly input: Json;
  /** The arguments were no JSON, or JSON that names a key twice, and stand as their text. */
  readonly inputIsText: boolean;
}

/** What came back for a call. Found by its id, or, where the shape has none, by the tool's name. */
export interface ToolResult {
  readonly callId: string | null;
  readonly name: string | null;
  readonly output: Json;
  /** The tool said that it failed. */
  readonly failed: boolean;
}

/** What of a message matters here. */
export interface Message {
  readonly role: string;
  /** The text; null when there is none. */
  readonly text: string | null;
  readonly calls: readonly ToolCall[];
  readonly results: readonly ToolResult[];
}

export type JsonObject = Readonly<Record<string, Json>>;

/** Where a reader is, and whom it tells of what a person should know. */
export interface Place {
  /** As `conversation 3, message 12`. */
  readonly where: string;
  remark(text: string): void;
}

/**
 * The tool's name as an act's name. Models also call tools that do not exist, by names that no tool could have.
 * @throws AffiantError ERR_INPUT_FILE for no name
 */
export function actNameOf(given: Json | undefined, place: Place): string {
  if (typeof given !== "string" || given === "") return fail(place, "a call without a name");
  const name = actNameOfTool(given);
  if (name !== given) place.remark(`the name ${JSON.stringify(given)} is entered as ${name}`);
  return name;
}

/**
 * A call's arguments: an object as it stands, JSON in a string, or text. None at all are `{}`, as every service reads them.
 * A text that names a key twice stays text: which of the two the tool took cannot be known.
 */
export function argumentsOf(given: Json | undefined, name: string, place: Place): Omit<ToolCall, "id" | "name"> {
  if (given === undefined || given === null || given === "") return { input: {}, inputIsText: false };
  if (typeof given !== "string") return { input: given, inputIsText: false };
  const parsed = parseOrText(given);
  if (parsed.repeatedKeys.length > 0) {
    place.remark(`the arguments of ${name} hold ${JSON.stringify(parsed.repeatedKeys[0])} twice and are kept as text`);
    return { input: given, inputIsText: true };
  }
  if (parsed.isText) place.remark(`the arguments of ${name} are not JSON and are kept as text`);
  return { input: parsed.value, inputIsText: parsed.isText };
}

/** A result: JSON if its text is JSON and names no key twice, else the text. */
export function outputOf(text: string | null): Json {
  if (text === null) return null;
  const parsed = parseOrText(text);
  return parsed.repeatedKeys.length > 0 ? text : parsed.value;
}

interface Parsed {
  readonly value: Json;
  readonly isText: boolean;
  readonly repeatedKeys: readonly string[];
}

function parseOrText(text: string): Parsed {
  try {
    return { ...parseExactJson(text), isText: false };
  } catch {
    return { value: text, isText: true, repeatedKeys: [] };
  }
}

/** An id of a call; absent and null are the same. */
export function idOf(value: Json | undefined, place: Place): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === "string" ? value : fail(place, "its id is not a string");
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isText(value: Json | undefined): value is string {
  return typeof value === "string";
}

/** @throws AffiantError ERR_INPUT_FILE, always */
export function fail(place: Pick<Place, "where">, what: string): never {
  throw new AffiantError("ERR_INPUT_FILE", `${place.where}: ${what}`);
}
