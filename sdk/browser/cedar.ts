/** Stands in a browser bundle where `protocol/policy/cedar.ts` names Cedar's build for Node: the same functions. */
import init from "@cedar-policy/cedar-wasm/web";

// The WebAssembly file lies beside the bundle.
await init();

export * from "@cedar-policy/cedar-wasm/web";
