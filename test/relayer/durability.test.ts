import { cp, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { CommitHook } from "../../relayer/store/database.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { rejection } from "../helpers/rejection.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

/** Breaks the next commit of entries: before it (`lost`) or after it (`landed`: the write is there, but nobody was told). */
class Faults {
  next: "none" | "lost" | "landed" = "none";

  readonly hook: CommitHook = (point, name) => {
    const broken = this.next === "lost" ? "before-commit" : this.next === "landed" ? "after-commit" : undefined;
    if (name !== "log.append" || point !== broken) return;
    this.next = "none";
    throw new Error("injected fault");
  };
}

describe("relayer: durability", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer | undefined;
  let actor: Actor;
  const faults = new Faults();

  before(async () => {
    chain = await startChain();
  });

  beforeEach(async () => {
    home = await RelayerHome.make(chain);
    relayer = await home.start({}, { commitHook: faults.hook });
    actor = await Actor.registered(chain);
  });

  afterEach(async () => {
    faults.next = "none";
    await relayer?.close();
    relayer = undefined;
    await home.remove();
  });

  after(async () => {
    await chain?.close();
  });

  async function take(count = 1): Promise<void> {
    for (let i = 0; i < count; i++) {
      const answer = await relayer!.post("/v1/entries", { leaf: (await actor.sign()).leaf });
      expect(answer.status).to.equal(201);
    }
  }

  async function restart(): Promise<void> {
    await relayer?.close();
    relayer = undefined;
    relayer = await home.start({}, { commitHook: faults.hook });
  }

  for (const fault of ["lost", "landed"] as const) {
    it(`a commit that fails ${fault}: not acknowledged, and the resend gets one place and one receipt`, async () => {
      await take(2);
      const { leaf } = await actor.sign();
      faults.next = fault;
      const failed = await relayer!.post("/v1/entries", { leaf });
      expect([failed.status, failed.body.code]).to.deep.equal([503, "ERR_UNAVAILABLE_STORAGE"]);
      expect(failed.headers.get("retry-after")).to.equal("1");
      const again = await relayer!.post("/v1/entries", { leaf });
      expect([again.status, again.body.index]).to.deep.equal([fault === "lost" ? 201 : 200, 2]);
      await take(1);
      const before = await relayer!.get("/v1/log");
      expect(before.body.size).to.equal(4);
      await restart();
      expect((await relayer!.get("/v1/log")).body.size).to.equal(4);
      expect((await relayer!.post("/v1/entries", { leaf })).body).to.deep.equal(again.body);
    });

    it(`a whole group that fails ${fault} in a batch is answered as such, and may be sent again`, async () => {
      const nb = await actor.block();
      const entries = Array.from({ length: 20 }, () => ({ leaf: actor.signAt(nb).leaf }));
      faults.next = fault;
      const failed = await relayer!.post("/v1/entries:batch", { entries });
      const codes = failed.body.results.map((one: { problem?: { code: string } }) => one.problem?.code);
      expect(new Set(codes)).to.deep.equal(new Set(["ERR_UNAVAILABLE_STORAGE"]));
      const again = await relayer!.post("/v1/entries:batch", { entries });
      const indices = again.body.results.map((one: { receipt: { index: number } }) => one.receipt.index);
      expect(indices).to.deep.equal(entries.map((_, i) => i));
    });
  }

  it("keeps its log, its proofs and its next seq over a restart, also across full tiles", async () => {
    const nb = await actor.block();
    for (let batch = 0; batch < 3; batch++) {
      const entries = Array.from({ length: 200 }, () => ({ leaf: actor.signAt(nb).leaf }));
      await relayer!.post("/v1/entries:batch", { entries });
    }
    const paths = [
      "/v1/log/checkpoint",
      "/v1/log/proof/inclusion?index=3&size=600",
      "/v1/log/proof/consistency?from=255&to=600",
    ];
    const before = await Promise.all(paths.map(async (path) => (await relayer!.get(path)).text));
    await restart();
    const after = await Promise.all(paths.map(async (path) => (await relayer!.get(path)).text));
    expect(after).to.deep.equal(before);
    await take(1);
  });

  it("brings a checkpoint file that a crash left behind up to the log on the next start", async () => {
    const checkpoint = async () => (await relayer!.get("/v1/log/checkpoint")).text;
    const slots = () => Promise.all([0, 1].map((slot) => readFile(join(home.dir, `checkpoint.${slot}`), "utf8")));
    await take(2);
    const newest = await checkpoint();
    await relayer!.close();
    const held = await slots();
    const [at, other] = held[0]?.startsWith(newest) ? [0, 1] : [1, 0];
    expect(held[at]?.startsWith(newest)).to.equal(true);
    // What was there before the last commit: the slot of the newest note still empty.
    await writeFile(join(home.dir, `checkpoint.${at}`), Buffer.alloc(4096));
    relayer = await home.start();
    expect((await slots())[at]?.startsWith(newest)).to.equal(true);
    expect((await slots())[other]).to.equal(held[other]);
    expect(await checkpoint()).to.equal(newest);
  });

  async function refusal(): Promise<{ code: string; details: Record<string, unknown> }> {
    const error = await rejection(home.start());
    if (!isAffiantError(error)) throw error;
    return { code: error.code, details: error.details };
  }

  it("does not start on a database put back from a backup", async () => {
    await take(2);
    await relayer!.close();
    const backup = `${home.dir}-backup`;
    await cp(home.dir, backup, { recursive: true });
    relayer = await home.start();
    await take(3);
    await relayer.close();
    relayer = undefined;
    for (const file of ["relayer.db", "relayer.db-wal", "relayer.db-shm"]) {
      await rm(join(home.dir, file), { force: true });
      await cp(join(backup, file), join(home.dir, file)).catch(() => undefined);
    }
    expect(await refusal()).to.deep.equal({
      code: "ERR_CONFLICT_LOG_FORK",
      details: { signedSize: 5, storedSize: 2 },
    });
    await rm(backup, { recursive: true });
  });

  it("does not start on an empty folder whose log the chain has an anchor of", async () => {
    await take(2);
    await relayer!.post("/v1/log/anchor");
    while ((await relayer!.get("/v1/log/anchors")).body.anchors.length === 0) await chain.mine(1);
    await relayer!.close();
    relayer = undefined;
    for (const file of ["relayer.db", "relayer.db-wal", "relayer.db-shm", "checkpoint.0", "checkpoint.1"]) {
      await rm(join(home.dir, file), { force: true });
    }
    expect(await refusal()).to.deep.equal({
      code: "ERR_CONFLICT_LOG_FORK",
      details: { signedSize: 2, storedSize: 0 },
    });
  });

  it("does not start on a log whose bytes were changed", async () => {
    await take(3);
    await relayer!.close();
    relayer = undefined;
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(join(home.dir, "relayer.db"));
    database.exec("UPDATE entry SET leaf_hash = zeroblob(32) WHERE idx = 1");
    database.close();
    expect((await refusal()).code).to.equal("ERR_CONFLICT_LOG_FORK");
  });

  it("does not start under another note key", async () => {
    await take(1);
    await relayer!.close();
    relayer = undefined;
    await rm(join(home.dir, "note.key"));
    expect((await refusal()).code).to.equal("ERR_CONFLICT_LOG_FORK");
  });

  it("starts when the last write of the checkpoint file was torn", async () => {
    await take(3);
    await relayer!.close();
    relayer = undefined;
    // Three notes went to slots 0, 1, 0: the last one is in slot 0.
    const file = await open(join(home.dir, "checkpoint.0"), "r+");
    await file.write("torn", 40);
    await file.close();
    relayer = await home.start();
    expect((await relayer.get("/v1/log")).body.size).to.equal(3);
  });

  it("lets one process alone use the folder", async () => {
    expect((await refusal()).code).to.equal("ERR_CONFLICT_RUNNING");
  });
});
