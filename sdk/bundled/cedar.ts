/**
 * Stands in what is packed where `protocol/policy/cedar.ts` names Cedar's build for Node: the same functions, with the WebAssembly
 * within. It is compiled when the first policy is read.
 */
import * as cedar from "@cedar-policy/cedar-wasm/web";
import wasm from "affiant:cedar-wasm";

let isReady = false;

function ready(): typeof cedar {
  if (!isReady) cedar.initSync({ module: bytesOf(wasm) });
  isReady = true;
  return cedar;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

export const isAuthorized: typeof cedar.isAuthorized = (...given) => ready().isAuthorized(...given);
export const policySetTextToParts: typeof cedar.policySetTextToParts = (...given) =>
  ready().policySetTextToParts(...given);
export const policyToJson: typeof cedar.policyToJson = (...given) => ready().policyToJson(...given);
export const preparsePolicySet: typeof cedar.preparsePolicySet = (...given) => ready().preparsePolicySet(...given);
export const preparseSchema: typeof cedar.preparseSchema = (...given) => ready().preparseSchema(...given);
export const schemaToJsonWithResolvedTypes: typeof cedar.schemaToJsonWithResolvedTypes = (...given) =>
  ready().schemaToJsonWithResolvedTypes(...given);
export const statefulIsAuthorized: typeof cedar.statefulIsAuthorized = (...given) =>
  ready().statefulIsAuthorized(...given);
export const validate: typeof cedar.validate = (...given) => ready().validate(...given);
