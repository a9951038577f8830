import { Router } from "express";
import { LRUCache } from "lru-cache";

import { utf8 } from "../../protocol/encoding/bytes.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { encodeEntryBundle, parseTilePath, tileWidth } from "../../protocol/log/tiles.ts";
import type { Log } from "../log/log.ts";

/** A full tile never changes; a partial one is right for ever too, but a wider one takes its place. */
const cacheForever = "public, max-age=31536000, immutable";

/** The log in C2SP tlog-tiles form, under the prefix `/v1/log`. */
export function tilesRouter(log: Log): Router {
  const router = Router();
  // Full bundles of entries never change, and may have megabytes: put together once for many who read on.
  const bundles = new LRUCache<number, Buffer>({ maxSize: 64 << 20, sizeCalculation: ({ length }) => length });

  router.get("/v1/log/tile/*path", (request, response) => {
    const bytes = readTile(log, bundles, request.path.slice("/v1/log/".length));
    response.setHeader("cache-control", cacheForever);
    response.type("application/octet-stream").send(bytes);
  });

  return router;
}

function readTile(log: Log, bundles: LRUCache<number, Buffer>, path: string): Buffer {
  let id: ReturnType<typeof parseTilePath>;
  try {
    id = parseTilePath(path);
  } catch (error) {
    if (isAffiantError(error)) throw new AffiantError("ERR_NOT_FOUND_TILE", `no tile has the path ${path}`);
    throw error;
  }
  const { level, index, width } = id;
  if (level === "entries") {
    const start = index * tileWidth;
    if (start + width > log.size) throw missing();
    const known = width === tileWidth ? bundles.get(index) : undefined;
    if (known) return known;
    const { buffer, byteOffset, byteLength } = encodeEntryBundle(log.entries.leaves(start, start + width).map(utf8));
    const bundle = Buffer.from(buffer, byteOffset, byteLength);
    if (width === tileWidth) bundles.set(index, bundle);
    return bundle;
  }
  const hashes = log.tree.tileHashes(level, index, width);
  const leaves = (index * tileWidth + width) * tileWidth ** level;
  if (!hashes || leaves > log.size) throw missing();
  return Buffer.concat(hashes);
}

function missing(): AffiantError {
  return new AffiantError("ERR_NOT_FOUND_TILE", "the log has not come that far");
}
