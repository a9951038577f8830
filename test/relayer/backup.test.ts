import { expect } from "chai";

import { copyFile, cp, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { backupFolder } from "../../relayer/store/backup.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode, thrownCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";

describe("relayer: backup and restore", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let actor: Actor;
  let requestId: string;
  const backup = () => `${home.dir}-backup`;

  async function add(): Promise<void> {
    expect((await relayer.post("/v1/entries", { leaf: (await actor.sign()).leaf })).status).to.equal(201);
  }

  async function anchor(): Promise<void> {
    await relayer.post("/v1/log/anchor");
    await eventually(async () => {
      await chain.mine(1);
      return (await relayer.get("/readyz")).body.anchoring.pendingEntries === 0;
    });
  }

  /** As docs/relayer.md says: the backup into an empty folder, and the keys, which are kept apart. */
  async function restore(to: "restored" | "again"): Promise<Record<string, string>> {
    const dir = `${home.dir}-${to}`;
    await cp(backup(), dir, { recursive: true });
    for (const key of ["sender.key", "note.key", "journal.key", "operator.token"])
      await copyFile(join(home.dir, key), join(dir, key));
    return { AFFIANT_DATA_DIR: dir };
  }

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    actor = await Actor.registered(chain);
    relayer = await home.start();
    await add();
    await add();
    await anchor();
    const { target, data } = await registerCall(chain);
    requestId = String((await relayer.post("/v1/requests", { target, data }, { "idempotency-key": "k" })).body.id);
    await add();
  });

  after(async () => {
    await relayer?.close();
    for (const dir of ["backup", "restored", "again"]) await rm(`${home.dir}-${dir}`, { recursive: true, force: true });
    await home?.remove();
    await chain?.close();
  });

  it("copies a running relayer, without its keys, for its owner's eyes, and over nothing", async () => {
    const report = backupFolder(home.dir, backup());
    expect(report).to.deep.include({ size: 3, files: ["checkpoint.0", "checkpoint.1", "relayer.db"] });
    expect((await stat(join(backup(), "relayer.db"))).mode & 0o777).to.equal(0o600);
    expect(thrownCode(() => backupFolder(home.dir, backup()))).to.equal("ERR_INPUT_DATA_FOLDER");
    expect(thrownCode(() => backupFolder(backup() + "-nowhere", backup() + "2"))).to.equal("ERR_INPUT_DATA_FOLDER");
  });

  it("a restored relayer goes on where the backup ends: entries, requests, anchors", async () => {
    await relayer.close();
    relayer = await home.start(await restore("restored"));
    expect((await relayer.get("/v1/log")).body.size).to.equal(3);
    await eventually(async () => {
      await chain.mine(1);
      return (await relayer.get(`/v1/requests/${requestId}`)).body.state === "final";
    });
    await add();
    await anchor();
    expect((await relayer.get("/v1/log")).body.size).to.equal(4);
  });

  it("the same backup is refused once the log went on and was anchored without it: that would be a fork", async () => {
    const env = await restore("again");
    expect(await rejectionCode(home.start(env))).to.equal("ERR_CONFLICT_LOG_FORK");
  });
});
