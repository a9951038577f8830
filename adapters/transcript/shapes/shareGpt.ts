import {
  actNameOf,
  argumentsOf,
  fail,
  isObject,
  isText,
  type JsonObject,
  type Message,
  outputOf,
  type Place,
} from "../message.ts";
import { parseExactJson } from "../../json/exactJson.ts";

const roles: Readonly<Record<string, string>> = {
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  system: "system",
};

/** A line of a fine-tuning file as ShareGPT and LLaMA-Factory have it: `{ from, value }`. */
export function isShareGpt(value: JsonObject): boolean {
  return value["role"] === undefined && isText(value["from"]) && isText(value["value"]);
}

/** `function_call` holds `{ name, arguments }` as JSON, `observation` the result of the last call. */
export function readShareGpt(value: JsonObject, place: Place): Message {
  const from = value["from"] as string;
  const text = value["value"] as string;
  if (from === "function_call") {
    const given = [parsed(text, place)].flat();
    const calls = given.map((call) => {
      if (!isObject(call)) return fail(place, "a function call that is no object");
      const name = actNameOf(call["name"], place);
      return { id: null, name, ...argumentsOf(call["arguments"], name, place) };
    });
    return { role: "assistant", text: null, calls, results: [] };
  }
  if (from === "observation" || from === "tool") {
    return {
      role: "tool",
      text: null,
      calls: [],
      results: [{ callId: null, name: null, output: outputOf(text), failed: false }],
    };
  }
  const role = roles[from];
  if (role === undefined) return fail(place, `nobody known is called ${JSON.stringify(from)}`);
  return { role, text, calls: [], results: [] };
}

function parsed(text: string, place: Place) {
  try {
    return parseExactJson(text).value;
  } catch {
    return fail(place, "a function call that is not JSON");
  }
}
