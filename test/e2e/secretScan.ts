import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { JsonRpcProvider } from "ethers";

import { toHex } from "../../protocol/encoding/hex.ts";

/** Where something could stand, and its bytes. */
export type Places = ReadonlyMap<string, Buffer>;

/**
 * A secret as it could stand somewhere: raw, in either order of bytes, as hex, decimal, a list of numbers, or in base64 and
 * base64url wherever it begins within a longer text.
 */
export function spellings(secret: Uint8Array): ReadonlyMap<string, Buffer> {
  const hex = toHex(secret).slice(2);
  const backwards = secret.slice().reverse();
  const texts: [string, string][] = [
    ["hex", hex],
    ["upper-case hex", hex.toUpperCase()],
    ["hex backwards", toHex(backwards).slice(2)],
    ["decimal", BigInt(`0x${hex}`).toString()],
    ["numbers", [...secret].join()],
  ];
  for (const before of [0, 1, 2]) {
    const base64 = within(secret, before);
    texts.push([`base64 at ${before}`, base64]);
    texts.push([`base64url at ${before}`, base64.replaceAll("+", "-").replaceAll("/", "_")]);
  }
  const found = texts.map(([name, text]) => [name, Buffer.from(text)] as const);
  return new Map([["raw", Buffer.from(secret)], ["raw backwards", Buffer.from(backwards)], ...found]);
}

/** The characters of base64 that the secret alone decides when `before` bytes stand in front of it. */
function within(secret: Uint8Array, before: number): string {
  const text = Buffer.concat([Buffer.alloc(before), secret])
    .toString("base64")
    .replaceAll("=", "");
  const first = before === 0 ? 0 : before + 1;
  const last = (before + secret.length) % 3 === 0 ? text.length : text.length - 1;
  return text.slice(first, last);
}

/** Which secrets are found in which places. */
export function leaks(secrets: ReadonlyMap<string, Uint8Array>, places: Places): string[] {
  return [...secrets].flatMap(([name, secret]) => {
    const spelled = [...spellings(secret)];
    return [...places].flatMap(([place, content]) => {
      const found = spelled.find(([, spelling]) => content.includes(spelling));
      return found ? [`${name} in ${place}, ${found[0]}`] : [];
    });
  });
}

/** Every transaction's input, and every event. */
export async function chainContents(provider: JsonRpcProvider): Promise<Places> {
  const places = new Map<string, Buffer>();
  const last = await provider.getBlockNumber();
  for (let number = 0; number <= last; number++) {
    const block = await provider.getBlock(number, true);
    for (const { hash, data } of block?.prefetchedTransactions ?? []) {
      places.set(`transaction ${hash}`, Buffer.from(data.slice(2), "hex"));
    }
  }
  for (const { transactionHash, index, topics, data } of await provider.getLogs({ fromBlock: 0, toBlock: last })) {
    const words = [...topics, data].join("").replaceAll("0x", "");
    places.set(`event ${transactionHash} ${index}`, Buffer.from(words, "hex"));
  }
  return places;
}

/** Every file below a folder, databases and their journals among them. */
export async function folderContents(folder: string): Promise<Places> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path)] as const)));
}

/** Messages, causes, stacks and details of an error, as deep as they go. */
export function spelledOut(error: unknown): string {
  const { message, stack, details, cause } = error as Error & { details?: unknown };
  return [message, stack, JSON.stringify(details), cause === undefined ? "" : spelledOut(cause)].join("\n");
}
