import { expect } from "chai";

import { join } from "node:path";

import { Journal } from "../../relayer/journal/journal.ts";
import { openDatabase } from "../../relayer/store/database.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { affiant } from "./run.ts";

const agent = `0x${"01".repeat(20)}`;
const lane = `0x${"aa".repeat(20)}`;

describe("affiant relayer", () => {
  const tempFolder = tempFolders();
  let data: string;

  /** What a relayer leaves that ended: one request that failed, one that waits. */
  beforeEach(async () => {
    data = await tempFolder();
    const database = openDatabase(join(data, "relayer.db"));
    const journal = new Journal(database);
    for (const id of ["dead", "alive"]) {
      const place = { kind: "request", agent, target: agent, data: Uint8Array.of(1), lane: null } as const;
      const simulation = { gasLimit: 21_000, blockNumber: 1 };
      const job = { id, dedupeKey: `request:${id}`, ...place };
      journal.addRequests([{ job, idempotencyKey: id, simulation }], { sinceMs: 0, requests: 0, gas: 0 });
    }
    const problem = { type: "about:blank", title: "no", status: 422, code: "ERR_PROOF_REVERTED", detail: "Expired" };
    journal.lane(lane, 1).fail("dead", JSON.stringify(problem));
    database.close();
  });

  it("shows dead letters with their reasons, and puts one back to the start", async () => {
    const jobs = (command: string, ...args: string[]) =>
      affiant(["relayer", "jobs", command, ...args, "--data", data, "--json"]);
    const dead = (await jobs("list")).json().jobs as { id: string; agent: string; why: string }[];
    expect(dead.map(({ id, why }) => [id, why])).to.deep.equal([["dead", "ERR_PROOF_REVERTED: Expired"]]);
    expect((await jobs("retry", "dead")).json().retried).to.deep.equal([{ id: "dead", as: "dead" }]);
    const open = (await jobs("list", "--state", "open")).json().jobs as { id: string }[];
    expect(open.map(({ id }) => id).sort()).to.deep.equal(["alive", "dead"]);
    const again = await jobs("retry", "alive");
    expect(again.code).not.to.equal(0);
    expect(again.stdout + again.stderr).to.contain("ERR_CONFLICT_JOB_STATE");
  });

  it("backs a folder up into an empty one", async () => {
    const to = join(data, "copy");
    const backup = () => affiant(["relayer", "backup", to, "--data", data, "--json"]);
    expect((await backup()).json()).to.deep.include({ jobs: 2, files: ["relayer.db"] });
    const second = await backup();
    expect(second.code).not.to.equal(0);
    expect(second.stdout + second.stderr).to.contain("ERR_INPUT_DATA_FOLDER");
  });
});
