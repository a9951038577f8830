import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import type { Command } from "commander";

import { affiant } from "./run.ts";
import { stampOfCommands } from "../../cli/atOnce.js";
import { candidates, completionScript } from "../../cli/completion.js";
import { buildHelpIndex } from "../../cli/helpIndex.ts";
import { affiantProgram } from "../../cli/program.ts";

const path = join(await mkdtemp(join(tmpdir(), "affiant-help-")), "cli/help.json");
const index = await buildHelpIndex(path, "s");

describe("cli: what is answered without loading a command", () => {
  it("has a page for every command, with the words and options that the command itself has", async () => {
    const program = await affiantProgram();
    const all = walk(program);
    expect(Object.keys(index.commands).sort()).to.deep.equal([...all.keys()].sort());
    for (const [name, command] of all) {
      const page = index.commands[name]!;
      expect(page.help)
        .to.contain(command.description().slice(0, 20))
        .and.to.match(/^Usage: affiant/);
      const longs = command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
      expect(page.options, name).to.include.members(longs);
    }
  });

  it("is kept for the next time, with the stamp of the files it was made of", async () => {
    expect(JSON.parse(await readFile(path, "utf8"))).to.deep.equal(index);
    expect(index.stamp).to.equal("s");
    expect(stampOfCommands())
      .to.match(/^affiant\.js:\d+:\d+$/m)
      .and.to.match(/^relayer[\\/]jobs\.ts:/m);
  });

  for (const args of [["--help"], ["help"]]) {
    it(`affiant ${args.join(" ")} is what commander says of it, as wide as the page`, async () => {
      expect(await affiant(args)).to.include({ code: 0, stderr: "", stdout: index.commands[""]!.help });
    });
  }

  for (const args of [
    ["agent", "create", "-h"],
    ["help", "agent", "create"],
  ]) {
    it(`affiant ${args.join(" ")} is the page of that command`, async () => {
      expect((await affiant(args)).stdout).to.equal(index.commands["agent create"]!.help);
    });
  }

  it("leaves to the command what is no page: an argument before --help, a word that names nothing", async () => {
    const { code, stdout } = await affiant(["audit", "file", "--help"]);
    expect({ code, audit: stdout.startsWith("Usage: affiant audit") }).to.deep.equal({ code: 0, audit: true });
    expect((await affiant(["frob", "--help"])).stdout).to.contain("Usage: affiant [options] [command]");
  });
});

describe("cli: completion", () => {
  it("offers what may follow, and only what begins as the word that is typed", () => {
    expect(candidates(index, ["ag"])).to.deep.equal(["agent"]);
    expect(candidates(index, ["agent", "c"])).to.deep.equal(["create", "card"]);
    expect(candidates(index, ["agent", "create", "--chain"])).to.deep.equal(["--chain-id"]);
    expect(candidates(index, ["relayer", "jobs", ""])).to.deep.equal(["list", "retry"]);
  });

  it("offers nothing, so that the shell offers files, where an argument is meant", () => {
    expect(candidates(index, ["audit", ""])).to.deep.equal([]);
    expect(candidates(index, ["wrap", "--", "no"])).to.deep.equal([]);
    expect(candidates(index, ["constructor", "x"])).to.deep.equal([]);
  });

  it("prints one word a line to the shell, and a script for three shells", async () => {
    expect(await affiant(["__complete", "relayer", "ro"])).to.include({ code: 0, stdout: "rotate\n", stderr: "" });
    for (const shell of ["bash", "zsh", "fish"]) {
      expect((await affiant(["completion", shell])).stdout).to.equal(completionScript(shell));
    }
    expect(completionScript("bash")).to.contain("affiant __complete");
    expect((await affiant(["completion", "tcsh"])).code).to.equal(2);
  });
});

function walk(command: Command, above: readonly string[] = []): Map<string, Command> {
  const found = new Map([[above.join(" "), command]]);
  for (const inner of command.commands) {
    for (const [name, one] of walk(inner as Command, [...above, inner.name()])) found.set(name, one);
  }
  return found;
}
