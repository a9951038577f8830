import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";

import { nodeTree } from "../../../attestation/measure/nodeTree.ts";
import { bundleAgent, bundledName } from "../../../orchestrator/bundle/bundleAgent.ts";
import { placed } from "../../../orchestrator/bundle/sourcePlaces.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejection } from "../../helpers/rejection.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../../..");

describe("orchestrator/bundle: an agent as one file", () => {
  const folder = tempFolders();

  /** A package whose program reads a file beside itself, uses a package that is bundled and one that is not. */
  async function agentPackage() {
    const top = await folder();
    await mkdir(join(top, "shop/data"), { recursive: true });
    await symlink(join(root, "node_modules"), join(top, "node_modules"));
    await writeFile(join(top, "package.json"), '{"type":"module"}');
    await writeFile(join(top, "shop/data/word.txt"), "hello");
    await writeFile(
      join(top, "shop/data/word.ts"),
      `import { readFileSync } from "node:fs"; import { join } from "node:path";
       export const word: string = readFileSync(join(import.meta.dirname, "word.txt"), "utf8");`,
    );
    const program = join(top, "shop/main.ts");
    await writeFile(
      program,
      `import { bytesToHex } from "@noble/hashes/utils.js"; import type { Circuit } from "snarkjs"; import { word } from "./data/word.ts";
       console.log(word, bytesToHex(new Uint8Array([255])), typeof (await import("@cedar-policy/cedar-wasm/nodejs")));`,
    );
    return { top, program };
  }

  it("does what the source does, wherever its folder lies, and is the same wherever it is put", async () => {
    const { top, program } = await agentPackage();
    const text = await bundleAgent({ program, top, release: randomUUID() });
    expect(text).to.not.contain(top);
    await writeFile(bundledName(program), text);
    const there = await folder();
    await rm(there, { recursive: true });
    await run("cp", ["-r", top, there]);
    await writeFile(join(there, "shop/data/word.txt"), "hullo");
    const said = async (at: string) => (await run(process.execPath, [join(at, "shop/main.bundle.mjs")])).stdout;
    expect(await said(top)).to.equal("hello ff object\n");
    expect(await said(there)).to.equal("hullo ff object\n");
  });

  it("is measured whole: the bundle is a script, and what stays outside a dependency", async () => {
    const { top, program } = await agentPackage();
    await writeFile(bundledName(program), await bundleAgent({ program, top, release: randomUUID() }));
    const { scripts, dependencies } = await nodeTree([bundledName(program)]);
    expect([...scripts]).to.include(bundledName(program));
    const packages = new Set([...dependencies].map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]));
    expect([...packages]).to.include.members(["@cedar-policy/cedar-wasm", "snarkjs"]);
    expect([...packages]).to.not.include("@noble/hashes");
  });

  it("is another one when a line of the source is another", async () => {
    const { top, program } = await agentPackage();
    const before = await bundleAgent({ program, top, release: randomUUID() });
    await writeFile(program, `${await readFile(program, "utf8")}\nconsole.log("more");`);
    expect(await bundleAgent({ program, top, release: randomUUID() })).to.not.equal(before);
  });

  it("says which line cannot be bundled", async () => {
    const { top, program } = await agentPackage();
    await writeFile(program, "import './nowhere.ts';");
    const error = await rejection(bundleAgent({ program, top, release: randomUUID() }));
    expect(isAffiantError(error, "ERR_INPUT_PIPELINE")).to.equal(true);
    expect((error as Error).message).to.contain("nowhere.ts");
  });
});

describe("orchestrator/bundle: source that asks where it lies", () => {
  it("is told where the source lies, and finds threads that are bundled as bundles", () => {
    const text =
      'new URL("./w.ts", import.meta.url); new URL("./v.ts", import.meta.url); import.meta.dirname; import.meta.main';
    expect(placed(text, "/r/a/x.ts", "/r", { "a/w.ts": "a-w.mjs" })).to.equal(
      'new URL("./a-w.mjs", import.meta.url); new URL("./v.ts", "file:///r/a/x.ts"); "/r/a"; false',
    );
  });
});
