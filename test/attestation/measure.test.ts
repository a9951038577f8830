import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { diffManifests } from "../../attestation/measure/diffManifests.ts";
import { measureCommand } from "../../attestation/measure/measureCommand.ts";
import { nodeTree } from "../../attestation/measure/nodeTree.ts";
import { isAnonymousCode, isFile, parseMaps } from "../../attestation/measure/processMaps.ts";
import { nodeProgram, measure, pythonProgram, settleMs } from "../../scripts/torture/attestation/wrapped.ts";
import { type Manifest, measurementOf } from "../../protocol/attestation/manifest.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { affiant } from "../cli/run.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("attestation/measure", function () {
  this.timeout(120_000);
  const folder = tempFolders();

  before(function () {
    if (process.platform !== "linux") this.skip();
  });

  const paths = ({ files }: Manifest, role: string) =>
    files.filter((file) => file.role === role).map(({ path }) => path);

  it("measures the same each time, and in a copy elsewhere", async () => {
    const [here, there] = [join(await folder(), "a"), join(await folder(), "b")];
    const program = await nodeProgram(here);
    await cp(here, there, { recursive: true });
    const first = await measure(program);
    const copy = { ...program, command: [process.execPath, join(there, "main.mjs")] as const, root: there };
    expect(measurementOf(await measure(program))).to.equal(measurementOf(first));
    expect(diffManifests(first, await measure(copy))).to.deep.equal([]);
    expect(paths(first, "script")).to.deep.equal(["main.mjs", "price.mjs"]);
    expect(first.memory).to.deep.equal({ compared: true, altered: [], anonymousCode: true });
  });

  it("takes in the modules beside a Python script", async () => {
    const manifest = await measure(await pythonProgram(await folder()));
    expect([...paths(manifest, "script"), ...paths(manifest, "dependency")]).to.deep.equal(["main.py", "price.py"]);
    expect(manifest.memory.anonymousCode).to.equal(false);
  });

  it("follows imports into packages and their dependencies, and takes a package whole", async () => {
    const root = await folder();
    const write = async (path: string, text: string) => {
      await mkdir(join(root, path, ".."), { recursive: true });
      await writeFile(join(root, path), text);
    };
    await write("package.json", '{"type":"module"}');
    await write("main.js", 'import a from "one/sub.js";\nimport fs from "node:fs";\nawait import("./later.js");\n');
    await write("later.js", 'export * from "./data.json" with { type: "json" };\n');
    await write("data.json", "{}");
    await write("unused.js", "");
    await write("node_modules/one/package.json", '{"dependencies":{"@two/three":"1"}}');
    await write("node_modules/one/sub.js", "");
    await write("node_modules/one/other.js", "");
    await write("node_modules/@two/three/package.json", "{}");
    await write("node_modules/@two/three/index.js", "");
    await write("node_modules/four/package.json", "{}");
    const tree = await nodeTree([join(root, "main.js")]);
    const below = (found: ReadonlySet<string>) => [...found].map((path) => path.slice(root.length + 1)).sort();
    expect(below(tree.scripts)).to.deep.equal(["data.json", "later.js", "main.js"]);
    expect(below(tree.configuration)).to.deep.equal(["package.json"]);
    expect(below(tree.dependencies)).to.deep.equal([
      "node_modules/@two/three/index.js",
      "node_modules/@two/three/package.json",
      "node_modules/one/other.js",
      "node_modules/one/package.json",
      "node_modules/one/sub.js",
    ]);
  });

  it("measures variables that make an interpreter run other code, and configuration that is named", async () => {
    const root = await folder();
    const program = await nodeProgram(root);
    await writeFile(join(root, "config.yaml"), "limit: 1\n");
    const options = { ...program, include: ["config.yaml"], settleMs, stdio: "ignore" } as const;
    const plain = await measureCommand(options);
    await writeFile(join(root, "config.yaml"), "limit: 2\n");
    // The first loads modules, the second machine code that was made of them before.
    const env = { ...process.env, NODE_OPTIONS: "--no-warnings", NODE_COMPILE_CACHE: join(root, "cache") };
    const differences = diffManifests(plain, await measureCommand({ ...options, env }));
    const set = (name: string) => `${process.env[name] === undefined ? "+" : "~"} variable ${name}`;
    expect(differences.map(({ sign, what }) => `${sign} ${what}`)).to.have.members([
      set("NODE_OPTIONS"),
      set("NODE_COMPILE_CACHE"),
      "~ file config.yaml",
    ]);
  });

  it("says that a program ended before it was measured", async () => {
    const ended = measureCommand({ command: ["/bin/true"], root: "/", settleMs, stdio: "ignore" });
    expect(await rejectionCode(ended)).to.equal("ERR_INPUT_MEASURE");
  });

  it("reads the kernel's list of mappings", () => {
    const [program, own, vdso, odd, gone, shared] = parseMaps(
      [
        "00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/my program",
        "00651000-00652000 r--p 00051000 08:02 173521      /usr/bin/my program",
        "7f0000000000-7f0000001000 rwxp 00000000 00:00 0 ",
        "7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                  [vdso]",
        "7f1000000000-7f1000001000 rwxp 00000000 08:02 9                  /opt/lib.so",
        "7f2000000000-7f2000001000 r-xp 00000000 08:02 9                  /opt/old.so (deleted)",
        "7f3000000000-7f3000001000 r-xs 00000000 00:01 9                  /memfd:jit (deleted)",
      ].join("\n"),
    );
    expect(program).to.deep.include({ start: 0x400000n, offset: 0x1000, path: "/usr/bin/my program", replaced: false });
    expect([own, vdso, odd, gone, shared].map((one) => isFile(one!))).to.deep.equal([false, false, true, true, false]);
    expect([own, vdso, odd, gone, shared].map((one) => isAnonymousCode(one!))).to.deep.equal([
      true,
      false,
      false,
      false,
      true,
    ]);
    expect([odd!.writable, gone!.replaced, gone!.path]).to.deep.equal([true, true, "/opt/old.so"]);
  });

  it("affiant measure prints a measurement, and shows what changed between two", async () => {
    const root = await folder();
    const { command, file } = await nodeProgram(root);
    const [one, two] = [join(root, "one.json"), join(root, "two.json")];
    const first = await affiant(["measure", "--json", "--root", root, "--out", one, "--", ...command]);
    expect(first.code).to.equal(0);
    expect((first.json() as { measurement: string }).measurement).to.match(/^0x[0-9a-f]{64}$/);
    await writeFile(file, "export const price = 1;\n");
    await affiant(["measure", "--root", root, "--out", two, "--", ...command]);
    const same = await affiant(["measure", "--diff", one, one]);
    expect([same.code, same.stdout]).to.deep.equal([0, "they measure the same\n"]);
    const changed = await affiant(["measure", "--diff", one, two]);
    expect(changed.code).to.equal(1);
    expect(changed.stdout.split("\n")[0]).to.equal("~ file price.mjs");
  });
});
