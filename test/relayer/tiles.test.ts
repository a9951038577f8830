import { expect } from "chai";

import { toHex } from "../../protocol/encoding/hex.ts";
import { fromUtf8 } from "../../protocol/encoding/bytes.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { inclusionProof } from "../../protocol/log/inclusion.ts";
import { ed25519NoteVerifier } from "../../protocol/log/noteKey.ts";
import { operatorNoteVerifier, parseOperatorVerifierKey } from "../../protocol/log/operatorNote.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import { decodeEntryBundle, decodeTile, formatTilePath, nodesFromTiles, newTiles } from "../../protocol/log/tiles.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

describe("relayer: the log from outside", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let leaves: string[];

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
    const actor = await Actor.registered(chain);
    const nb = await actor.block();
    leaves = Array.from({ length: 300 }, () => actor.signAt(nb).leaf);
    for (const part of [leaves.slice(0, 200), leaves.slice(200)]) {
      await relayer.post("/v1/entries:batch", { entries: part.map((leaf) => ({ leaf })) });
    }
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  async function bytes(path: string): Promise<Uint8Array> {
    const response = await fetch(`${relayer.url}/v1/log/${path}`);
    expect(response.status).to.equal(200);
    return new Uint8Array(await response.arrayBuffer());
  }

  it("serves tiles from which a reader computes the relayer's own proofs and root", async () => {
    const tiles = new Map<string, Uint8Array>();
    for (const id of newTiles(0, 300)) tiles.set(`${id.level}/${id.index}`, await bytes(formatTilePath(id)));
    const source = nodesFromTiles((level, index) => tiles.get(`${level}/${index}`)!);
    const { body } = await relayer.get("/v1/log/proof/inclusion?index=77&size=300");
    expect(inclusionProof(source, 77, 300).map(toHex)).to.deep.equal(body.proof);
    expect(decodeTile(tiles.get("0/1")!, 44)).to.have.lengthOf(44);
  });

  it("serves bundles of the very entries that were taken in", async () => {
    const full = decodeEntryBundle(await bytes("tile/entries/000"), 256).map(fromUtf8);
    const rest = decodeEntryBundle(await bytes("tile/entries/001.p/44"), 44).map(fromUtf8);
    expect([...full, ...rest]).to.deep.equal(leaves);
  });

  it("has no tile that the log has not reached, and none under another spelling", async () => {
    for (const path of ["tile/0/001", "tile/0/001.p/45", "tile/1/000", "tile/0/0", "tile/00/000", "tile/entries/002"]) {
      const response = await relayer.get(`/v1/log/${path}`);
      expect([path, response.status, response.body.code]).to.deep.equal([path, 404, "ERR_NOT_FOUND_TILE"]);
    }
  });

  it("signs a checkpoint with the note key and, for the contract, as the log's operator", async () => {
    const { origin, vkey, operatorVkey, contract } = (await relayer.get("/v1/log")).body;
    const { text: note } = await relayer.get("/v1/log/checkpoint");
    const operator = parseOperatorVerifierKey(operatorVkey);
    expect([operator.chainId, operator.logAnchor]).to.deep.equal([31337n, contract]);
    const verdict = verifyNote(note, [ed25519NoteVerifier(vkey), operatorNoteVerifier(origin, operator)]);
    expect([verdict.outcome, verdict.verified.length]).to.deep.equal(["verified", 2]);
    const { size, root } = parseCheckpoint(String(verdict.text));
    expect([size, toHex(root)]).to.deep.equal([
      300,
      (await relayer.get("/v1/log/proof/consistency?from=300")).body.toRoot,
    ]);
  });
});
