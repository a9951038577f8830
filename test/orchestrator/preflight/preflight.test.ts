import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { assertSameGeneration, takeDataFolder } from "../../../orchestrator/preflight/dataFolder.ts";
import { assertPortFree, freePorts } from "../../../orchestrator/preflight/ports.ts";
import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejection } from "../../helpers/rejection.ts";

describe("what is checked before anything is started", () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-preflight-"));
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("takes a data folder once, and again when it was given back", async () => {
    const data = join(dir, "deep/data");
    const lock = await takeDataFolder(data);
    const error = await rejection(takeDataFolder(data));
    expect(isAffiantError(error, "ERR_CONFLICT_RUNNING")).to.equal(true);
    lock.release();
    (await takeDataFolder(data)).release();
  });

  it("refuses a data folder that cannot be made", async () => {
    writeFileSync(join(dir, "file"), "");
    const dataDir = join(dir, "file/data");
    const error = await rejection(takeDataFolder(dataDir));
    expect(isAffiantError(error, "ERR_INPUT_DATA_FOLDER")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ dataDir, reason: "ENOTDIR" });
  });

  it("refuses a data folder where none can be made, instead of trying forever", async function () {
    if (process.platform !== "linux") this.skip();
    const error = await rejection(takeDataFolder("/proc/affiant/data"));
    expect(isAffiantError(error, "ERR_INPUT_DATA_FOLDER")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ dataDir: "/proc/affiant/data", reason: "ENOENT" });
  });

  it("refuses to put a new chain under a log that names blocks of another", () => {
    const state = join(dir, "chain/state.json.gz");
    expect(() => assertSameGeneration(dir, state, ["relayer", "agents"])).to.not.throw();
    mkdirSync(join(dir, "agents"));
    expect(() => assertSameGeneration(dir, state, ["relayer", "agents"]))
      .to.throw(AffiantError, "holds agents but no chain")
      .with.property("code", "ERR_CONFLICT_CHAIN");
    mkdirSync(join(dir, "chain"));
    writeFileSync(state, "");
    expect(() => assertSameGeneration(dir, state, ["relayer", "agents"])).to.not.throw();
  });

  it("tells a free port from a used one, and names the option that changes it", async () => {
    const [port = 0] = await freePorts(1);
    await assertPortFree(port, "the relayer", "--port");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    const error = await rejection(assertPortFree(port, "the relayer", "--port"));
    await new Promise((resolve) => server.close(resolve));
    expect(isAffiantError(error, "ERR_CONFLICT_PORT")).to.equal(true);
    expect((error as { details: unknown }).details).to.deep.equal({ port });
    expect((error as { hint: unknown }).hint).to.equal("Choose another one, or 0 for any free one: --port 0");
  });

  it("finds different free ports", async () => {
    const ports = await freePorts(5);
    expect(new Set(ports).size).to.equal(5);
  });

  it("tells an old Node what is needed, in one line", () => {
    const guard = join(import.meta.dirname, "../../../cli/start/requireNode.js");
    const run = (version: string) =>
      spawnSync(
        process.execPath,
        [
          "--input-type=module",
          "--eval",
          `Object.defineProperty(process, "versions", { value: { node: "${version}" } });
           await import(${JSON.stringify(guard)});`,
        ],
        { encoding: "utf8", timeout: 60_000, env: { ...process.env, npm_lifecycle_event: "start" } },
      );
    const old = run("22.17.1");
    expect(old.status).to.equal(1);
    expect(old.stderr).to.equal(
      "Affiant needs Node 22.18 or newer, and this is Node 22.17.1. Run: npx -y -p node@24 -c 'npm ci && npm start'\n",
    );
    const recent = run("22.18.0");
    expect([recent.status, recent.stderr]).to.deep.equal([0, ""]);
  });
});
