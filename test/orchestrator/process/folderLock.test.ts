import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { joinFolder, membersGone, tryOwnFolder } from "../../../orchestrator/process/folderLock.ts";

const module = join(import.meta.dirname, "../../../orchestrator/process/folderLock.ts");

describe("the lock of a data folder", () => {
  let dir: string;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-lock-"));
  });

  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("has one owner at a time", () => {
    const first = tryOwnFolder(dir);
    expect(first).to.not.equal(undefined);
    expect(tryOwnFolder(dir)).to.equal(undefined);
    first?.release();
    const second = tryOwnFolder(dir);
    expect(second).to.not.equal(undefined);
    second?.release();
  });

  it("is not free while any member is left", async () => {
    const members = [joinFolder(dir), joinFolder(dir)];
    expect(await membersGone(dir, 0)).to.equal(false);
    members[0]?.release();
    expect(await membersGone(dir, 0)).to.equal(false);
    members[1]?.release();
    expect(await membersGone(dir, 0)).to.equal(true);
  });

  it("is let go of when its owner is killed", async () => {
    const script = `import { tryOwnFolder } from ${JSON.stringify(module)};
      globalThis.lock = tryOwnFolder(${JSON.stringify(dir)}); console.log("locked"); setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(owner.stdout, "data");
    expect(tryOwnFolder(dir)).to.equal(undefined);
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const lock = tryOwnFolder(dir);
    expect(lock).to.not.equal(undefined);
    lock?.release();
  });
});
