import { cp, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { expect } from "chai";

import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import { type ChainAnchor, fsck, type FsckReport } from "../../relayer/fsck/fsck.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";

describe("relayer: fsck", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let dir: string;
  let onChain: ChainAnchor;

  /** 300 entries (one full tile), a rival, an anchor, a policy and disclosures: something in every table. */
  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    const relayer = await home.start();
    const actor = await Actor.registered(chain);
    const nb = await actor.block();
    const rival = actor.signAt(nb, { act: "rival" }, { seq: 0, prev: null });
    for (const count of [200, 100]) {
      const entries = Array.from({ length: count }, () => ({ leaf: actor.signAt(nb).leaf }));
      expect((await relayer.post("/v1/entries:batch", { entries })).status).to.equal(200);
    }
    const { leaf, disclosures } = actor.signAt(nb, { input: "payload" });
    expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.equal(201);
    expect((await relayer.post("/v1/entries", { leaf: rival.leaf })).status).to.equal(409);
    const policy = await loadPolicyBundle("examples/airline/policy");
    await actor.commit(policyHashOf(policy));
    const path = `/v1/policies/${policyHashOf(policy)}?agent=${actor.account.address.toLowerCase()}`;
    const put = await relayer.put(path, toCanonicalJson(policy as never));
    expect(put.status).to.equal(201);
    await relayer.post("/v1/log/anchor");
    while ((await relayer.get("/v1/log/anchors")).body.anchors.length === 0) await chain.mine(1);
    const { logId } = (await relayer.get("/v1/log")).body;
    const latest = await chain.logAnchor["latest"]!(logId);
    onChain = { name: "anchor on chain", size: Number(latest.size), root: fromHex(latest.root, 32) };
    await relayer.close();
  });

  beforeEach(async () => {
    dir = `${home.dir}-copy`;
    await rm(dir, { recursive: true, force: true });
    await cp(home.dir, dir, { recursive: true });
  });

  after(async () => {
    await rm(`${home.dir}-copy`, { recursive: true, force: true });
    await home?.remove();
    await chain?.close();
  });

  function check(repair = false, anchors = [onChain]): Promise<FsckReport> {
    const noteKeyFile = join(dir, "note.key");
    return fsck({ dataDir: dir, noteKeyFile, repair, anchors: () => Promise.resolve(anchors) });
  }

  function change(sql: string): void {
    const database = new DatabaseSync(join(dir, "relayer.db"));
    const { changes } = database.prepare(sql).run();
    database.close();
    expect(changes).to.equal(1);
  }

  const places = (report: FsckReport) => report.faults.map(({ place }) => place.replace(/0x\w+/, "0x"));

  it("finds nothing wrong with what a relayer left, and has looked at all of it", async () => {
    const report = await check();
    expect(report.faults).to.deep.equal([]);
    expect(report.size).to.equal(301);
    expect(Object.keys(report.checked)).to.include.members(
      ["checkpoints", "checkpoint files", "anchors", "anchors on chain", "entries"].concat([
        "policy",
        "attempt",
        "equivocation",
        "disclosure",
      ]),
    );
  });

  const letter = (column: string, at: number) =>
    `${column} = substr(${column}, 1, ${at - 1}) || CASE substr(${column}, ${at}, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(${column}, ${at + 1})`;

  for (const [what, sql, place] of [
    ["a tile's hash", `UPDATE tile SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB)`, "tile 0/0"],
    ["a tile's root", `UPDATE tile SET root = zeroblob(32)`, "tile 0/0"],
    ["a leaf hash", `UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 7`, "entry 7"],
    ["an entry's id", `UPDATE entry SET entry_id = zeroblob(32) WHERE idx = 7`, "entry 7"],
    ["an agent's next seq", `UPDATE agent SET next_seq = next_seq - 1`, "agent did:ethr:0x"],
    ["an agent's head", `UPDATE agent SET head_entry_id = zeroblob(32)`, "agent did:ethr:0x"],
  ] as const) {
    it(`finds ${what} that was changed, and writes it anew`, async () => {
      change(sql);
      const found = await check();
      expect(found.repaired).to.equal(0);
      expect(found.faultCount).to.equal(1);
      expect(places(found)[0]).to.match(new RegExp(`^${place}`));
      expect((await check(true)).repaired).to.equal(1);
      expect((await check()).faults).to.deep.equal([]);
    });
  }

  for (const [what, sql, place] of [
    ["a leaf's signature", `UPDATE entry SET ${letter("leaf", 500)} WHERE idx = 7`, "entry 7"],
    ["an entry's seq", `UPDATE entry SET seq = 1000 WHERE idx = 7`, "entry 7"],
    ["a checkpoint's root", `UPDATE checkpoint SET root = zeroblob(32) WHERE size = 301`, "checkpoint 301"],
    ["a checkpoint's note", `UPDATE checkpoint SET ${letter("note", 60)} WHERE size = 301`, "checkpoint 301"],
    ["an anchor's root", `UPDATE anchor SET root = zeroblob(32)`, "anchor of 301"],
    ["a rival's leaf", `UPDATE equivocation SET ${letter("leaf", 400)}`, "equivocation 0x"],
    ["a policy", `UPDATE policy SET bundle = bundle || ' '`, "policy 0x"],
    [
      "a signed transaction",
      `UPDATE attempt SET raw = substr(raw, 1, length(raw) - 2) || '00' WHERE rowid = (SELECT max(rowid) FROM attempt)`,
      "attempt 0x",
    ],
    ["a disclosure", `UPDATE disclosure SET sealed = zeroblob(length(sealed))`, "disclosure 0x"],
  ] as const) {
    it(`finds ${what} that was changed, and leaves it for a backup`, async () => {
      change(sql);
      const report = await check(true);
      expect(places(report)).to.include(place);
      expect(report.faultCount).to.be.greaterThan(report.repaired);
      expect(places(await check())).to.include(place);
    });
  }

  it("finds entries that are missing at the end, and a newest anchor that the log does not reach", async () => {
    change("DELETE FROM entry WHERE idx = 300");
    expect(places(await check())).to.include.members(["checkpoint 301", "anchor of 301", "anchor on chain"]);
  });

  it("finds an anchor on chain with another root", async () => {
    const report = await check(false, [{ ...onChain, root: new Uint8Array(32) }]);
    expect(places(report)).to.deep.equal(["anchor on chain"]);
  });

  it("finds a checkpoint file that was changed", async () => {
    for (const slot of [0, 1]) {
      const file = join(dir, `checkpoint.${slot}`);
      const at = (await readFile(file, "utf8")).indexOf("\n301\n") + 10;
      const handle = await open(file, "r+");
      await handle.write("!", at);
      await handle.close();
    }
    expect(places(await check())).to.include.members([
      "file checkpoint.0",
      "file checkpoint.1",
      "file checkpoint.0, checkpoint.1",
    ]);
  });

  it("repairs nothing when the leaves are not those that were signed", async () => {
    change(`UPDATE entry SET ${letter("leaf", 500)} WHERE idx = 7`);
    expect((await check(true)).repaired).to.equal(0);
  });

  it("needs a folder that is a relayer's, and its note key", async () => {
    await rm(join(dir, "note.key"));
    expect(await rejectionCode(check())).to.equal("ERR_INPUT_FILE");
    await rm(join(dir, "relayer.db"));
    expect(await rejectionCode(check())).to.equal("ERR_INPUT_DATA_FOLDER");
  });
});
