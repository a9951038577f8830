import { randomBytes } from "node:crypto";

import { expect } from "chai";

import { SigningKey } from "../../agent/keys/signingKey.ts";
import { signEntry } from "../../agent/entry/signEntry.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { Actor, testPolicy } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

const otherHash = `0x${"cd".repeat(32)}` as Hex;

/** Each case differs from an entry that is taken (the last assertion of each) in one thing. */
describe("relayer: entries it refuses", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let actor: Actor;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_MAX_BLOCK_AGE: "8" });
    relayer = await home.start();
  });

  beforeEach(async () => {
    actor = await Actor.registered(chain);
    const first = await relayer.post("/v1/entries", { leaf: (await actor.sign()).leaf });
    expect(first.status).to.equal(201);
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  async function expectRefusal(leaf: string, status: number, problem: Record<string, unknown>): Promise<void> {
    const answer = await relayer.post("/v1/entries", { leaf });
    expect(answer.status).to.equal(status);
    expect(answer.headers.get("content-type")).to.contain("application/problem+json");
    expect(answer.body).to.include({ type: `urn:affiant:error:${String(problem["code"])}`, status, ...problem });
  }

  async function expectTaken(): Promise<void> {
    expect((await relayer.post("/v1/entries", { leaf: (await actor.sign()).leaf })).status).to.equal(201);
  }

  it("a gap in seq", async () => {
    const { leaf } = await actor.sign({}, { seq: 2, prev: otherHash });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_SEQ_GAP", expectedSeq: 1 });
    await expectTaken();
  });

  it("a prev that is not the last entry", async () => {
    const { leaf } = await actor.sign({}, { seq: 1, prev: otherHash });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_PREV", expectedPrev: actor.prev });
    await expectTaken();
  });

  it("another entry at a taken seq, which is kept as evidence", async () => {
    const known = actor.prev;
    const rival = await actor.sign({ act: "other.act" }, { seq: 0, prev: null });
    await expectRefusal(rival.leaf, 409, { code: "ERR_CONFLICT_SEQ_TAKEN", knownEntryId: known });
    const { body } = await relayer.get(`/v1/agents/${actor.did}/equivocations`);
    expect(body.rivals).to.deep.equal([{ seq: 0, entryId: rival.entryId, leaf: rival.leaf }]);
    await expectTaken();
  });

  it("a block with another hash", async () => {
    const nb = { ...(await actor.block()), blockHash: otherHash };
    const { leaf } = await actor.sign({}, { nb, seq: actor.seq });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_BLOCK_UNKNOWN" });
    await expectTaken();
  });

  it("a block that is not there yet", async () => {
    const latest = await actor.block();
    const { leaf } = await actor.sign({}, { nb: { ...latest, blockNumber: latest.blockNumber + 1 }, seq: actor.seq });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_BLOCK_UNKNOWN", headBlockNumber: latest.blockNumber });
    await expectTaken();
  });

  it("a block that is too old", async () => {
    const nb = await actor.block();
    const { leaf } = await actor.sign({}, { nb, seq: actor.seq });
    await chain.mine(9);
    await relayer.get("/readyz");
    await eventuallyRefused(leaf);
    await expectTaken();
  });

  async function eventuallyRefused(leaf: string): Promise<void> {
    // The relayer's view of the head may be one poll behind: a newer not-before block makes it look.
    const other = await Actor.registered(chain);
    await relayer.post("/v1/entries", { leaf: (await other.sign()).leaf });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_BLOCK_TOO_OLD", maxBlockAge: 8 });
  }

  it("a block before that of the entry before", async () => {
    const nb = await actor.block();
    await chain.mine(1);
    await expectTaken();
    const { leaf } = await actor.sign({}, { nb, seq: actor.seq });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_BLOCK_ORDER", lastBlockNumber: nb.blockNumber + 1 });
    await expectTaken();
  });

  it("a policy that was not in force", async () => {
    const { leaf } = await actor.sign({}, { policy: otherHash, seq: actor.seq });
    await expectRefusal(leaf, 409, { code: "ERR_CONFLICT_POLICY", policyInForce: testPolicy });
    await expectTaken();
  });

  it("an agent that is not registered", async () => {
    const stranger = new Actor(chain);
    await expectRefusal((await stranger.sign()).leaf, 403, { code: "ERR_AUTH_AGENT_INACTIVE" });
  });

  it("an agent of another chain", async () => {
    const iss = formatEthrDid(1n, actor.account.address);
    const nb = { ...(await actor.block()), chainId: 1 };
    await expectRefusal((await actor.sign({}, { iss, nb, seq: actor.seq })).leaf, 409, {
      code: "ERR_CONFLICT_CHAIN_ID",
    });
    await expectTaken();
  });

  it("a key that is not the agent's", async () => {
    const nb = await actor.block();
    const place = { iss: actor.did, seq: 1, prev: actor.prev, nb, policy: testPolicy, iat: 1_800_000_000 };
    const { leaf } = signEntry({ act: "test.act" }, place, new SigningKey(randomBytes(32)));
    await expectRefusal(leaf, 403, { code: "ERR_AUTH_SIGNING_KEY" });
    await expectTaken();
  });

  it("a signature with one bit changed", async () => {
    const { leaf } = await actor.sign();
    const at = leaf.lastIndexOf(".") + 1;
    const changed = leaf.slice(0, at) + (leaf[at] === "A" ? "B" : "A") + leaf.slice(at + 1);
    await expectRefusal(changed, 422, { code: "ERR_PROOF_SIGNATURE" });
    expect((await relayer.post("/v1/entries", { leaf })).status).to.equal(201);
  });

  it("a leaf over the limit, and a disclosure that is not the entry's", async () => {
    await expectRefusal("a".repeat(65_536), 413, { code: "ERR_LIMIT_ENTRY_SIZE" });
    const [mine, other] = [await actor.sign({ input: 1 }), new Actor(chain)];
    const foreign = await other.sign({ input: 2 });
    const wrong = await relayer.post("/v1/entries", { leaf: mine.leaf, disclosures: foreign.disclosures });
    expect(wrong.body.code).to.equal("ERR_INPUT_DISCLOSURE");
    const right = await relayer.post("/v1/entries", { leaf: mine.leaf, disclosures: mine.disclosures });
    expect(right.status).to.equal(201);
  });

  it("a deactivated agent, though what it sent before is still answered", async () => {
    const { leaf } = await actor.sign();
    const first = await relayer.post("/v1/entries", { leaf });
    const owner = chain.agents.connect(actor.account.connect(chain.provider)) as typeof chain.agents;
    await mined(owner["deactivate"]!(actor.account.address, `0x${"0".repeat(40)}`));
    const again = await relayer.post("/v1/entries", { leaf });
    expect([again.status, again.body]).to.deep.equal([200, first.body]);
  });

  it("bodies that are no request", async () => {
    expect((await relayer.post("/v1/entries", "{")).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await relayer.post("/v1/entries", { leaf: 1 })).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await relayer.post("/v1/entries:batch", { entries: [] })).body.code).to.equal("ERR_INPUT_MALFORMED");
    const many = Array.from({ length: 257 }, () => ({ leaf: "x" }));
    expect((await relayer.post("/v1/entries:batch", { entries: many })).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await relayer.get("/v1/nothing")).body.code).to.equal("ERR_NOT_FOUND_ROUTE");
  });

  it("more at once than its queue holds, with a time to come back", async () => {
    const crowded = await RelayerHome.make(chain, { AFFIANT_QUEUE_LIMIT: "1" });
    const tooMany = await crowded.start();
    const actor = await Actor.registered(chain);
    const entries = [{ leaf: (await actor.sign()).leaf }, { leaf: (await actor.sign()).leaf }];
    const refused = await tooMany.post("/v1/entries:batch", { entries });
    const problems = (refused.body.results as { problem: { status: number; code: string } }[]).map(
      ({ problem }) => problem,
    );
    expect(problems.map(({ status, code }) => [status, code])).to.deep.equal(
      Array(2).fill([503, "ERR_UNAVAILABLE_QUEUE"]),
    );
    // What is nobody's takes no place in it, and is told what is wrong with it.
    const invented = await tooMany.post("/v1/entries:batch", { entries: [{ leaf: "x" }, { leaf: "x" }] });
    await tooMany.close();
    await crowded.remove();
    const codes = (invented.body.results as { problem: { code: string } }[]).map(({ problem }) => problem.code);
    expect(codes).to.deep.equal(["ERR_INPUT_ENTRY", "ERR_INPUT_ENTRY"]);
  });

  it("more of a batch than a trial, if none of it is new and its agent's own", async () => {
    const actor = await Actor.registered(chain);
    const own = await Promise.all(Array.from({ length: 40 }, () => actor.block())).then((blocks) =>
      blocks.map((nb) => ({ leaf: actor.signAt(nb).leaf })),
    );
    const codesOf = async (entries: readonly { leaf: string }[]) => {
      const { body } = await relayer.post("/v1/entries:batch", { entries });
      return (body.results as { status: number; problem?: { code: string } }[]).map(
        ({ status, problem }) => problem?.code ?? status,
      );
    };
    const stranger = new Actor(chain);
    const nb = await actor.block();
    const invented = Array.from({ length: 40 }, () => ({ leaf: stranger.signAt(nb).leaf }));
    const [first, rest] = [Array(32), Array(8)];
    expect(await codesOf(invented)).to.deep.equal([
      ...first.fill("ERR_AUTH_AGENT_INACTIVE"),
      ...rest.fill("ERR_LIMIT_RATE"),
    ]);
    expect(await codesOf(own)).to.deep.equal(Array(40).fill(201));
    // Everybody can read what is in the log: sent again it is answered, so much at a time.
    expect(await codesOf(own)).to.deep.equal([...first.fill(200), ...rest.fill("ERR_LIMIT_RATE")]);
    expect(await codesOf(own.slice(32))).to.deep.equal(Array(8).fill(200));
    // Keys that nobody has heard of are costly to look at: four of them, unless one is its agent's own.
    const strangers = Array.from({ length: 8 }, () => ({ leaf: new Actor(chain).signAt(nb).leaf }));
    expect(await codesOf(strangers)).to.deep.equal([
      ...Array<string>(4).fill("ERR_AUTH_AGENT_INACTIVE"),
      ...Array<string>(4).fill("ERR_LIMIT_RATE"),
    ]);
    const late = { leaf: actor.signAt(nb).leaf };
    expect(await codesOf([...strangers.slice(0, 3), late, ...strangers.slice(3)])).to.deep.equal([
      ...Array<string>(3).fill("ERR_AUTH_AGENT_INACTIVE"),
      201,
      ...Array<string>(5).fill("ERR_AUTH_AGENT_INACTIVE"),
    ]);
    // The same key under names that it does not have: the chain is asked about four of them.
    const key = new SigningKey(randomBytes(32));
    const names = Array.from({ length: 8 }, () => {
      const iss = formatEthrDid(31337n, `0x${randomBytes(20).toString("hex")}`);
      const place = { iss, seq: 0, prev: null, nb, policy: testPolicy, iat: 1_800_000_000 };
      return { leaf: signEntry({ act: "test.act" }, place, key).leaf };
    });
    expect(await codesOf(names)).to.deep.equal([
      ...Array<string>(4).fill("ERR_AUTH_AGENT_INACTIVE"),
      ...Array<string>(4).fill("ERR_LIMIT_RATE"),
    ]);
  });
});
