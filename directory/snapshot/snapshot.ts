import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rename } from "node:fs/promises";

import { type Hex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { rowLine, stateHash, stateHashPrefix } from "../fold/stateHash.ts";
import { projectionVersions } from "../projections/all.ts";
import type { BlockRow, DirectoryStore, StoredRow } from "../store/store.ts";

/** First line of a snapshot. The lines behind it are the very bytes that `stateHash` is over. */
export interface SnapshotHeader {
  readonly format: "affiant-directory-snapshot/1";
  readonly chainId: number;
  readonly block: BlockRow;
  /** What the rows were folded with: another version cannot begin from them. */
  readonly versions: string;
  /** `name address` of each contract, sorted: rows of other contracts are another state. */
  readonly contracts: readonly string[];
  readonly rowCount: number;
  readonly stateHash: Hex;
}

/**
 * Writes the state at a block as a file: whole, or not at all.
 * @throws AffiantError ERR_NOT_FOUND_BLOCK if the store does not reach so far, or no longer
 */
export async function writeSnapshot(
  store: DirectoryStore,
  chainId: number,
  path: string,
  options: { readonly contracts: readonly string[]; readonly atBlock?: number },
): Promise<SnapshotHeader> {
  const state = await store.state(chainId);
  const at = options.atBlock ?? state?.position.number ?? -1;
  const block = await store.blockAtOrBefore(chainId, at);
  if (!state || !block || at > state.position.number || block.number < state.floor) {
    throw new AffiantError("ERR_NOT_FOUND_BLOCK", `the store holds no state at block ${at}`);
  }
  let rowCount = 0;
  for await (const page of store.allRows(chainId, block.number)) rowCount += page.length;
  const header: SnapshotHeader = {
    format: "affiant-directory-snapshot/1",
    chainId,
    block,
    versions: projectionVersions,
    contracts: options.contracts,
    rowCount,
    stateHash: await stateHash(store, chainId, block.number),
  };
  const file = await open(`${path}.tmp`, "w", 0o600);
  try {
    await file.write(`${JSON.stringify(header)}\n`);
    for await (const page of store.allRows(chainId, block.number)) await file.write(page.map(rowLine).join(""));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.tmp`, path);
  return header;
}

/** @throws AffiantError ERR_INPUT_FILE */
export async function readSnapshotHeader(path: string): Promise<SnapshotHeader> {
  const lines = linesOf(path, 1);
  const first = await lines.next();
  await lines.return(undefined);
  return parseHeader(first.done === true ? "" : (first.value[0] ?? ""));
}

/**
 * Takes a snapshot's rows over as the state of its chain, if they are what its hash says. A wrong byte leaves the store as it was.
 * @throws AffiantError ERR_INPUT_FILE for what is no snapshot, ERR_PROOF_STATE_HASH if the rows have another hash
 */
export async function loadSnapshot(store: DirectoryStore, path: string): Promise<SnapshotHeader> {
  const header = await readSnapshotHeader(path);
  if (header.versions !== projectionVersions) {
    throw new AffiantError("ERR_INPUT_FILE", "the snapshot was made by another version of the projections");
  }
  await store.restore(header.chainId, header.block, header.versions, checkedRows(path, header));
  return header;
}

async function* checkedRows(path: string, header: SnapshotHeader): AsyncGenerator<readonly StoredRow[]> {
  const hash = createHash("sha256").update(stateHashPrefix);
  let [isFirst, rowCount, before] = [true, 0, ""];
  for await (const lines of linesOf(path)) {
    const rows = isFirst ? lines.slice(1) : lines;
    isFirst = false;
    if (rows.length === 0) continue;
    hash.update(`${rows.join("\n")}\n`);
    rowCount += rows.length;
    yield rows.map((line) => {
      const [projection = "", key = "", value] = line.split("\t", 3);
      const place = `${projection}\t${key}`;
      if (value === undefined || Buffer.compare(Buffer.from(before), Buffer.from(place)) >= 0) throw damaged();
      before = place;
      return { projection, key, value };
    });
  }
  if (toHex(hash.digest()) !== header.stateHash || rowCount !== header.rowCount) {
    throw new AffiantError("ERR_PROOF_STATE_HASH", "the snapshot's rows are not those of its hash");
  }
}

/** Whole lines, many at a time. @throws AffiantError ERR_INPUT_FILE for a last line without an end */
async function* linesOf(path: string, most = Infinity): AsyncGenerator<string[]> {
  let rest = "";
  const stream = createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 });
  try {
    for await (const chunk of stream as AsyncIterable<string>) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      if (lines.length > 0) yield most === Infinity ? lines : lines.slice(0, most);
    }
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError("ERR_INPUT_FILE", `the snapshot cannot be read: ${(cause as Error).message}`, { cause });
  }
  if (rest !== "") throw damaged();
}

function parseHeader(line: string): SnapshotHeader {
  try {
    const header = JSON.parse(line) as SnapshotHeader;
    const { format, chainId, block, stateHash: hash } = header;
    if (
      format === "affiant-directory-snapshot/1" &&
      Number.isSafeInteger(chainId) &&
      isHex(hash, 32) &&
      isHex(block.hash, 32)
    ) {
      return header;
    }
  } catch {
    // Said below.
  }
  throw damaged();
}

function damaged(): AffiantError {
  return new AffiantError("ERR_INPUT_FILE", "not a snapshot of a directory, or a damaged one");
}

/** How a snapshot names its contracts. */
export function contractNames(
  contracts: readonly { readonly name: string; readonly address: string }[],
): readonly string[] {
  return contracts.map(({ name, address }) => `${name} ${address}`).sort();
}
