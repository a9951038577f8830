import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import fc from "fast-check";

import { toHex } from "../../../protocol/encoding/hex.ts";
import { formatCheckpoint } from "../../../protocol/log/checkpoint.ts";
import { CompactRange } from "../../../protocol/log/compactRange.ts";
import { leafHash } from "../../../protocol/log/hash.ts";
import { inclusionProof } from "../../../protocol/log/inclusion.ts";
import { ed25519NoteSigner, ed25519NoteVerifier, formatEd25519VerifierKey } from "../../../protocol/log/noteKey.ts";
import { signNote } from "../../../protocol/log/signedNote.ts";
import {
  bundleMatchesTile,
  decodeEntryBundle,
  decodeTile,
  encodeEntryBundle,
  encodeTile,
  formatTilePath,
  newTiles,
  nodesFromTiles,
  parseTilePath,
  tileCount,
} from "../../../protocol/log/tiles.ts";
import { formatTlogProof, parseTlogProof, verifyTlogProof } from "../../../protocol/log/tlogProof.ts";
import { MTH, numberedLeaves, PATH } from "../../../scripts/generate/rfc9162Reference.ts";

const fails = (run: () => unknown, code = "ERR_INPUT_TILE") => expect(run).to.throw().with.property("code", code);

describe("tiles (C2SP tlog-tiles)", () => {
  it("have the paths of the specification", () => {
    expect(formatTilePath({ level: 0, index: 1234067, width: 256 })).to.equal("tile/0/x001/x234/067");
    expect(formatTilePath({ level: 63, index: 0, width: 255 })).to.equal("tile/63/000.p/255");
    expect(formatTilePath({ level: "entries", index: 999, width: 256 })).to.equal("tile/entries/999");
    expect(formatTilePath({ level: "entries", index: 1000, width: 1 })).to.equal("tile/entries/x001/000.p/1");
  });

  it("have one path each", () => {
    const id = fc.record({
      level: fc.oneof(fc.integer({ min: 0, max: 63 }), fc.constant("entries" as const)),
      index: fc.maxSafeNat(),
      width: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(fc.property(id, (tile) => void expect(parseTilePath(formatTilePath(tile))).to.deep.equal(tile)));
  });

  for (const path of [
    "",
    "/tile/0/000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/data/000",
    "tile/0/1",
    "tile/0/0000",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/0/x001/x002",
    "tile/0/x001",
    "tile/0/000.p/0",
    "tile/0/000.p/256",
    "tile/0/000.p/01",
    "tile/0/000.p/",
    "tile/0/000/",
    "tile/0/000\n",
    "tile/0/x999/x999/x999/x999/x999/999",
    "tile/0/../../secret",
  ]) {
    it(`are not at ${JSON.stringify(path)}`, () => fails(() => parseTilePath(path)));
  }

  it("are as many as the specification says for 70,000 leaves and for 256", () => {
    expect([0, 1, 2, 3].map((level) => tileCount(70_000, level))).to.deep.equal([
      { full: 273, partial: 112 },
      { full: 1, partial: 17 },
      { full: 0, partial: 1 },
      { full: 0, partial: 0 },
    ]);
    expect([0, 1].map((level) => tileCount(256, level))).to.deep.equal([
      { full: 1, partial: 0 },
      { full: 0, partial: 1 },
    ]);
    expect(tileCount(70_000, "entries")).to.deep.equal({ full: 273, partial: 112 });
    expect(newTiles(0, 70_000)).to.have.length(273 + 1 + 1 + 1 + 1);
    expect(newTiles(70_000, 70_000)).to.deep.equal([]);
    expect(newTiles(255, 257)).to.deep.equal([
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 1, width: 1 },
      { level: 1, index: 0, width: 1 },
    ]);
  });

  it("are enough to prove every leaf, whatever their level", () => {
    const size = 1111;
    const leaves = numberedLeaves(size);
    const nodes = new Map<string, Uint8Array>();
    const range = new CompactRange();
    for (const leaf of leaves) range.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
    const stored = (level: number, index: number) => nodes.get(`${level}/${index}`)!;
    const files = new Map(
      newTiles(0, size).map((tile) => [`${String(tile.level)}/${tile.index}`, encodeTile(tile, stored)]),
    );
    const source = nodesFromTiles((level, index) => files.get(`${level}/${index}`)!);
    for (const index of [0, 255, 256, 512, 1023, 1024, 1110]) {
      expect(inclusionProof(source, index, size).map(toHex)).to.deep.equal(PATH(index, leaves).map(toHex));
    }
    const first = decodeTile(files.get("0/4")!, size - 4 * 256);
    expect(first.map(toHex)).to.deep.equal(leaves.slice(1024).map(toHex));
    fails(() => decodeTile(files.get("0/4")!, size - 4 * 256 - 1));
    fails(() => nodesFromTiles(() => files.get("0/4")!)(0, 200));
  });
});

describe("entry bundles", () => {
  const entries = [new Uint8Array(0), Uint8Array.of(1, 2, 3), new Uint8Array(65_535).fill(9)];

  it("put a big-endian length before each entry", () => {
    expect(toHex(encodeEntryBundle(entries.slice(0, 2)))).to.equal("0x00000003010203");
    expect(decodeEntryBundle(encodeEntryBundle(entries), 3)).to.deep.equal(entries);
  });

  it("are exactly their entries", () => {
    const bundle = encodeEntryBundle(entries.slice(0, 2));
    fails(() => decodeEntryBundle(bundle, 1));
    fails(() => decodeEntryBundle(bundle, 3));
    fails(() => decodeEntryBundle(bundle.slice(0, -1), 2));
    fails(() => decodeEntryBundle(bundle.slice(0, 3), 2));
    fails(() => encodeEntryBundle([new Uint8Array(65_536)]));
    fails(() => encodeEntryBundle([]));
  });

  it("match the tile whose leaf hashes they have", () => {
    const hashes = entries.map(leafHash);
    expect(bundleMatchesTile(entries, hashes)).to.equal(true);
    expect(bundleMatchesTile(entries, hashes.toReversed())).to.equal(false);
    expect(bundleMatchesTile(entries, hashes.slice(1))).to.equal(false);
    expect(bundleMatchesTile(entries.with(1, Uint8Array.of(1, 2, 4)), hashes)).to.equal(false);
  });
});

describe("tlog proofs (C2SP tlog-proof)", () => {
  const origin = "log.example/main";
  const secret = new Uint8Array(32).fill(7);
  const publicKey = ed25519.getPublicKey(secret);
  const signer = ed25519NoteSigner(origin, publicKey, (message) => ed25519.sign(message, secret));
  const logKey = ed25519NoteVerifier(formatEd25519VerifierKey(origin, publicKey));
  const leaves = numberedLeaves(11);
  const checkpoint = signNote(formatCheckpoint({ origin, size: 11, root: MTH(leaves) }), signer);
  const proof = { index: 6, proof: PATH(6, leaves), checkpoint };
  const text = formatTlogProof(proof);
  const lines = text.split("\n");

  it("have the specified lines", () => {
    expect(lines.slice(0, 2)).to.deep.equal(["c2sp.org/tlog-proof@v1", "index 6"]);
    expect(lines.slice(2, 6)).to.deep.equal(PATH(6, leaves).map((hash) => Buffer.from(hash).toString("base64")));
    expect(lines.slice(6).join("\n")).to.equal(`\n${checkpoint}`);
    expect(parseTlogProof(text)).to.deep.equal(proof);
    const extra = { ...proof, extra: Uint8Array.of(1, 2) };
    expect(formatTlogProof(extra).split("\n")[1]).to.equal("extra AQI=");
    expect(parseTlogProof(formatTlogProof(extra))).to.deep.equal(extra);
  });

  it("hold for the leaf, the log and its key, and for nothing else", () => {
    const outcome = (hash = leaves[6]!, name = origin, keys = [logKey], of = text) =>
      verifyTlogProof(of, hash, name, keys).outcome;
    expect(outcome()).to.equal("included");
    expect(outcome(leaves[5])).to.equal("not-included");
    expect(outcome(leaves[6], "log.example/other")).to.equal("wrong-origin");
    expect(outcome(leaves[6], origin, [])).to.equal("no-known-key");
    expect(outcome(leaves[6], origin, [logKey], text.replace("index 6", "index 7"))).to.equal("not-included");
    expect(outcome(leaves[6], origin, [logKey], text.replace("\n11\n", "\n12\n"))).to.equal("bad-signature");
    expect(
      outcome(leaves[6], origin, [logKey], formatTlogProof({ ...proof, proof: [...proof.proof, leaves[0]!] })),
    ).to.equal("not-included");
  });

  it("prove the only leaf of a log with no hashes at all", () => {
    const alone = signNote(formatCheckpoint({ origin, size: 1, root: leaves[0]! }), signer);
    const single = formatTlogProof({ index: 0, proof: [], checkpoint: alone });
    expect(single.startsWith("c2sp.org/tlog-proof@v1\nindex 0\n\nlog.example/main\n1\n")).to.equal(true);
    expect(verifyTlogProof(single, leaves[0]!, origin, [logKey]).outcome).to.equal("included");
  });

  for (const [what, changed] of Object.entries({
    "another first line": text.replace("@v1", "@v2"),
    "no index": text.replace("index 6\n", ""),
    "a leading zero": text.replace("index 6", "index 06"),
    "a negative index": text.replace("index 6", "index -6"),
    "two indices": text.replace("index 6\n", "index 6\nindex 6\n"),
    "empty extra data": text.replace("index 6", "extra \nindex 6"),
    "extra after the index": text.replace("index 6\n", "index 6\nextra AQI=\n"),
    "a hash of 31 bytes": text.replace(lines[2]!, Buffer.from(leaves[0]!.slice(1)).toString("base64")),
    "a hash without padding": text.replace(lines[2]!, lines[2]!.slice(0, -1)),
    "no blank line": "c2sp.org/tlog-proof@v1\nindex 6\n",
    "64 hashes": text.replace(lines[2]!, Array(61).fill(lines[2]).join("\n")),
  })) {
    it(`are not read with ${what}`, () => fails(() => parseTlogProof(changed), "ERR_INPUT_TLOG_PROOF"));
  }

  it("are not read without a checkpoint", () => {
    fails(() => parseTlogProof(lines.slice(0, 7).join("\n") + "\nnot a note"), "ERR_INPUT_NOTE");
  });
});
