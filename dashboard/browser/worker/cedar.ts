/** Stands where `protocol/policy/cedar.ts` names Cedar's build for Node: the same functions, after `startCedar`. */
import { initSync } from "@cedar-policy/cedar-wasm/web";

export * from "@cedar-policy/cedar-wasm/web";

/** @param gzipped the WebAssembly file, as the page holds it */
export async function startCedar(gzipped: Uint8Array): Promise<void> {
  const stream = new Blob([gzipped as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  initSync({ module: await new Response(stream).arrayBuffer() });
}
