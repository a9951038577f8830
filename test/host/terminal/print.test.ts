import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { expect } from "chai";

const print = join(import.meta.dirname, "../../../host/terminal/print.ts");

/** What a program prints to a pipe that imports all of `host/terminal/print.ts`. */
function printed(program: string, env: Record<string, string> = {}): string {
  const source = `import * as out from ${JSON.stringify(print)};\n${program}`;
  const args = ["--no-warnings", "--input-type=module-typescript", "--eval", source];
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS)$/.test(name)),
  );
  return execFileSync(process.execPath, args, { encoding: "utf8", env: { ...clean, ...env } });
}

const hostile = [
  ["a title (OSC)", "\\u001b]0;owned\\u0007", "\\u001b]0;owned\\u0007"],
  ["a link (OSC 8)", "\\u001b]8;;https://evil.example\\u001b\\\\x", "\\u001b]8;;https://evil.example\\u001b\\x"],
  ["a clipboard write (OSC 52)", "\\u001b]52;c;eA==\\u0007", "\\u001b]52;c;eA==\\u0007"],
  ["a colour of its own", "\\u001b[32m✓\\u001b[0m", "\\u001b[32m✓\\u001b[0m"],
  ["C1's CSI", "\\u009b2J", "\\u009b2J"],
  ["a carriage return", "fails\\rholds", "fails\\u000dholds"],
  ["a line of its own", "x\\nall verdicts hold", "x\\u000aall verdicts hold"],
  ["backspaces", "fail\\b\\b\\b\\bhold", "fail\\u0008\\u0008\\u0008\\u0008hold"],
  ["an override of direction", "\\u202egnp.exe", "\\u202egnp.exe"],
  ["a mark that it guessed", "\\u001b]affiant;00;open;good\\u0007", "\\u001b]affiant;00;open;good\\u0007"],
] as const;

describe("host/terminal: printing", () => {
  for (const [what, literal, shown] of hostile) {
    it(`shows ${what} as what it is, also where colours are wanted`, () => {
      for (const name of ["NO_COLOR", "FORCE_COLOR"]) {
        expect(printed(`out.printLines("stdout", ["<${literal}>"]);`, { [name]: "1" })).to.equal(`<${shown}>\n`);
      }
    });
  }

  it("shows what is hostile inside what is coloured, and colours only what the program does", () => {
    const program = `out.printLines("stdout", [out.paint.bad("a\\u001b[32mb") + "c"]);`;
    expect(printed(program, { FORCE_COLOR: "1" })).to.equal("\u001b[31ma\\u001b[32mb\u001b[39mc\n");
  });

  it("has no colours in a pipe, with NO_COLOR, and with FORCE_COLOR=0; has them with FORCE_COLOR", () => {
    const program = `out.printLines("stdout", [out.paint.good("x")]);`;
    expect(printed(program)).to.equal("x\n");
    expect(printed(program, { NO_COLOR: "1" })).to.equal("x\n");
    expect(printed(program, { FORCE_COLOR: "0" })).to.equal("x\n");
    expect(printed(program, { FORCE_COLOR: "1" })).to.equal("\u001b[32mx\u001b[39m\n");
  });

  it("escapes the last words of a program, stacks and hints of errors", () => {
    const program = `const error = Object.assign(new Error("m\\u001b[2J"), { stack: "m\\u001b[2J\\n  at x" });
      out.printLines("stdout", out.errorLines(error));`;
    expect(printed(program)).to.equal("m\\u001b[2J\n  at x\n");
  });

  it("prints JSON that parses to the value, and shows nothing raw", () => {
    const text = printed(`out.printJson("stdout", { "k\\u202e": ["\\u009b", "\\u{e0041}", "\\u001b"] }, 2);`);
    expect(JSON.parse(text)).to.deep.equal({ "k\u202e": ["\u009b", "\u{e0041}", "\u001b"] });
    expect(text).to.match(/^[\n -~]+$/);
  });
});
