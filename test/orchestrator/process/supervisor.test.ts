import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { ProgramSpec } from "../../../orchestrator/process/childProcess.ts";
import { Supervisor } from "../../../orchestrator/process/supervisor.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { eventually } from "../../helpers/eventually.ts";
import { rejection } from "../../helpers/rejection.ts";

const program = join(import.meta.dirname, "programs.ts");

describe("supervising processes", () => {
  let dir: string;
  let marks: string;
  let supervisor: Supervisor;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-process-"));
    marks = join(dir, "marks");
    supervisor = new Supervisor({
      environment: { ...process.env, SECRET_OF_THE_PARENT: "1" },
      restart: { maxRestarts: 2, delayMs: 1, stableAfterMs: 60_000 },
    });
  });

  afterEach(async () => {
    await supervisor.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const spec = (behaviour: string, extra: Partial<ProgramSpec> = {}): ProgramSpec => ({
    name: "child",
    argv: [program, behaviour, marks],
    env: { GIVEN: "yes" },
    logPath: join(dir, "logs/child.log"),
    ...extra,
  });
  const marked = (word: string) =>
    existsSync(marks)
      ? readFileSync(marks, "utf8")
          .split("\n")
          .filter((line) => line.startsWith(word))
      : [];

  it("starts a program, reads its ready line, gives it only the environment meant for it, and ends it gently", async () => {
    const ready = await supervisor.start(spec("polite"));
    const pid = supervisor.pids()["child"];
    expect(ready.url).to.equal(`pid:${pid}`);
    expect(ready["environment"]).to.include("GIVEN").and.to.include("PATH").and.not.to.include("SECRET_OF_THE_PARENT");
    await supervisor.stop();
    expect(marked("ended")).to.deep.equal([`ended ${pid}`]);
    expect(isAlive(pid)).to.equal(false);
  });

  it("names the program and its last words when it ends before it is ready", async () => {
    const error = await rejection(supervisor.start(spec("never-ready")));
    expect(isAffiantError(error, "ERR_UNAVAILABLE_PROCESS")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({
      process: "child",
      lastLines: ["cannot go on: the moon is full"],
    });
  });

  it("kills what does not end when asked", async () => {
    await supervisor.start(spec("deaf", { stopGraceMs: 50 }));
    const pid = supervisor.pids()["child"];
    await supervisor.stop();
    expect(isAlive(pid)).to.equal(false);
  });

  it("starts again what was killed", async () => {
    await supervisor.start(spec("polite"));
    const first = supervisor.pids()["child"];
    process.kill(Number(first), "SIGKILL");
    await eventually(() => marked("started").length === 2);
    expect(supervisor.pids()["child"]).to.not.equal(first);
  });

  it("gives up after the allowed number of restarts, once, and says so", async () => {
    const given: unknown[] = [];
    supervisor = new Supervisor({
      environment: process.env,
      restart: { maxRestarts: 2, delayMs: 1, stableAfterMs: 60_000 },
      onGivenUp: (error) => given.push(error.code),
    });
    await supervisor.start(spec("polite"));
    for (let run = 1; run <= 3; run++) {
      await eventually(() => marked("started").length === run && isAlive(supervisor.pids()["child"]));
      process.kill(Number(supervisor.pids()["child"]), "SIGKILL");
    }
    await eventually(() => given.length > 0);
    expect(given).to.deep.equal(["ERR_UNAVAILABLE_PROCESS"]);
    expect(marked("started")).to.have.length(3);
  });

  it("leaves no orphan when the parent is killed", async () => {
    const log = join(dir, "orphan.log");
    const parent = spawn(process.execPath, [join(import.meta.dirname, "parent.ts"), program, "polite", marks, log], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(parent.stdout, "data");
    const child = Number(marked("started")[0]?.split(" ")[1]);
    expect(isAlive(child)).to.equal(true);
    parent.kill("SIGKILL");
    await eventually(() => !isAlive(child));
    expect(marked("ended")).to.deep.equal([`ended ${child}`]);
  });
});

function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch {
    return false;
  }
}
