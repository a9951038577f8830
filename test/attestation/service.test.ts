import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { RpcChain } from "../../auditor/chain/rpcChain.ts";

import { SealedStore } from "../../attestation/service/sealedStore.ts";
import { patchMemory } from "../../scripts/torture/attestation/patchMemory.ts";
import { System } from "../../scripts/torture/attestation/system.ts";
import { openAuthenticated } from "../../agent/sealing/hpke.ts";
import { answerOf } from "../../protocol/attestation/answer.ts";
import { measurementOf } from "../../protocol/attestation/manifest.ts";
import { decodeTask, taskInfo } from "../../protocol/attestation/task.ts";
import { toBase64url } from "../../protocol/encoding/base64url.ts";
import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { measure } from "../../scripts/torture/attestation/wrapped.ts";

describe("attestation/service: rounds among separate processes", function () {
  this.timeout(300_000);
  let system: System;

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    system = await System.start(7);
  });
  after(async () => system?.close());

  async function statuses(): Promise<string[]> {
    return Promise.all(system.agents.map((agent) => system.status(agent)));
  }

  it("introduces each agent by the one before it", async () => {
    expect(await statuses()).to.deep.equal(Array(7).fill("trusted"));
    expect(await system.reader.introducer()).to.equal(system.agents.at(-1)!.account.address);
  });

  it("opens, draws, records and closes a round, restarted before every step", async () => {
    await system.stepUntil(async () => {
      system.restartService();
      return system.roundIs("closed", 1);
    });
    const round = (await system.reader.round())!;
    expect([round.settled, round.size]).to.deep.equal([7, 7]);
    expect(await statuses()).to.deep.equal(Array(7).fill("trusted"));
    expect(system.alerts).to.deep.equal([]);
  });

  it("leaves on chain by whom and at which tier each agent is trusted, as the auditor reads it", async () => {
    const chain = await RpcChain.open(system.chain.url);
    const lower = (address: string) => address.toLowerCase() as Hex;
    const target = system.agents[2]!.account.address;
    const { blockNumber } = await chain.head();
    const at = await chain.attestationAt(lower(system.reader.address), lower(target), blockNumber);
    expect(at).to.include({ status: "trusted", tier: "software", version: 1 });
    const tasks = system.agents.filter(({ received }) =>
      received.some(({ place }) => place.target === target && place.round === 1),
    );
    const attesters = await chain.attestersOf(lower(system.reader.address), at!.recordIndex);
    expect([...attesters!].sort()).to.deep.equal(tasks.map(({ account }) => lower(account.address)).sort());
    chain.close();
  });

  it("goes on after verdicts that were gathered and never recorded, without asking anybody again", async () => {
    await system.stepUntil(() => system.roundIs("drawn", 2));
    const lost = { send: () => Promise.reject(new Error("the process ended")) };
    system.restartService({ sender: lost });
    // A verifier that could not measure at once is asked again: until nobody is, the verdicts are not all gathered.
    const counts = (): string => system.agents.map(({ received }) => received.length).join();
    let asked = "";
    for (let step = 0; step < 30 && asked !== counts(); step++) {
      asked = counts();
      await system.service.step();
    }
    system.alerts.length = 0;
    system.restartService();
    await system.stepUntil(() => system.roundIs("closed", 2));
    expect(counts()).to.equal(asked);
    expect((await system.reader.round())!.settled).to.equal(7);
  });

  it("tells a verifier nothing from which the reference, or even a guess of it, could be found out", async () => {
    let tasks = 0;
    for (const agent of system.agents) {
      const { wrapping, encryptionKeys } = agent.wrapper;
      for (const { place, enc, ciphertext } of agent.received) {
        const sealed = { enc: fromHex(enc), ciphertext: fromHex(ciphertext) };
        const keys = await encryptionKeys.forRound(place.round);
        const servicePublicKey = fromHex(wrapping.servicePublicKey);
        const opened = await openAuthenticated(sealed, taskInfo(place), keys, servicePublicKey);
        const { nonce, expected } = decodeTask(opened);
        const target = system.agentOf(place.target);
        const manifest = await measure(target.program);
        // The most that a verifier can have: the public image itself, and so the very measurement that is expected.
        const m = measurementOf(manifest);
        const seen = [Buffer.from(opened).toString(), ...agent.evidence].join("\n");
        for (const secret of [m, target.wrapper.wrapping.agentKey, ...manifest.files.map((file) => file.sha256!)]) {
          expect(seen).to.not.contain(secret.slice(2));
          expect(seen).to.not.contain(toBase64url(fromHex(secret)));
        }
        // With all keys that it knows of, the right measurement gives another answer: it cannot confirm its guess.
        const known = [new Uint8Array(0), new Uint8Array(32), fromHex(wrapping.agentKey), keys.privateKey];
        for (const key of known) expect(answerOf(m, key, nonce)).to.not.equal(expected);
        // With the one key that it lacks, the same try would succeed: this test looks in the right place.
        expect(answerOf(m, fromHex(target.wrapper.wrapping.agentKey), nonce)).to.equal(expected);
        if (++tasks === 6) return;
      }
    }
    expect.fail("too few tasks were given");
  });

  it("passes over a silent verifier, and gives a silent target a strike", async () => {
    const silent = system.agents[3]!;
    await system.stepUntil(() => system.roundIs("drawn", 3));
    await system.silence(silent);
    await system.stepUntil(() => system.roundIs("closed", 3), 200);
    const [asTarget] = (await system.registry.getFunction("strikesOf")(silent.account.address)) as [bigint, bigint];
    expect(asTarget).to.equal(1n);
    expect(system.alerts.map(({ kind }) => kind)).to.include("verifier-silent");
    expect((await system.reader.round())!.settled).to.equal(7);
    await system.speak(silent);
  });

  it("gathers other verdicts when a reorg draws the round anew", async () => {
    await system.stepUntil(() => system.roundIs("opened", 4));
    const before = await system.chain.rpc("evm_snapshot");
    await system.stepUntil(() => system.roundIs("drawn", 4));
    const { seed } = (await system.reader.round())!;
    const lost = { send: () => Promise.reject(new Error("the process ended")) };
    system.restartService({ sender: lost });
    await system.service.step();
    await system.chain.rpc("evm_revert", before);
    await system.chain.rpc("evm_increaseTime", 60);
    system.restartService();
    await system.stepUntil(() => system.roundIs("closed", 4), 200);
    const round = (await system.reader.round())!;
    expect(round.seed).to.not.equal(seed);
    expect(round.settled).to.equal(7);
    expect(await statuses()).to.deep.equal(Array(7).fill("trusted"));
  });

  it("sets off an alert when it comes too late to draw, and opens the next round", async () => {
    await system.stepUntil(() => system.roundIs("opened", 5));
    const { drawUntil } = (await system.reader.round())!;
    await system.chain.mine(drawUntil + 1 - (await system.reader.blockNumber()));
    system.alerts.length = 0;
    await system.stepUntil(() => system.roundIs("closed", 6));
    expect(system.alerts.map(({ kind, round }) => [kind, round])).to.deep.equal([["round-void", 5]]);
  });

  it("quarantines and convicts an agent whose code was patched in memory, and only that one", async () => {
    const victim = system.agents[5]!;
    await patchMemory(victim.wrapper.pid!, victim.program.command[0]);
    await system.stepUntil(() => system.roundIs("closed", 7), 200);
    expect(await system.status(victim)).to.equal("convicted");
    expect((await statuses()).filter((status) => status === "convicted")).to.have.length(1);
    expect(system.alerts.filter(({ kind }) => kind === "quarantined").map(({ agent }) => agent)).to.deep.equal([
      victim.account.address,
    ]);
  });
});

describe("attestation/service: the store", () => {
  const folder = tempFolders();

  it("gives back what was put, and shows nothing of it on disk", async () => {
    const dir = await folder();
    const store = await SealedStore.open(join(dir, "store"), join(dir, "key.json"));
    await store.put("reference 0xabc", { measurement: "the-secret-measurement" });
    expect(await store.get("reference 0xabc")).to.deep.equal({ measurement: "the-secret-measurement" });
    expect(await store.get("reference 0xdef")).to.equal(undefined);
    for (const name of await readdir(join(dir, "store"))) {
      expect(name).to.not.contain("0xabc");
      expect((await readFile(join(dir, "store", name))).toString("latin1")).to.not.contain("secret-measurement");
    }
  });

  it("does not open with another key, nor after a bit was turned", async () => {
    const dir = await folder();
    const store = await SealedStore.open(join(dir, "store"), join(dir, "key.json"));
    await store.put("a", 1);
    const [name] = await readdir(join(dir, "store"));
    const path = join(dir, "store", name!);
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    expect(await rejectionCode(store.get("a"))).to.equal("ERR_AUTH_ATTESTATION_STORE");
    // A store with records and no key does not begin anew.
    expect(await rejectionCode(SealedStore.open(join(dir, "store"), join(dir, "other.json")))).to.equal(
      "ERR_INPUT_FILE",
    );
  });
});
