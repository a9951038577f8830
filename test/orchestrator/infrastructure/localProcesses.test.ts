import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { LocalProcesses } from "../../../orchestrator/infrastructure/localProcesses.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { greeterPackage, requestFor } from "./greeter.ts";

const run = promisify(execFile);

describe("orchestrator/infrastructure: agents as processes of this machine", () => {
  const tempFolder = tempFolders();
  let work: string;
  let machine: LocalProcesses;
  beforeEach(async () => {
    work = await tempFolder();
    machine = new LocalProcesses(join(work, "data"), process.env["PATH"] ?? "");
  });

  const said = async (program: string) => (await run(process.execPath, [program])).stdout.trim();

  it("run from a copy, which a change of the source leaves alone, and hidden files stay behind", async () => {
    const request = requestFor(await greeterPackage(work));
    const { program, policy, root } = await machine.install(request);
    await writeFile(request.agent.program, "throw new Error('changed');");
    expect(await said(program)).to.equal("hello");
    expect(await readFile(join(policy, "policy.cedar"), "utf8")).to.contain("permit");
    expect(existsSync(join(root, "pipelines/greeting/.env"))).to.equal(false);
  });

  it("are found where they were installed, and nowhere before that", async () => {
    const request = requestFor(await greeterPackage(work));
    expect(machine.find(request)).to.equal(undefined);
    const installed = await machine.install(request);
    expect(machine.find(request)).to.deep.equal(installed);
  });
});
