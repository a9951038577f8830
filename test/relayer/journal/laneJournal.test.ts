import { expect } from "chai";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";

import type { NewAttempt, NewRequest } from "../../../relayer/journal/job.ts";
import { Journal } from "../../../relayer/journal/journal.ts";
import { type Database, openDatabase } from "../../../relayer/store/database.ts";
import { migrations } from "../../../relayer/store/migrations.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const [laneA, laneB] = [`0x${"aa".repeat(20)}`, `0x${"bb".repeat(20)}`];
const agent = `0x${"01".repeat(20)}`;
const unlimited = { sinceMs: 0, requests: 0, gas: 0 };

function request(id: string, gasLimit = 100_000): NewRequest {
  const job = { id, dedupeKey: `request:${id}`, kind: "request", agent, target: agent, lane: null } as const;
  const simulation = { gasLimit, blockNumber: 7 };
  return { job: { ...job, data: Uint8Array.of(1, 2, 3, 4) }, idempotencyKey: `key-${id}`, simulation };
}

function attempt(jobId: string, lane: string, nonce: number): NewAttempt {
  const hash = `0x${jobId}${nonce}`;
  return { hash, jobId, lane, nonce, raw: "0x02", maxFeeWei: 3n, priorityFeeWei: 1n };
}

describe("relayer: the journal of a lane", () => {
  const tempFolder = tempFolders();
  let database: Database;
  let journal: Journal;

  beforeEach(async () => {
    database = openDatabase(join(await tempFolder(), "relayer.db"));
    journal = new Journal(database, () => 1_000);
  });

  afterEach(() => {
    database.close();
  });

  it("gives each waiting request to one lane", () => {
    journal.addRequests(
      ["1", "2", "3"].map((id) => request(id)),
      unlimited,
    );
    const [a, b] = [journal.lane(laneA, 0), journal.lane(laneB, 0)];
    a.take(2);
    b.take(2);
    expect(a.inState("simulated").map(({ id }) => id)).to.deep.equal(["1", "2"]);
    expect(b.inState("simulated").map(({ id }) => id)).to.deep.equal(["3"]);
  });

  it("lets other lanes have what one gives back, but not what it has signed", () => {
    journal.addRequests([request("1"), request("2")], unlimited);
    const [a, b] = [journal.lane(laneA, 0), journal.lane(laneB, 0)];
    a.take(2);
    a.claim([attempt("1", laneA, 0)]);
    a.giveBack();
    b.take(2);
    expect(b.inState("simulated").map(({ id }) => id)).to.deep.equal(["2"]);
    expect(a.inState("signed").map(({ id, nonce }) => [id, nonce])).to.deep.equal([["1", 0]]);
  });

  it("counts each lane's nonces on their own", () => {
    journal.addRequests([request("1"), request("2")], unlimited);
    const [a, b] = [journal.lane(laneA, 0), journal.lane(laneB, 0)];
    a.take(1);
    b.take(1);
    a.claim([attempt("1", laneA, 5)]);
    b.claim([attempt("2", laneB, 0)]);
    expect([a.nextNonce(), b.nextNonce()]).to.deep.equal([6, 1]);
  });

  it("refuses a nonce that was claimed, with nothing written", () => {
    journal.addRequests([request("1"), request("2")], unlimited);
    const lane = journal.lane(laneA, 0);
    lane.take(2);
    lane.claim([attempt("1", laneA, 0)]);
    expect(thrownCode(() => lane.claim([attempt("2", laneA, 0)]))).to.equal("ERR_CONFLICT_LANE_LOST");
    expect(lane.inState("simulated").map(({ id }) => id)).to.deep.equal(["2"]);
    expect(journal.attempts("2")).to.deep.equal([]);
  });

  it("refuses every write under a token below one that wrote", () => {
    journal.addRequests([request("1")], unlimited);
    const before = journal.lane(laneA, 3);
    before.take(1);
    journal.lane(laneA, 4).simulated([{ id: "1", simulation: { gasLimit: 9, blockNumber: 8 } }]);
    expect(thrownCode(() => before.claim([attempt("1", laneA, 0)]))).to.equal("ERR_CONFLICT_LANE_LOST");
    expect(thrownCode(() => before.fail("1", "{}"))).to.equal("ERR_CONFLICT_LANE_LOST");
    expect(journal.byId("1")).to.include({ state: "simulated", nonce: null, gasLimit: 9 });
    journal.lane(laneA, 4).claim([attempt("1", laneA, 0)]);
    expect(journal.byId("1")).to.include({ state: "signed", nonce: 0 });
  });

  it("starts a job over whose slot died, keeps its attempts, and counts the no-op in its place", () => {
    journal.addRequests([request("1")], unlimited);
    const lane = journal.lane(laneA, 0);
    lane.take(1);
    lane.claim([attempt("1", laneA, 0)]);
    const place = { kind: "noop", agent: null, target: laneA, data: new Uint8Array(), lane: laneA } as const;
    lane.fill({ id: "n", dedupeKey: "noop:n", ...place }, attempt("n", laneA, 0), { jobId: "1", error: null });
    expect(journal.byId("1")).to.include({ state: "accepted", lane: null, nonce: null, gasLimit: null });
    expect(journal.attempts("1").map(({ nonce }) => nonce)).to.deep.equal([0]);
    expect(journal.byId("n")).to.include({ state: "signed", nonce: 0, lane: laneA });
  });

  it("holds an agent to its gas, one request after the other, also when they come at once", () => {
    const requests = ["1", "2", "3"].map((id) => request(id, 100_000));
    const results = journal.addRequests(requests, { sinceMs: 0, requests: 0, gas: 250_000 });
    expect(results.map((result) => ("code" in result ? result.code : result.id))).to.deep.equal([
      "1",
      "2",
      "ERR_LIMIT_QUOTA",
    ]);
    expect(journal.byId("3")).to.equal(undefined);
  });

  it("holds an agent to its number of requests, also when they come at once", () => {
    const results = journal.addRequests([request("1"), request("2")], { sinceMs: 0, requests: 1, gas: 0 });
    expect(results.map((result) => ("code" in result ? result.code : result.id))).to.deep.equal([
      "1",
      "ERR_LIMIT_QUOTA",
    ]);
  });

  it("gives one key to one call, also when two come at once", () => {
    const second = { ...request("2"), idempotencyKey: "key-1" };
    const results = journal.addRequests([request("1"), second], unlimited);
    expect(results.map((result) => ("code" in result ? result.code : result.id))).to.deep.equal([
      "1",
      "ERR_CONFLICT_IDEMPOTENCY_KEY",
    ]);
    expect(journal.byId("2")).to.equal(undefined);
  });

  it("takes over a journal of one key: what was on its way stays with its account, what waits is for all", async () => {
    const old = join(await tempFolder(), "relayer.db");
    const sql = new DatabaseSync(old);
    // As the relayer before lanes left it.
    sql.exec(`${migrations.slice(0, 2).join(";")}; PRAGMA user_version = 2;
      INSERT INTO lane (address, next_nonce) VALUES ('${laneA}', 4);
      INSERT INTO job (id, dedupe_key, kind, target, data, state, accepted_at_ms, changed_at_ms)
        VALUES ('w', 'w', 'request', '${agent}', x'01', 'accepted', 1, 1);
      INSERT INTO job (id, dedupe_key, kind, target, data, state, lane, nonce, accepted_at_ms, changed_at_ms)
        VALUES ('s', 's', 'request', '${agent}', x'01', 'broadcast', '${laneA}', 3, 1, 1);
      INSERT INTO job (id, dedupe_key, kind, target, data, state, accepted_at_ms, changed_at_ms)
        VALUES ('r', 'r', 'anchor', '${agent}', x'01', 'accepted', 1, 1);`);
    sql.close();
    const opened = openDatabase(old);
    try {
      const taken = new Journal(opened);
      taken.adoptOwnJobs(laneA);
      const [a, b] = [taken.lane(laneA, 0), taken.lane(laneB, 0)];
      b.take(5);
      expect(b.inState("accepted").map(({ id }) => id)).to.deep.equal(["w"]);
      expect(a.inState("accepted").map(({ id }) => id)).to.deep.equal(["r"]);
      expect(a.inState("broadcast").map(({ id, nonce }) => [id, nonce])).to.deep.equal([["s", 3]]);
      expect(a.nextNonce()).to.equal(4);
      expect(taken.busyLanes().sort()).to.deep.equal([laneA, laneB]);
    } finally {
      opened.close();
    }
  });
});
