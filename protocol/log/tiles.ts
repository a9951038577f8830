import { AffiantError } from "../errors/affiantError.ts";
import { leafHash, hashLength, nodeHash } from "./hash.ts";
import { assertSize, type NodeSource } from "./subtree.ts";

/** Hashes in a full tile, entries in a full bundle (C2SP tlog-tiles). */
export const tileWidth = 256;
/** Levels of the tree in one tile: log2 of the width. */
const tileHeight = 8;
const maxLevel = 63;
/** A length prefix is a uint16. */
const maxEntryLength = 65_535;

/** Which tile: of hashes at a tile level (0 = leaf hashes, each further level 8 levels of the tree up), or of entries. */
export interface TileId {
  readonly level: number | "entries";
  readonly index: number;
  /** Hashes or entries in it, 1 to 256; less than 256 makes it partial. */
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, N in groups of three digits, all but the last with `x` before. @throws ERR_INPUT_TILE */
export function formatTilePath({ level, index, width }: TileId): string {
  if (level !== "entries" && !(Number.isInteger(level) && level >= 0 && level <= maxLevel)) throw bad("level");
  if (!Number.isSafeInteger(index) || index < 0) throw bad("index");
  if (!Number.isInteger(width) || width < 1 || width > tileWidth) throw bad("width");
  const groups = [String(index % 1000).padStart(3, "0")];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, "0")}`);
  }
  return `tile/${level}/${groups.join("/")}${width === tileWidth ? "" : `.p/${width}`}`;
}

/**
 * Reads a tile's path strictly: each tile has one path.
 * @param path without a leading slash
 * @throws AffiantError ERR_INPUT_TILE
 */
export function parseTilePath(path: string): TileId {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  const [, levelText, indexText, widthText] = match ?? [];
  if (levelText === undefined || indexText === undefined) throw bad("path");
  const level = levelText === "entries" ? ("entries" as const) : Number(levelText);
  const index = Number(indexText.replaceAll(/[x/]/g, ""));
  const width = widthText === undefined ? tileWidth : Number(widthText);
  const id = { level, index, width };
  // One spelling only: no leading zeros in level and width, no empty group, no full tile called partial.
  if (formatTilePath(id) !== path) throw bad("path");
  return id;
}

/** The widths of the tiles at a tile level of a tree: how many are full, and how wide the partial one is (0: none). */
export function tileCount(size: number, level: number | "entries"): { full: number; partial: number } {
  assertSize(size, "size");
  const hashes = level === "entries" ? size : Math.floor(size / tileWidth ** level);
  return { full: Math.floor(hashes / tileWidth), partial: hashes % tileWidth };
}

/** Every tile of hashes that a tree of `newSize` has and one of `oldSize` had not, bottom-up, partial ones included. */
export function newTiles(oldSize: number, newSize: number): TileId[] {
  assertSize(oldSize, "oldSize");
  const tiles: TileId[] = [];
  for (let level = 0; level <= maxLevel; level++) {
    const { full, partial } = tileCount(newSize, level);
    const before = tileCount(oldSize, level);
    if (full === 0 && partial === 0) break;
    for (let index = before.full; index < full; index++) tiles.push({ level, index, width: tileWidth });
    if (partial > 0 && (full !== before.full || partial !== before.partial)) {
      tiles.push({ level, index: full, width: partial });
    }
  }
  return tiles;
}

/** The bytes of a tile of hashes, `32 · width`, read from a node source. @throws AffiantError ERR_INPUT_TILE */
export function encodeTile({ level, index, width }: TileId, source: NodeSource): Uint8Array {
  if (level === "entries") throw bad("level");
  const bytes = new Uint8Array(width * hashLength);
  for (let i = 0; i < width; i++) bytes.set(source(level * tileHeight, index * tileWidth + i), i * hashLength);
  return bytes;
}

/** The hashes of a tile. @throws AffiantError ERR_INPUT_TILE if its length is not the one of its width */
export function decodeTile(bytes: Uint8Array, width: number): Uint8Array[] {
  if (bytes.length !== width * hashLength) throw bad("length");
  return Array.from({ length: width }, (_, i) => bytes.slice(i * hashLength, (i + 1) * hashLength));
}

/**
 * A node source over tiles, for readers of a tiled log. Nodes between tile levels are hashed from the tile's own.
 * @param readTile the bytes of a tile that holds at least `width` hashes: it may be the full one
 */
export function nodesFromTiles(readTile: (level: number, index: number, width: number) => Uint8Array): NodeSource {
  return (level, index) => {
    const tileLevel = Math.floor(level / tileHeight);
    const span = 2 ** (level - tileLevel * tileHeight);
    const first = index * span;
    const tileIndex = Math.floor(first / tileWidth);
    const start = first % tileWidth;
    const bytes = readTile(tileLevel, tileIndex, start + span);
    if (bytes.length % hashLength !== 0 || bytes.length < (start + span) * hashLength) throw bad("length");
    let row: Uint8Array[] = Array.from({ length: span }, (_, i) =>
      bytes.slice((start + i) * hashLength, (start + i + 1) * hashLength),
    );
    while (row.length > 1) row = pairUp(row);
    return row[0] as Uint8Array;
  };
}

function pairUp(row: readonly Uint8Array[]): Uint8Array[] {
  return Array.from({ length: row.length / 2 }, (_, i) =>
    nodeHash(row[2 * i] as Uint8Array, row[2 * i + 1] as Uint8Array),
  );
}

/** Entries, each behind its length as a big-endian uint16. @throws AffiantError ERR_INPUT_TILE for one too long */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (entries.length < 1 || entries.length > tileWidth) throw bad("width");
  const bundle = new Uint8Array(entries.reduce((length, entry) => length + 2 + entry.length, 0));
  const view = new DataView(bundle.buffer);
  let at = 0;
  for (const entry of entries) {
    if (entry.length > maxEntryLength) throw bad("entry");
    view.setUint16(at, entry.length);
    bundle.set(entry, at + 2);
    at += 2 + entry.length;
  }
  return bundle;
}

/** @throws AffiantError ERR_INPUT_TILE unless the bytes are exactly `width` entries */
export function decodeEntryBundle(bundle: Uint8Array, width: number): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; i < width; i++) {
    if (at + 2 > bundle.length) throw bad("length");
    const end = at + 2 + view.getUint16(at);
    if (end > bundle.length) throw bad("length");
    entries.push(bundle.slice(at + 2, end));
    at = end;
  }
  if (at !== bundle.length) throw bad("length");
  return entries;
}

/** Whether every entry of a bundle hashes to the hash at its place in the level-0 tile. */
export function bundleMatchesTile(entries: readonly Uint8Array[], hashes: readonly Uint8Array[]): boolean {
  if (entries.length !== hashes.length) return false;
  return entries.every((entry, i) => {
    const expected = hashes[i];
    const found = leafHash(entry);
    return expected !== undefined && expected.length === hashLength && found.every((byte, at) => byte === expected[at]);
  });
}

function bad(part: "path" | "level" | "index" | "width" | "length" | "entry"): AffiantError {
  return new AffiantError("ERR_INPUT_TILE", `not a tile of a log: its ${part} is wrong`);
}
