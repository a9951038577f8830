import { expect } from "chai";

import { fromHex } from "../../protocol/encoding/hex.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { parseCheckpoint } from "../../protocol/log/checkpoint.ts";
import { leafHash } from "../../protocol/log/hash.ts";
import { verifyConsistency } from "../../protocol/log/consistency.ts";
import { verifyInclusion } from "../../protocol/log/inclusion.ts";
import { ed25519NoteVerifier } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import { eventually } from "../helpers/eventually.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

describe("relayer: ingest", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let vkey: string;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
    vkey = (await relayer.get("/v1/log")).body.vkey;
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  function expectReceiptHolds(receipt: Record<string, unknown>, leaf: string): void {
    const { outcome, text } = verifyNote(String(receipt["checkpoint"]), [ed25519NoteVerifier(vkey)]);
    expect(outcome).to.equal("verified");
    const { size, root } = parseCheckpoint(String(text));
    expect(size).to.equal(receipt["size"]);
    const proof = (receipt["proof"] as string[]).map((hash) => fromHex(hash, 32));
    const index = Number(receipt["index"]);
    expect(verifyInclusion({ index, size, leafHash: leafHash(utf8(leaf)), proof, root })).to.equal(true);
  }

  it("gives a new entry a receipt that verifies, and the same entry the same receipt", async () => {
    const actor = await Actor.registered(chain);
    const { leaf, entryId } = await actor.sign();
    const first = await relayer.post("/v1/entries", { leaf });
    expect(first.status).to.equal(201);
    expect(first.body.entryId).to.equal(entryId);
    expect(first.body.status).to.equal("sequenced");
    expectReceiptHolds(first.body, leaf);
    const again = await relayer.post("/v1/entries", { leaf });
    expect(again.status).to.equal(200);
    expect(again.body).to.deep.equal(first.body);
    const read = await relayer.get(`/v1/entries/${entryId}`);
    expect(read.body).to.deep.equal({ leaf, index: first.body.index });
  });

  it("answers each entry of a batch, in order", async () => {
    const actor = await Actor.registered(chain);
    const nb = await actor.block();
    const entries: ReturnType<Actor["signAt"]>[] = [];
    for (let i = 0; i < 300; i++) entries.push(actor.signAt(nb));
    const first = await relayer.post("/v1/entries:batch", {
      entries: entries.slice(0, 256).map(({ leaf }) => ({ leaf })),
    });
    expect(first.status).to.equal(200);
    expect(first.body.results).to.have.lengthOf(256);
    first.body.results.forEach((result: { status: number; receipt: Record<string, unknown> }, i: number) => {
      expect(result.status).to.equal(201);
      expectReceiptHolds(result.receipt, entries[i]!.leaf);
    });
    const mixed = [entries[0]!.leaf, entries[256]!.leaf, "nonsense", entries[258]!.leaf];
    const second = await relayer.post("/v1/entries:batch", { entries: mixed.map((leaf) => ({ leaf })) });
    expect(second.body.results.map((result: { status: number }) => result.status)).to.deep.equal([200, 201, 400, 409]);
    expect(second.body.results[2].problem.code).to.equal("ERR_INPUT_ENTRY");
    expect(second.body.results[3].problem).to.include({ code: "ERR_CONFLICT_SEQ_GAP", expectedSeq: 257 });
    const head = await relayer.get(`/v1/agents/${actor.did}/head`);
    expect(head.body).to.include({ seq: 256, entryId: entries[256]!.entryId, count: 257 });
    const page = await relayer.get(`/v1/agents/${actor.did}/entries?from=250&limit=3`);
    expect(page.body.entries.map((entry: { seq: number }) => entry.seq)).to.deep.equal([250, 251, 252]);
    expect(page.body.entries[0].leaf).to.equal(entries[250]!.leaf);
  });

  it("proves any entry in any size, and any size from any smaller one", async () => {
    const { size } = (await relayer.get("/v1/log")).body;
    for (const [index, at] of [
      [0, 1],
      [0, size],
      [size - 1, size],
      [255, 256],
      [256, 257],
      [17, 200],
    ] as const) {
      const { body } = await relayer.get(`/v1/log/proof/inclusion?index=${index}&size=${at}`);
      const byIndex = await relayer.get(`/v1/log/proof/inclusion?index=${index}&size=${at}`);
      expect(byIndex.body.proof).to.deep.equal(body.proof);
      const leaf = await leafAt(index);
      const proof = body.proof.map((hash: string) => fromHex(hash, 32));
      expect(
        verifyInclusion({ index, size: at, leafHash: leafHash(utf8(leaf)), proof, root: fromHex(body.root) }),
      ).to.equal(true);
    }
    for (const [from, to] of [
      [1, size],
      [255, 257],
      [256, size],
      [0, size],
      [size, size],
    ] as const) {
      const { body } = await relayer.get(`/v1/log/proof/consistency?from=${from}&to=${to}`);
      const claim = {
        oldSize: from,
        oldRoot: fromHex(body.fromRoot),
        newSize: to,
        newRoot: fromHex(body.toRoot),
        proof: body.proof.map((hash: string) => fromHex(hash, 32)),
      };
      expect(verifyConsistency(claim)).to.equal(true);
    }
    const beyond = await relayer.get(`/v1/log/proof/inclusion?index=0&size=${size + 1}`);
    expect(beyond.body.code).to.equal("ERR_NOT_FOUND_PROOF");
  });

  async function leafAt(index: number): Promise<string> {
    return String((await relayer.get(`/v1/log/entries/${index}`)).body.leaf);
  }

  it("anchors on request, and the receipt climbs to anchored and final", async () => {
    const actor = await Actor.registered(chain);
    const { leaf, entryId } = await actor.sign();
    await relayer.post("/v1/entries", { leaf });
    const asked = await relayer.post("/v1/log/anchor");
    expect(asked.status).to.equal(202);
    await eventually(async () => {
      const { status } = (await relayer.get(`/v1/entries/${entryId}/receipt`)).body;
      if (status !== "final") await chain.mine(1);
      return status === "final";
    });
    const { anchor } = (await relayer.get(`/v1/entries/${entryId}/receipt`)).body;
    const { logId, size } = (await relayer.get("/v1/log")).body;
    const onChain = await chain.logAnchor["latest"]!(logId);
    expect([Number(onChain.size), onChain.root]).to.deep.equal([size, anchor.root]);
    expect(anchor.index).to.equal(null);
    const receipt = await chain.provider.getTransactionReceipt(anchor.txHash);
    expect(receipt?.blockNumber).to.equal(anchor.blockNumber);
  });
});
