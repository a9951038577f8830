import { actNameOf, argumentsOf, idOf, isObject, type JsonObject, type Place } from "../message.ts";
import type { PartReading } from "./partReading.ts";

/** Gemini: `functionCall`, `functionResponse`, with ids in some services only; code that Google ran is a call as well. */
export function geminiPart(part: JsonObject, place: Place): PartReading | undefined {
  const call = part["functionCall"] ?? part["function_call"];
  const response = part["functionResponse"] ?? part["function_response"];
  const code = part["executableCode"] ?? part["executable_code"];
  const codeResult = part["codeExecutionResult"] ?? part["code_execution_result"];
  if (isObject(call)) {
    const name = actNameOf(call["name"], place);
    return { call: { id: idOf(call["id"], place), name, ...argumentsOf(call["args"], name, place) } };
  }
  if (isObject(response)) {
    const name = actNameOf(response["name"], { ...place, remark: () => undefined });
    const output = response["response"] ?? null;
    return { result: { callId: idOf(response["id"], place), name, output, failed: false } };
  }
  const name = "code_execution";
  if (isObject(code)) return { call: { id: idOf(code["id"], place), name, input: code, inputIsText: false } };
  if (!isObject(codeResult)) return undefined;
  return { result: { callId: idOf(codeResult["id"], place), name, output: codeResult, failed: false } };
}
