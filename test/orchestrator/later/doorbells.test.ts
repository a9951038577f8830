import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { Doorbells } from "../../../orchestrator/later/doorbells.ts";
import { Supervisor } from "../../../orchestrator/process/supervisor.ts";
import type { Endpoints } from "../../../orchestrator/start/endpoints.ts";
import { rejection } from "../../helpers/rejection.ts";

const endpoints: Endpoints = { relayerUrl: "", rpcUrl: "", deploymentPath: "", agents: {}, allowPrivate: true };

describe("services that come later", () => {
  let dir: string;
  let supervisor: Supervisor;
  let bells: Doorbells;
  let troubles: string[];

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "affiant-later-"));
    troubles = [];
    supervisor = new Supervisor({
      environment: process.env,
      restart: { maxRestarts: 2, delayMs: 1, stableAfterMs: 60_000 },
      onBack: (name) => bells.restarted(name),
    });
    bells = await Doorbells.hang({
      services: { names: ["echo", "broken"], program: join(import.meta.dirname, "laterProgram.ts") },
      supervisor,
      dataDir: dir,
      logPath: join(dir, "later.log"),
      endpoints,
      onTrouble: (name, reason) => troubles.push(`${name}: ${reason}`),
    });
  });

  afterEach(async () => {
    bells.close();
    await supervisor.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const opened = () => readFileSync(join(dir, "opened"), "utf8").trim().split("\n").length;
  const ask = (body: string) => fetch(bells.urls["echo"] ?? "", { method: "POST", body });

  it("costs nothing until it is asked for, and is opened once for all who ask at once", async () => {
    expect(supervisor.pids()).to.deep.equal({});
    expect(existsSync(join(dir, "opened"))).to.equal(false);
    const answers = await Promise.all(["a", "b", "c"].map(ask));
    expect(await Promise.all(answers.map((answer) => answer.text()))).to.deep.equal(["a", "b", "c"]);
    expect(answers[0]?.headers.get("x-url")).to.equal(bells.urls["echo"]);
    expect(opened()).to.equal(1);
    expect(Object.keys(supervisor.pids())).to.deep.equal(["later"]);
  });

  it("that does not open is told of, and closes the door to nobody else", async () => {
    await rejection(fetch(bells.urls["broken"] ?? ""));
    expect(troubles).to.deep.equal(["broken: broken does not open: the moon is full"]);
    expect(await (await ask("still here")).text()).to.equal("still here");
  });

  it("is opened again after its process died", async () => {
    const before = (await ask("1")).headers.get("x-pid");
    await rejection(fetch(`${bells.urls["echo"]}/die`));
    let after: string | null = before;
    // What connects while the process is away finds the door closed, and rings again.
    while (after === before || after === null)
      after = await ask("2").then(
        (answer) => answer.headers.get("x-pid"),
        () => null,
      );
    expect(opened()).to.equal(2);
  });
});
