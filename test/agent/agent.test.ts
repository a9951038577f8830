import { cp, rm } from "node:fs/promises";

import { expect } from "chai";

import { openPolicy, closedPolicy, startWorld, type World } from "./world/world.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { openDisclosures } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { rejection } from "../helpers/rejection.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("agent: against a real chain and relayer", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());
  afterEach(() => world.proxy.heal());

  const leaves = (dataDirAgent: Awaited<ReturnType<World["open"]>>) =>
    dataDirAgent.journal.entriesFrom(0, 1000).map(({ leaf }) => leaf);

  /** The agent's entries as the relayer has them. */
  async function logged(did: string): Promise<string[]> {
    const { body } = await world.relayer.get(`/v1/agents/${did}/entries?from=0&limit=256`);
    return (body as { entries: { leaf: string }[] }).entries.map(({ leaf }) => leaf);
  }

  describe("coming to be", () => {
    it("registers, once", async () => {
      const dataDir = await folder();
      await world.create(dataDir, "a");
      const agent = await world.open(dataDir, "a");
      expect(await agent.register()).to.deep.equal({ added: true });
      expect(await agent.register()).to.deep.equal({ added: false });
      expect(await world.chain.agents["isActive"]!(agent.address)).to.equal(true);
      agent.close();
    });

    it("commits a policy, once, and leaves the bundle with the relayer", async () => {
      const agent = await world.ready(await folder(), "a");
      const policyHash = policyHashOf(openPolicy);
      expect(await agent.policy()).to.include({ policyHash, version: 1 });
      expect(await agent.commitPolicy(openPolicy)).to.include({ policyHash, version: 1, added: false });
      expect(await agent.commitPolicy(closedPolicy)).to.include({ version: 2, added: true });
      expect(await agent.commitPolicy(openPolicy)).to.include({ policyHash, version: 3, added: true });
      expect(await agent.relayer.policy(policyHash)).to.deep.equal(openPolicy);
      agent.close();
    });

    it("sends the same request again when the answer was lost, and the chain sees it once", async () => {
      const dataDir = await folder();
      await world.create(dataDir, "a");
      const agent = await world.open(dataDir, "a");
      world.proxy.when("POST", /^\/v1\/requests$/, (nth) => (nth < 2 ? { kind: "lose" } : undefined));
      const from = world.proxy.seen.length;
      await agent.register();
      const sent = world.proxy.seen.slice(from).filter(({ path }) => path === "/v1/requests");
      expect(sent).to.have.length(3);
      expect(new Set(sent.map(({ body }) => body)).size).to.equal(1);
      expect(new Set(sent.map(({ headers }) => headers["idempotency-key"])).size).to.equal(1);
      agent.close();
    });

    it("goes on waiting for the same request after a crash", async () => {
      const dataDir = await folder();
      await world.create(dataDir, "a");
      const before = await world.open(dataDir, "a", { retry: { attempts: 1 } });
      world.proxy.when("GET", /^\/v1\/requests\//, () => ({ kind: "drop" }));
      expect(await rejectionCode(before.register())).to.equal("ERR_UNAVAILABLE_RELAYER");
      const pending = before.journal.pendingCall("register");
      before.close();
      world.proxy.heal();

      const from = world.proxy.seen.length;
      const after = await world.open(dataDir, "a");
      await after.register();
      const [sent] = world.proxy.seen.slice(from).filter(({ path }) => path === "/v1/requests");
      // Either it was mined in the meantime and nothing is sent, or the very same call goes out.
      if (sent) expect(JSON.parse(sent.body)).to.include({ data: pending?.data });
      expect(after.journal.pendingCall("register")).to.equal(null);
      expect(await world.chain.agents["isActive"]!(after.address)).to.equal(true);
      after.close();
    });

    it("cannot act before it is registered, nor before it has a policy", async () => {
      const dataDir = await folder();
      await world.create(dataDir, "a");
      const agent = await world.open(dataDir, "a");
      expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_CONFLICT_AGENT_UNREGISTERED");
      await agent.register();
      expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_CONFLICT_NO_POLICY");
      expect(agent.head, "nothing was signed").to.equal(null);
      await agent.commitPolicy(openPolicy);
      expect(await agent.record({ act: "test.act" })).to.include({ seq: 0, added: true });
      agent.close();
    });

    it("belongs to one chain", async () => {
      const dataDir = await folder();
      await world.create(dataDir, "a");
      const deployment = { ...world.chain.deployment, chainId: 5 };
      expect(await rejectionCode(world.open(dataDir, "a", { deployment }))).to.equal("ERR_CONFLICT_AGENT_CHAIN");
    });
  });

  describe("recording", () => {
    it("signs, numbers and links entries, and discloses nothing to the relayer", async () => {
      const agent = await world.ready(await folder(), "a");
      const from = world.proxy.seen.length;
      const first = await agent.record({ act: "test.act", input: { card: "4242" }, output: "paid", thread: "t-1" });
      const second = await agent.heartbeat();
      expect([first.seq, second.seq]).to.deep.equal([0, 1]);

      const [one, two] = agent.journal.entriesFrom(0, 2).map(({ leaf }) => decodeLeaf(leaf).claims);
      expect(one).to.include({ iss: agent.did, act: "test.act", kind: "act", thread: "t-1", prev: null });
      expect(two).to.include({ act: "heartbeat", kind: "heartbeat", prev: first.entryId });
      expect(one?.policy).to.equal(policyHashOf(openPolicy));
      const block = await world.chain.provider.getBlock(one!.nb.blockNumber);
      expect(block?.hash).to.equal(one?.nb.blockHash);

      const { disclosures } = agent.journal.entry(0)!;
      expect(openDisclosures(one!._sd, disclosures)).to.deep.equal({ input: { card: "4242" }, output: "paid" });
      const said = world.proxy.seen
        .slice(from)
        .map(({ body }) => body)
        .join();
      for (const text of disclosures) expect(said).to.not.contain(text);
      agent.close();
    });

    it("records a thousand acts in order, in batches", async () => {
      const agent = await world.ready(await folder(), "a");
      const from = world.proxy.seen.length;
      const recorded = await agent.recordMany(Array.from({ length: 1000 }, (_, i) => ({ act: "test.act", input: i })));
      expect(recorded.map(({ seq }) => seq)).to.deep.equal(Array.from({ length: 1000 }, (_, i) => i));
      const batches = world.proxy.seen.slice(from).filter(({ path }) => path === "/v1/entries:batch");
      expect(batches.length).to.be.lessThan(10);
      expect((await agent.relayer.head(agent.did)).count).to.equal(1000);
      agent.close();
    });

    it("shares a batch among acts that are recorded at once", async () => {
      const agent = await world.ready(await folder(), "a");
      await agent.record({ act: "test.act" });
      const from = world.proxy.seen.length;
      const recorded = await Promise.all(Array.from({ length: 100 }, () => agent.record({ act: "test.act" })));
      expect(recorded.map(({ seq }) => seq).sort((a, b) => a - b)).to.deep.equal(
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      const batches = world.proxy.seen.slice(from).filter(({ path }) => path === "/v1/entries:batch");
      expect(batches.length).to.be.lessThan(50);
      agent.close();
    });

    it("adds nothing under an idempotency key that was used, also after a restart", async () => {
      const dataDir = await folder();
      const agent = await world.ready(dataDir, "a");
      const act = { act: "test.act", input: { order: 7 }, idempotencyKey: "order-7" };
      const first = await agent.record(act);
      expect(await agent.record(act)).to.deep.equal({ ...first, added: false });
      agent.close();
      const again = await world.open(dataDir, "a");
      expect(await again.record(act)).to.deep.equal({ ...first, added: false });
      expect(again.journal.count()).to.equal(1);
      again.close();
    });

    for (const [what, change] of [
      ["act", { act: "forbidden.act" }],
      ["kind", { kind: "refusal" as const }],
      ["input", { input: { order: 8 } }],
      ["output", { output: "other" }],
      ["thread", { thread: "t-2" }],
    ] as const) {
      it(`refuses a known idempotency key for another ${what}`, async () => {
        const agent = await world.ready(await folder(), "a");
        const act = { act: "test.act", input: { order: 7 }, output: "ok", thread: "t-1", idempotencyKey: "order-7" };
        await agent.record(act);
        const error = await rejection(agent.record({ ...act, ...change }));
        expect(error).to.include({ code: "ERR_CONFLICT_IDEMPOTENCY_REUSED" });
        expect(isAffiantError(error) && error.details).to.deep.include({ seq: 0, differs: [what] });
        expect(agent.journal.count()).to.equal(1);
        agent.close();
      });
    }

    it("names the new policy as soon as it is committed", async () => {
      const agent = await world.ready(await folder(), "a");
      await agent.record({ act: "test.act" });
      await agent.commitPolicy(closedPolicy);
      await agent.record({ act: "test.act" });
      const policies = leaves(agent).map((leaf) => decodeLeaf(leaf).claims.policy);
      expect(policies).to.deep.equal([policyHashOf(openPolicy), policyHashOf(closedPolicy)]);
      agent.close();
    });
  });

  describe("when answers and connections are lost", () => {
    it("sends identical bytes until the answer comes, and the log has them once", async () => {
      const agent = await world.ready(await folder(), "a");
      world.proxy.when("POST", /entries:batch/, (nth) =>
        nth < 3 ? { kind: (["lose", "cut", "drop"] as const)[nth]! } : undefined,
      );
      const from = world.proxy.seen.length;
      const recorded = await agent.record({ act: "test.act", input: 1 });
      const bodies = world.proxy.seen
        .slice(from)
        .filter(({ path }) => path.endsWith(":batch"))
        .map(({ body }) => body);
      expect(bodies).to.have.length(4);
      expect(new Set(bodies).size).to.equal(1);
      expect(await logged(agent.did)).to.deep.equal(leaves(agent));
      expect(recorded.seq).to.equal(0);
      agent.close();
    });

    it("keeps what it signed when the relayer stays away, and sends it before anything new", async () => {
      const dataDir = await folder();
      const agent = await world.ready(dataDir, "a");
      await agent.record({ act: "test.act", input: 0 });
      world.proxy.when("POST", /entries:batch/, () => ({ kind: "drop" }));
      expect(await rejectionCode(agent.record({ act: "test.act", input: 1 }))).to.equal("ERR_UNAVAILABLE_RELAYER");
      const signed = leaves(agent);
      expect(signed).to.have.length(2);
      agent.close();

      world.proxy.heal();
      const again = await world.open(dataDir, "a");
      expect(await again.record({ act: "test.act", input: 2 })).to.include({ seq: 2 });
      expect((await logged(again.did)).slice(0, 2)).to.deep.equal(signed);
      again.close();
    });

    it("flushes what a crash left behind, byte for byte", async () => {
      const dataDir = await folder();
      const agent = await world.ready(dataDir, "a");
      world.proxy.when("POST", /entries:batch/, () => ({ kind: "lose" }));
      expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_UNAVAILABLE_RELAYER");
      const signed = leaves(agent);
      agent.close();
      world.proxy.heal();
      const again = await world.open(dataDir, "a");
      // The log has it, the agent was never told.
      expect(await logged(again.did)).to.deep.equal(signed);
      expect(await again.flush()).to.equal(1);
      expect(await again.flush()).to.equal(0);
      expect(await logged(again.did)).to.deep.equal(signed);
      again.close();
    });

    it("waits as long as a busy relayer asks it to, and tries again", async () => {
      const agent = await world.ready(await folder(), "a");
      const body = JSON.stringify({ status: 503, code: "ERR_UNAVAILABLE_QUEUE", detail: "busy", title: "", type: "" });
      const busy = { kind: "answer", status: 503, headers: { "retry-after": "0" }, body } as const;
      world.proxy.when("POST", /entries:batch/, (nth) => (nth < 2 ? busy : undefined));
      expect(await agent.record({ act: "test.act" })).to.include({ seq: 0 });
      agent.close();
    });

    it("signs nothing while it cannot ask what the log has", async () => {
      const agent = await world.ready(await folder(), "a");
      world.proxy.when("GET", /\/head$/, () => ({ kind: "drop" }));
      expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_UNAVAILABLE_RELAYER");
      expect(agent.head).to.equal(null);
      world.proxy.heal();
      expect(await agent.record({ act: "test.act" })).to.include({ seq: 0 });
      agent.close();
    });
  });

  describe("a lost or restored journal", () => {
    it("signs nothing when the journal is gone, and recovers from the log", async () => {
      const dataDir = await folder();
      const agent = await world.ready(dataDir, "a");
      await agent.recordMany(Array.from({ length: 300 }, (_, input) => ({ act: "test.act", input })));
      const signed = leaves(agent);
      agent.close();
      const { journal } = agentFolder(dataDir, "a");
      for (const suffix of ["", "-wal", "-shm"]) await rm(journal + suffix, { force: true });

      const bare = await world.open(dataDir, "a");
      const error = await rejection(bare.record({ act: "test.act" }));
      expect(error).to.include({ code: "ERR_CONFLICT_JOURNAL_BEHIND" });
      expect(isAffiantError(error) && error.details).to.deep.equal({ localSeq: null, logSeq: 299 });
      expect(bare.head).to.equal(null);

      expect(await bare.recover()).to.equal(300);
      expect(leaves(bare)).to.deep.equal(signed);
      expect(bare.journal.countByStatus()).to.include({ signed: 0 });
      expect(await bare.record({ act: "test.act" })).to.include({ seq: 300, added: true });
      expect(await bare.recover(), "nothing more").to.equal(0);
      bare.close();
    });

    it("signs nothing when an older journal was restored, and recovers the rest", async () => {
      const dataDir = await folder();
      const agent = await world.ready(dataDir, "a");
      await agent.record({ act: "test.act", input: 0 });
      agent.close();
      const { journal } = agentFolder(dataDir, "a");
      await cp(journal, `${journal}.backup`);
      const later = await world.open(dataDir, "a");
      await later.record({ act: "test.act", input: 1 });
      const signed = leaves(later);
      later.close();
      await cp(`${journal}.backup`, journal);

      const restored = await world.open(dataDir, "a");
      expect(await rejectionCode(restored.record({ act: "test.act" }))).to.equal("ERR_CONFLICT_JOURNAL_BEHIND");
      expect(await restored.recover()).to.equal(1);
      expect(leaves(restored)).to.deep.equal(signed);
      restored.close();
    });

    it("says so when the same agent acted from two places", async () => {
      const dataDir = await folder();
      const elsewhere = await folder();
      const agent = await world.ready(dataDir, "a");
      await agent.record({ act: "test.act", input: 0 });
      agent.close();
      await cp(dataDir, elsewhere, { recursive: true });

      // This one signs and cannot send; the copy signs another entry 1 and can.
      const offline = await world.open(dataDir, "a");
      await offline.flush();
      world.proxy.when("POST", /entries:batch/, () => ({ kind: "drop" }));
      expect(await rejectionCode(offline.record({ act: "test.act", input: "here" }))).to.equal(
        "ERR_UNAVAILABLE_RELAYER",
      );
      offline.close();
      world.proxy.heal();
      const copy = await world.open(elsewhere, "a");
      await copy.record({ act: "test.act", input: "there" });
      copy.close();

      const back = await world.open(dataDir, "a");
      const error = await rejection(back.record({ act: "test.act" }));
      expect(error).to.include({ code: "ERR_CONFLICT_JOURNAL_FORKED" });
      expect(isAffiantError(error) && error.details["seq"]).to.equal(1);
      expect(back.journal.count(), "nothing more was signed").to.equal(2);
      back.close();
    });
  });
});
