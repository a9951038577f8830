import type { EmbeddedSettings } from "../../model/settings.ts";

/** What whoever made this page put into it. Read once: the blocks are large. */
const textOf = (id: string): string => document.getElementById(id)?.textContent ?? "";

export const settings = JSON.parse(textOf("settings")) as EmbeddedSettings;

export function embeddedCedar(): Uint8Array {
  return bytesOf(textOf("cedar"));
}

/** The evidence of a report; undefined in the general page. */
export async function embeddedEvidence(): Promise<Uint8Array | undefined> {
  const text = textOf("evidence");
  return text === "" ? undefined : inflated(bytesOf(text));
}

let workerUrl: Promise<string> | undefined;

export async function startWorker(): Promise<Worker> {
  workerUrl ??= inflated(bytesOf(textOf("worker"))).then((script) =>
    URL.createObjectURL(new Blob([script as BlobPart], { type: "text/javascript" })),
  );
  return new Worker(await workerUrl);
}

function bytesOf(base64: string): Uint8Array {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

async function inflated(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
