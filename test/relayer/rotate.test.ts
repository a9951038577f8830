import { expect } from "chai";

import { copyFile, cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

import { Wallet } from "ethers";

import { createAgentKeys } from "../../agent/keys/keystore.ts";
import { openAgent } from "../../agent/openAgent.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { ed25519NoteVerifier, parseVerifierKey } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import { fsck } from "../../relayer/fsck/fsck.ts";
import { rotateNoteKey } from "../../relayer/rotate/rotateNoteKey.ts";
import { rotateOperator } from "../../relayer/rotate/rotateOperator.ts";
import { openSenderKey } from "../../relayer/sender/signer.ts";
import { backupFolder } from "../../relayer/store/backup.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";
import { openPolicy } from "../agent/world/world.ts";

describe("relayer: rotating the log's keys", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let actor: Actor;
  const leaves: string[] = [];

  async function add(): Promise<void> {
    const { leaf } = await actor.sign();
    expect((await relayer.post("/v1/entries", { leaf })).status).to.equal(201);
    leaves.push(leaf);
  }

  /** Out of the database: what `/metrics` says is shared between scrapes, and may be a second old. */
  function openJobs(): number {
    const database = new DatabaseSync(join(home.dir, "relayer.db"), { readOnly: true });
    try {
      const row = database.prepare("SELECT count(*) AS open FROM job WHERE state NOT IN ('final', 'failed')").get();
      return Number(row?.open);
    } finally {
      database.close();
    }
  }

  /** Anchors, and waits until nothing of the journal or the log waits for the chain. */
  async function anchor(): Promise<void> {
    await relayer.post("/v1/log/anchor");
    await eventually(async () => {
      await chain.mine(1);
      if ((await relayer.get("/readyz")).body.anchoring.pendingEntries !== 0) return false;
      return openJobs() === 0;
    });
  }

  async function whileMining<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const mining = (async () => {
      for (; !isOver; await sleep(20)) await chain.mine(1);
    })();
    try {
      return await work;
    } finally {
      isOver = true;
      await mining;
    }
  }

  const info = async () => (await relayer.get("/v1/log")).body as { vkey: string; logId: string };
  const outcome = (note: string, vkey: string) => verifyNote(note, [ed25519NoteVerifier(vkey)]).outcome;

  async function expectReceiptsUnder(vkey: string): Promise<void> {
    for (const leaf of leaves) {
      const { status, body } = await relayer.post("/v1/entries", { leaf });
      expect([status, outcome(String(body.checkpoint), vkey)]).to.deep.equal([200, "verified"]);
    }
    expect(outcome((await relayer.get("/v1/log/checkpoint")).text, vkey)).to.equal("verified");
  }

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    actor = await Actor.registered(chain);
    relayer = await home.start();
    await add();
    await add();
    await anchor();
  });

  after(async () => {
    await relayer?.close();
    for (const name of ["backup", "restored"]) await rm(`${home.dir}-${name}`, { recursive: true, force: true });
    await home?.remove();
    await chain?.close();
  });

  it("is refused while the relayer runs, or has transactions under way", async () => {
    expect(await rejectionCode(rotateNoteKey(home.config()))).to.equal("ERR_CONFLICT_RUNNING");
    await chain.rpc("evm_setAutomine", false);
    const { target, data } = await registerCall(chain).finally(() => chain.mine(1));
    await relayer.post("/v1/requests", { target, data }, { "idempotency-key": "k" });
    await eventually(async () => (await relayer.get("/metrics")).text.includes('state="broadcast"} 1'));
    await relayer.close();
    expect(await rejectionCode(rotateNoteKey(home.config()))).to.equal("ERR_INPUT_DATA_FOLDER");
    expect(await rejectionCode(rotateOperator(home.config()))).to.equal("ERR_INPUT_DATA_FOLDER");
    await chain.rpc("evm_setAutomine", true);
    relayer = await home.start();
    await anchor();
  });

  it("note key: all receipts, old and new, verify under the new one; agents that were there before go on", async () => {
    const { vkey: before, logId } = await info();
    const port = new URL(relayer.url).port;
    const dataDir = join(home.dir, "agents");
    await createAgentKeys({ dataDir, name: "a", chainId: chain.deployment.chainId });
    const agent = await openAgent({
      ...{ dataDir, name: "a", relayerUrl: relayer.url, rpcUrl: chain.url, deployment: chain.deployment },
    });
    await whileMining(agent.register());
    await whileMining(agent.commitPolicy(openPolicy));
    await agent.record({ act: "test.act" });
    await anchor();
    await relayer.close();
    backupFolder(home.dir, `${home.dir}-backup`);

    // A crash at the commit, after the chain heard of the key: the relayer does not start, and the rotation goes on.
    const dies = (point: string, name: string) => {
      if (point === "before-commit" && name === "log.resign") throw new Error("power cut");
    };
    expect(await whileMining(rejectionCode(rotateNoteKey(home.config(), dies)))).to.equal("ERR_UNAVAILABLE_STORAGE");
    expect(await rejectionCode(home.start())).to.equal("ERR_CONFLICT_LOG_OPERATOR");
    const { vkey, resigned, retiredFile } = await rotateNoteKey(home.config());
    expect(resigned).to.be.greaterThan(1);
    expect(vkey).not.to.equal(before);

    const noteKeyFile = join(home.dir, "note.key");
    const report = await fsck({ dataDir: home.dir, noteKeyFile, repair: false });
    expect(report.faults).to.deep.equal([]);
    relayer = await home.start({ AFFIANT_PORT: port });
    expect((await info()).vkey).to.equal(vkey);
    await expectReceiptsUnder(vkey);
    await agent.record({ act: "test.act" });
    agent.close();
    await add();
    await anchor();
    const [keys] = await chain.logAnchor.getFunction("noteKeysOf").staticCallResult(logId);
    expect([...(keys as string[])]).to.deep.equal([before, vkey].map((key) => toHex(parseVerifierKey(key).key)));
    expect(await readFile(retiredFile, "utf8")).not.to.equal(await readFile(noteKeyFile, "utf8"));
  });

  it("a folder from before the rotation is taken over with both keys, and the fork that it would be is still seen", async () => {
    const dir = `${home.dir}-restored`;
    await cp(`${home.dir}-backup`, dir, { recursive: true });
    await copyFile(join(home.dir, "sender.key"), join(dir, "sender.key"));
    await copyFile(join(home.dir, "journal.key"), join(dir, "journal.key"));
    await copyFile(join(home.dir, "note.key"), join(dir, "note.key.next"));
    const { vkey } = await info();
    const retired = (await readdir(home.dir)).find((name) => name.startsWith("note.key.retired"));
    await copyFile(join(home.dir, String(retired)), join(dir, "note.key"));
    const env = { AFFIANT_DATA_DIR: dir, AFFIANT_LOG_ORIGIN: home.env["AFFIANT_LOG_ORIGIN"] ?? "" };
    expect((await rotateNoteKey(home.config(env))).vkey).to.equal(vkey);
    expect(await rejectionCode(home.start(env))).to.equal("ERR_CONFLICT_LOG_FORK");
  });

  it("operator: the new account anchors, once it can pay; the old one's key is kept", async () => {
    const { logId } = await info();
    const before = new Wallet((await readFile(join(home.dir, "sender.key"), "utf8")).trim()).address;
    await anchor();
    const { size } = (await chain.logAnchor.getFunction("latest").staticCall(logId)) as { size: bigint };
    // Signed and not anchored yet: it must bind the old operator still.
    await add();
    await relayer.close();
    expect(await rejectionCode(rotateOperator(home.config()))).to.equal("ERR_UNAVAILABLE_FUNDS");
    const next = openSenderKey(join(home.dir, "sender.key.next")).address;
    await chain.fund(next);
    const { operator, retired, retiredFile } = await whileMining(rotateOperator(home.config()));
    expect([operator, retired]).to.deep.equal([next, before]);
    expect(new Wallet((await readFile(retiredFile, "utf8")).trim()).address).to.equal(before);

    const sizes = await chain.logAnchor.getFunction("handoverSizesOf").staticCall(logId);
    expect(sizes).to.deep.equal([0n, size + 1n]);
    relayer = await home.start();
    await add();
    await anchor();
    const [operators] = await chain.logAnchor.getFunction("operatorsOf").staticCallResult(logId);
    expect([...(operators as string[])]).to.deep.equal([before, next]);
    expect(await chain.provider.getTransactionCount(next)).to.be.greaterThan(1);
  });
});
