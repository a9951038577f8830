import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { releaseOf } from "../../../orchestrator/infrastructure/releaseOf.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { greeterPackage, requestFor } from "./greeter.ts";

describe("orchestrator/infrastructure: what makes another release of an agent", () => {
  const tempFolder = tempFolders();
  let work: string;
  let source: string;
  beforeEach(async () => {
    work = await tempFolder();
    source = await greeterPackage(join(work, "first"));
  });

  const release = (folder = source, change = {}) => {
    const { agent, include } = requestFor(folder);
    return releaseOf({ ...agent, ...change }, include, folder);
  };

  it("is none where nothing that is run has changed", async () => {
    const before = await release();
    await writeFile(join(source, ".env"), "SECRET=2");
    await writeFile(join(source, "notes.txt"), "not imported by anything");
    expect(await release(source, { role: "says another word" })).to.equal(before);
  });

  const changed: Record<string, string> = {
    "its program": "agent.js",
    "a module that its program imports": "../../shared/word.js",
    "its policy": "policy/policy.cedar",
  };
  for (const [what, path] of Object.entries(changed)) {
    it(`is ${what}`, async () => {
      const before = await release();
      await writeFile(join(source, path), `// changed`);
      expect(await release()).not.to.equal(before);
    });
  }

  it("is how it is run", async () => {
    const before = await release();
    for (const change of [{ args: ["--loud"] }, { memoryMb: 65 }, { cpuMillis: 100 }]) {
      expect(await release(source, change), JSON.stringify(change)).not.to.equal(before);
    }
  });

  it("is another Node: attestation would find it, and must be told before", async () => {
    const before = await release();
    const { execPath } = process;
    process.execPath = join(work, "bin/node");
    try {
      expect(await release()).not.to.equal(before);
    } finally {
      process.execPath = execPath;
    }
    expect(await release()).to.equal(before);
  });

  it("is another place: what is not copied is measured by its path", async () => {
    const before = await release();
    await rename(join(work, "first"), join(work, "second"));
    expect(await release(join(work, "second/pipelines/greeting"))).not.to.equal(before);
  });
});
