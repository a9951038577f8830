import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Conductor, type ConductorOptions } from "../../../orchestrator/conductor/conductor.ts";
import type { Pipeline, PipelineAgent } from "../../../orchestrator/descriptor/pipeline.ts";
import { type Incumbent, Records } from "../../../orchestrator/state/records.ts";
import { StateFile, stateFileIn } from "../../../orchestrator/state/stateFile.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejection } from "../../helpers/rejection.ts";

const failure = (name: string) => new AffiantError("ERR_UNAVAILABLE_PROCESS", `${name} ended before it was ready`);

describe("orchestrator/conductor: one agent that fails", () => {
  let dir: string;
  let records: Records;
  let close: () => void;
  let told: string[];
  let wrapped: string[];
  let attested: string[];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-conductor-"));
    const file = new StateFile(stateFileIn(dir));
    records = new Records(file);
    close = () => file.close();
    [told, wrapped, attested] = [[], [], []];
  });

  afterEach(() => {
    close();
    rmSync(dir, { recursive: true, force: true });
  });

  const agent = (name: string, startAfter: readonly string[] = []) =>
    ({ name, startAfter, memoryMb: 1, cpuMillis: 1, sites: ["here"] }) as unknown as PipelineAgent;

  /** @param wrong names of agents that fail, in which phase; `never` is attested when it is given up */
  function conductor(wrong: { wrap?: string[]; attest?: string[]; never?: string[] }): Conductor {
    const agents = [agent("first"), agent("second", ["first"]), agent("third")];
    const place = {
      sites: [{ name: "here", memoryMb: 99, cpuMillis: 99 }],
      latency: [],
      connectivity: [],
      contracts: [],
    };
    const placement = { apart: [], together: [] };
    const pipeline = { ...place, placement, name: "p", agents, groups: [] } as unknown as Pipeline;
    const fleet = {
      prepare: async (_: unknown, { name }: PipelineAgent, site: string) =>
        records.keep({ agent: name, generation: 1, folder: name, site, release: "r", version: 1, state: "wanted" }),
      wrap: async (_: unknown, { name }: PipelineAgent, incumbent: Incumbent) => {
        if (wrong.wrap?.includes(name)) throw failure(name);
        wrapped.push(name);
        return records.change(incumbent, { address: `0x${"0".repeat(39)}1`, state: "wrapped" });
      },
      attested: async ({ agent: name }: Incumbent) => {
        if (wrong.never?.includes(name)) return new Promise(() => undefined);
        if (wrong.attest?.includes(name)) throw failure(name);
        attested.push(name);
      },
    };
    const options = {
      records,
      fleet,
      deployment: {
        chainId: 1,
        contracts: { attestationRegistry: { address: `0x${"1".repeat(40)}`, blockNumber: 1 } },
      },
      account: { provider: {} },
      attestation: { standing: async () => ({ status: "enrolled" }), hastenRound: async () => undefined },
      self: { record: async () => undefined },
      stop: new AbortController().signal,
      onFailed: (name: string, error: unknown) => told.push(`${name}: ${(error as Error).message}`),
    };
    return new Conductor(pipeline, options as unknown as ConductorOptions);
  }

  const nothing = () => undefined;

  it("in configuration is told of, with why; those that start after it and all others come up, and nobody waits to attest it", async () => {
    const one = conductor({ wrap: ["first"] });
    await one.configure(nothing);
    expect(wrapped).to.have.members(["second", "third"]);
    await one.attest(nothing);
    expect(attested).to.have.members(["second", "third"]);
    expect(told).to.deep.equal(["first: first ended before it was ready"]);
  });

  it("in attestation is told of, and the others are attested", async () => {
    const one = conductor({ attest: ["third"] });
    await one.configure(nothing);
    await one.attest(nothing);
    expect(attested).to.have.members(["first", "second"]);
    expect(told).to.deep.equal(["third: third ended before it was ready"]);
  });

  it("whose processes cannot be kept running is waited for no longer", async () => {
    const one = conductor({ never: ["second"] });
    await one.configure(nothing);
    let news = "";
    await one.attest((done, of, what) => {
      news = `${done} of ${of}, ${what}`;
      if (done === 2) one.givenUp("second", failure("second"));
    });
    expect(news).to.equal("3 of 3, second");
    expect(told).to.deep.equal(["second: second ended before it was ready"]);
  });

  it("says of whom it still waits", async () => {
    const one = conductor({});
    const news: string[] = [];
    await one.configure((done, _of, what) => news.push(`${done} ${what}`));
    expect(news.at(-2)).to.match(/^2 \w+; still to come: \w+$/);
    expect(news.at(-1)).to.match(/^3 \w+$/);
  });

  it("ends the start when no other is there", async () => {
    const error = await rejection(conductor({ wrap: ["first", "second", "third"] }).configure(nothing));
    expect(error).to.include({ code: "ERR_UNAVAILABLE_PROCESS" });
  });
});
