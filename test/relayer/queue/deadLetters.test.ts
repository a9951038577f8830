import { expect } from "chai";

import { join } from "node:path";

import type { Rpc } from "../../../relayer/chain/rpc.ts";
import { RpcError } from "../../../relayer/chain/endpoint.ts";
import type { NewJob } from "../../../relayer/journal/job.ts";
import { JobDesk } from "../../../relayer/journal/jobDesk.ts";
import { Journal } from "../../../relayer/journal/journal.ts";
import type { Lane } from "../../../relayer/sender/lane.ts";
import { type Database, openDatabase } from "../../../relayer/store/database.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { laneOn } from "../sender/laneOn.ts";

const target = `0x${"11".repeat(20)}`;
const poison = "0x00000bad";

/** A node that cannot run one call, and is well otherwise. */
const node: Rpc = {
  troubles: () => [],
  call: (method, params) => {
    const text = JSON.stringify(params);
    if (method === "eth_call" && text.includes(poison)) {
      return Promise.reject(new RpcError(-32603, "Internal error", undefined));
    }
    const answers: Record<string, unknown> = {
      eth_getBlockByNumber: { number: "0x1", hash: "0x01", parentHash: "0x00", timestamp: "0x1", baseFeePerGas: "0x1" },
      eth_getTransactionCount: "0x0",
      eth_getBalance: "0xde0b6b3a7640000",
      eth_call: "0x",
      eth_estimateGas: "0xc350",
      eth_sendRawTransaction: "0x00",
      eth_getTransactionReceipt: null,
    };
    return Promise.resolve(answers[method]);
  },
};

describe("relayer: requests that wait, and dead letters", () => {
  const tempFolder = tempFolders();
  let database: Database;
  let journal: Journal;
  let lane: Lane;
  let desk: JobDesk;
  let nowMs = 1_000_000;

  beforeEach(async () => {
    const dir = await tempFolder();
    database = openDatabase(join(dir, "relayer.db"));
    journal = new Journal(database, () => nowMs);
    desk = new JobDesk(database, () => nowMs);
    ({ lane } = laneOn(node, dir, journal, 1));
  });

  afterEach(() => database.close());

  function add(id: string, data: string, kind: NewJob["kind"] = "request"): void {
    const bytes = Buffer.from(data.slice(2), "hex");
    journal.add({ id, dedupeKey: `request:${id}`, kind, agent: target, target, data: bytes, lane: null });
  }

  const write = (text: string) => database.transaction("job.fail", () => database.sql.exec(text));
  const stateOf = (id: string) => journal.byId(id)?.state;

  it("a call that the node cannot run waits by itself and lets the others pass", async () => {
    add("bad", poison);
    add("good", "0x600dca11");
    await lane.work();
    expect([stateOf("bad"), stateOf("good")]).to.deep.equal(["accepted", "broadcast"]);
    const [line] = desk.list("accepted", 10);
    expect(line).to.include({ id: "bad", setbacks: 1, why: "the node could not run the call: Internal error" });
    expect(journal.hasUntaken(), "not before its time").to.equal(false);
    nowMs += 2_000;
    expect(journal.hasUntaken()).to.equal(true);
  });

  it("it waits longer each time, and fails in the end for the operator to look at", async () => {
    add("bad", poison);
    let tries = 0;
    const waitsMs: number[] = [];
    while (stateOf("bad") === "accepted") {
      await lane.work();
      tries++;
      const before = nowMs;
      while (stateOf("bad") === "accepted" && !journal.hasUntaken()) nowMs += 1_000;
      waitsMs.push(nowMs - before);
    }
    expect(tries).to.equal(13);
    expect(waitsMs.slice(0, 4)).to.deep.equal([2_000, 4_000, 8_000, 16_000]);
    expect(Math.max(...waitsMs)).to.equal(300_000);
    const [line] = desk.list("failed", 10);
    expect(line).to.include({ id: "bad", state: "failed" });
    expect(line?.why).to.contain("ERR_UNAVAILABLE_CHAIN");
  });

  it("a failed request is tried again under its id, with its count of tries at 0", async () => {
    add("bad", poison);
    write("UPDATE job SET setbacks = 12 WHERE id = 'bad'");
    await lane.work();
    expect(stateOf("bad")).to.equal("failed");
    expect(desk.retry("bad")).to.equal("bad");
    expect(desk.list("open", 10)[0]).to.include({ id: "bad", state: "accepted", setbacks: 0, why: undefined });
    expect(journal.hasUntaken()).to.equal(true);
  });

  it("one that reverted on chain becomes a new request, and its transaction stays on record", () => {
    add("reverted", "0x600dca11");
    write(`UPDATE job SET state = 'failed', tx_hash = '0xaa', gas_used = 21000, nonce = 0,
      error = '{"code":"ERR_PROOF_REVERTED","detail":"no"}' WHERE id = 'reverted'`);
    const next = desk.retry("reverted");
    expect(next).not.to.equal("reverted");
    expect(journal.byId("reverted")).to.include({ state: "failed", txHash: "0xaa", gasUsed: 21_000 });
    expect(journal.byDedupeKey("request:reverted")).to.include({ id: next, state: "accepted" });
    expect(
      thrownCode(() => desk.retry("reverted")),
      "twice",
    ).to.equal("ERR_CONFLICT_JOB_STATE");
  });

  it("tries nothing again that did not fail, that is its own, or that is not there", () => {
    add("waiting", "0x600dca11");
    add("own", "0x600dca12", "noop");
    write("UPDATE job SET state = 'failed', error = '{}' WHERE id = 'own'");
    expect(thrownCode(() => desk.retry("waiting"))).to.equal("ERR_CONFLICT_JOB_STATE");
    expect(thrownCode(() => desk.retry("own"))).to.equal("ERR_CONFLICT_JOB_STATE");
    expect(thrownCode(() => desk.retry("nobody"))).to.equal("ERR_NOT_FOUND_JOB");
  });
});
