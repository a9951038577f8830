import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { runShares } from "../helpers/run/shards.ts";
import { namedTestFiles, sharesOf } from "../helpers/run/testFiles.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("a run of tests: which files", () => {
  const folder = tempFolders();

  it("takes files as they are named, and all tests below a folder, each once", async () => {
    const dir = await folder();
    await mkdir(join(dir, "a/b"), { recursive: true });
    for (const name of ["a/x.test.ts", "a/b/y.test.ts", "a/z.t.sol", "a/world.ts"])
      await writeFile(join(dir, name), "");
    const of = (...names: string[]) => namedTestFiles(names, dir);
    expect(of("a", "a/x.test.ts", "a/world.ts")).to.deep.equal({
      files: ["a/b/y.test.ts", "a/x.test.ts", "a/z.t.sol", "a/world.ts"].map((name) => join(dir, name)),
    });
    expect(of()).to.deep.equal({ files: [] });
  });

  it("says of what is not there, and of a folder without tests, what is wrong", async () => {
    const dir = await folder();
    expect(namedTestFiles(["nothing.test.ts"], dir)).to.deep.equal({ fault: "there is no nothing.test.ts" });
    expect(namedTestFiles(["."], dir))
      .to.have.property("fault")
      .that.contains("no test below .");
  });

  it("puts every file in one share, and the heaviest not together", () => {
    const files = [
      "e2e/start.test.ts",
      "e2e/pipeline.test.ts",
      ...Array.from({ length: 9 }, (_, i) => `p/${i}.test.ts`),
    ];
    const paths = files.map((file) => `/t/${file}`);
    const shares = sharesOf(paths, "/t", 3);
    expect(shares.flat().sort()).to.deep.equal([...paths].sort());
    expect(shares.filter((share) => share.some((file) => file.includes("e2e")))).to.have.length(2);
    expect(sharesOf(["/t/a.test.ts"], "/t", 4)).to.deep.equal([["/t/a.test.ts"]]);
  });
});

describe("a run of tests: shares in processes of their own", () => {
  const program = `
    const { writeFileSync } = require("node:fs");
    const [, what] = process.argv;
    if (what === "silent") process.exit(0);
    writeFileSync(process.env.AFFIANT_TEST_SUMMARY, JSON.stringify({ passed: 2, failed: what === "fails" ? 1 : 0, skipped: 1 }));
    process.exitCode = what === "good" ? 0 : 1;`;
  const run = (...shares: string[]) =>
    runShares(
      shares.map((share) => [share]),
      2,
      [process.execPath, "--eval", program, "--"],
    );

  it("adds up what they say", async () => {
    expect(await run("good", "good", "fails")).to.deep.equal({ passed: 6, failed: 1, skipped: 3, todo: 0 });
  });

  it("counts a share that ended without a word, or badly for no reason it gives, as failed", async () => {
    expect(await run("silent")).to.deep.equal({ passed: 0, failed: 1, skipped: 0, todo: 0 });
    expect(await run("crashed")).to.deep.equal({ passed: 2, failed: 1, skipped: 1, todo: 0 });
  });
});
