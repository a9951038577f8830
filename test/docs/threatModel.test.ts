import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

const root = join(import.meta.dirname, "../..");

/** The rows of the page's tables: risk, answer, and the test that it names. */
function claims(): readonly { readonly risk: string; readonly reference: string }[] {
  const page = readFileSync(join(root, "docs/threat-model.md"), "utf8");
  return page
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(([, risk = ""]) => risk !== "risk" && !/^-+$/.test(risk))
    .map(([, risk = "", , reference = ""]) => ({ risk, reference }));
}

/** The titles of a file's tests: of mocha, or names of Solidity's functions. */
function titlesIn(path: string): readonly string[] {
  const source = readFileSync(join(root, path), "utf8");
  const pattern = path.endsWith(".sol") ? /function (test\w+)\(/g : /^\s*(?:it|test)\(\s*"((?:[^"\\]|\\.)*)"/gm;
  const given = [...source.matchAll(pattern)].map(([, title = ""]) => title);
  // Tables of cases, whose titles are the first elements of rows.
  const rows = [...source.matchAll(/^\s*(?:\[\s*|title: )"((?:[^"\\]|\\.)*)",/gm)].map(([, title = ""]) => title);
  return [...given, ...rows];
}

describe("docs/threat-model.md", () => {
  it("has a table for each party, and a test for each of its risks", () => {
    expect(claims().length).to.be.greaterThan(30);
    for (const { risk, reference } of claims()) expect(reference, risk).to.match(/^`test\/[^`]+` › .+$/);
  });

  for (const { risk, reference } of claims()) {
    it(`names a test that exists: ${risk}`, () => {
      const [, path = "", title = ""] = /^`([^`]+)` › (.+)$/.exec(reference) ?? [];
      expect(existsSync(join(root, path)), path).to.equal(true);
      expect(titlesIn(path)).to.include(title);
    });
  }
});
