import { expect } from "chai";
import type { Command } from "commander";

import { affiantProgram } from "../../cli/program.ts";

describe("cli: what is loaded", () => {
  it("is the command that is named, under the name it is known by, and no other", async () => {
    for (const path of leavesOf(await affiantProgram())) {
      expect(leavesOf(await affiantProgram([...path, "--json"]))).to.deep.equal([path]);
    }
  });

  it("is every command beside a wrong word, so that help and suggestions know them", async () => {
    const all = leavesOf(await affiantProgram());
    expect(all.length).to.be.greaterThan(25);
    expect(leavesOf(await affiantProgram(["frob"]))).to.deep.equal(all);
    expect(leavesOf(await affiantProgram(["--help", "agent"]))).to.deep.equal(all);
    const agents = all.filter(([first]) => first === "agent");
    expect(leavesOf(await affiantProgram(["agent", "frob"]))).to.deep.equal(agents);
  });
});

/** The paths of the commands that hold no others; `ceremony` and `relayer` bring what they hold themselves. */
function leavesOf(command: Command, above: readonly string[] = []): readonly (readonly string[])[] {
  return command.commands.flatMap((inner) => {
    const path = [...above, inner.name()];
    const closed = inner.commands.length === 0 || ["ceremony", "relayer"].includes(inner.name());
    return closed ? [path] : leavesOf(inner as Command, path);
  });
}
