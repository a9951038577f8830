import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { randomBytes } from "node:crypto";

import { expect } from "chai";
import { Contract } from "ethers";

import { eraseDisclosures, grantDisclosures, readDisclosures } from "../../agent/disclosures/disclosureCalls.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import type { CommitHook } from "../../relayer/store/database.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

describe("relayer: disclosures", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let client: RelayerClient;
  let actor: Actor;
  let failing = false;
  let nowSec: number;
  const hook: CommitHook = (point, name) => {
    if (failing && name === "log.append" && point === "before-commit") throw new Error("injected fault");
  };

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    await start();
    actor = await Actor.registered(chain);
  });

  // Not when the file is loaded: other tests may run for minutes before.
  beforeEach(() => {
    nowSec = Math.floor(Date.now() / 1_000);
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  async function start(): Promise<void> {
    relayer = await home.start({}, { commitHook: hook });
    client = new RelayerClient({ url: relayer.url, retry: { attempts: 1 } });
  }

  async function left(secret: string): Promise<{ entryId: Hex; disclosures: readonly string[]; leaf: string }> {
    const { leaf, disclosures, entryId } = await actor.sign({ input: { secret }, output: "done" });
    expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.equal(201);
    return { entryId, disclosures, leaf };
  }

  const as = (signer: SigningKey, links: readonly Delegation[] = []) => ({
    relayer: client,
    signer,
    subject: actor.key.did,
    chain: links,
    nowSec,
  });
  const grantTo = (reader: SigningKey, change: { entryIds?: readonly Hex[]; expiresAtSec?: number } = {}) =>
    grantDisclosures({ audience: reader.did, expiresAtSec: nowSec + 600, ...change }, actor.did, actor.key);

  it("gives them to the agent and to whom it allows, and to nobody else", async () => {
    const { entryId, disclosures } = await left("one");
    const reader = new SigningKey(randomBytes(32));
    const links = [await grantTo(reader)];
    expect(await readDisclosures(as(actor.key), entryId)).to.deep.equal(disclosures);
    expect(await readDisclosures(as(reader, links), entryId)).to.deep.equal(disclosures);
    const stranger = new SigningKey(randomBytes(32));
    expect(await rejectionCode(readDisclosures(as(stranger), entryId))).to.equal("ERR_AUTH_CONTRACT_MISSING");
    expect(await rejectionCode(readDisclosures(as(stranger, links), entryId))).to.equal("ERR_AUTH_CONTRACT_CHAIN");
    expect(await rejectionCode(eraseDisclosures(as(reader, links), entryId))).to.equal("ERR_AUTH_CONTRACT_SCOPE");
    // Another agent's key is no key of this one, though it signs for itself.
    const own = { ...as(stranger), subject: stranger.did };
    expect(await rejectionCode(readDisclosures(own, entryId))).to.equal("ERR_AUTH_SIGNING_KEY");
  });

  it("holds a grant to its entries, its time, and its revocation on chain", async () => {
    const { entryId } = await left("two");
    const other = await left("three");
    const reader = new SigningKey(randomBytes(32));
    const one = await grantTo(reader, { entryIds: [entryId] });
    expect(await readDisclosures(as(reader, [one]), entryId)).to.have.lengthOf(2);
    expect(await rejectionCode(readDisclosures(as(reader, [one]), other.entryId))).to.equal("ERR_AUTH_CONTRACT_SCOPE");
    const late = await grantTo(reader, { expiresAtSec: nowSec - 60 });
    expect(await rejectionCode(readDisclosures(as(reader, [late]), entryId))).to.equal("ERR_AUTH_CONTRACT_TIME");
    const { address } = chain.deployment.contracts.contractRegistry;
    const registry = new Contract(address, contractRegistryAbi, actor.account.connect(chain.provider));
    await mined(registry.getFunction("revoke").send(actor.account.address, [contractIdOf(one)]));
    expect(await rejectionCode(readDisclosures(as(reader, [one]), entryId))).to.equal("ERR_AUTH_CONTRACT_REVOKED");
  });

  it("refuses a call that was made for another entry", async () => {
    const [a, b] = [await left("four"), await left("five")];
    let body: unknown;
    const tapped = { log: () => client.log(), readDisclosures: (_: Hex, call: unknown) => ((body = call), []) };
    await readDisclosures({ ...as(actor.key), relayer: tapped as never }, a.entryId);
    expect((await relayer.post(`/v1/entries/${a.entryId}/disclosures:read`, body)).status).to.equal(200);
    const moved = await relayer.post(`/v1/entries/${b.entryId}/disclosures:read`, body);
    expect([moved.status, moved.body.code]).to.deep.equal([403, "ERR_AUTH_CONTRACT_SCOPE"]);
    const erasing = await relayer.post(`/v1/entries/${a.entryId}/disclosures:erase`, body);
    expect([erasing.status, erasing.body.code]).to.deep.equal([403, "ERR_AUTH_CONTRACT_SCOPE"]);
  });

  it("refuses disclosures that the entry does not commit to, and the entry with them", async () => {
    const { leaf, entryId } = await actor.sign({ input: "true" });
    const { disclosures } = actor.signAt(await actor.block(), { input: "false" }, { seq: 99 });
    const refused = await relayer.post("/v1/entries", { leaf, disclosures });
    expect([refused.status, refused.body.code]).to.deep.equal([400, "ERR_INPUT_DISCLOSURE"]);
    expect((await relayer.post("/v1/entries", { leaf })).status).to.equal(201);
    expect(await rejectionCode(readDisclosures(as(actor.key), entryId))).to.equal("ERR_NOT_FOUND_DISCLOSURE");
  });

  it("keeps what comes later with the same entry, and what comes with a commit that failed once", async () => {
    const { leaf, disclosures, entryId } = await actor.sign({ input: "later", output: "all" });
    await relayer.post("/v1/entries", { leaf, disclosures: disclosures.slice(0, 1) });
    expect(await readDisclosures(as(actor.key), entryId)).to.deep.equal(disclosures.slice(0, 1));
    expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.equal(200);
    expect(await readDisclosures(as(actor.key), entryId)).to.deep.equal(disclosures);
    const failed = await actor.sign({ input: "again" });
    const submission = { leaf: failed.leaf, disclosures: failed.disclosures };
    failing = true;
    expect((await relayer.post("/v1/entries", submission)).status).to.equal(503);
    failing = false;
    expect((await relayer.post("/v1/entries", submission)).status).to.equal(201);
    expect(await readDisclosures(as(actor.key), failed.entryId)).to.deep.equal(failed.disclosures);
  });

  it("erased means gone: for readers, after a restart, for those who send them again, and from the files", async () => {
    const kept = await left("a payload that stays");
    const gone = await left("a payload that goes");
    const key = await slotOf(gone.entryId);
    expect((await bytesOnDisk()).includes(key)).to.equal(true);
    expect(await eraseDisclosures(as(actor.key), gone.entryId)).to.equal(true);
    expect(await eraseDisclosures(as(actor.key), gone.entryId)).to.equal(false);
    const again = { leaf: gone.leaf, disclosures: gone.disclosures };
    expect((await relayer.post("/v1/entries", again)).status).to.equal(200);
    expect(await rejectionCode(readDisclosures(as(actor.key), gone.entryId))).to.equal("ERR_NOT_FOUND_DISCLOSURE");
    const erased = await bytesOnDisk();
    expect(erased.includes(key)).to.equal(false);
    for (const text of gone.disclosures) expect(erased.includes(text)).to.equal(false);
    await relayer.close();
    await start();
    expect(await rejectionCode(readDisclosures(as(actor.key), gone.entryId))).to.equal("ERR_NOT_FOUND_DISCLOSURE");
    expect(await readDisclosures(as(actor.key), kept.entryId)).to.deep.equal(kept.disclosures);
    // The log is untouched: the entry and its receipt are there.
    expect((await relayer.get(`/v1/entries/${gone.entryId}`)).body.leaf).to.equal(gone.leaf);
  });

  /** The only thing that opens an entry's disclosures: 32 bytes in the key file. */
  async function slotOf(entryId: Hex): Promise<Buffer> {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(join(home.dir, "relayer.db"), { readOnly: true });
    const row = database
      .prepare("SELECT slot FROM disclosure WHERE entry_id = ?")
      .get(Buffer.from(entryId.slice(2), "hex"));
    database.close();
    const { slot } = row as { slot: number };
    return (await readFile(join(home.dir, "disclosures.key"))).subarray(slot * 32, slot * 32 + 32);
  }

  async function bytesOnDisk(): Promise<Buffer> {
    const files = (await readdir(home.dir)).filter((name) => /^(relayer\.db|disclosures)/.test(name));
    expect(files).to.include.members(["relayer.db", "relayer.db-wal", "disclosures.key"]);
    return Buffer.concat(await Promise.all(files.map((name) => readFile(join(home.dir, name)))));
  }
});
