import { readFileSync } from "node:fs";

import { expect } from "chai";

import { allowedImports, brokenArrowsOf, specifiersOf } from "../../scripts/check/imports.ts";

describe("scripts/check/imports", () => {
  it("finds every form of import", () => {
    const source = [
      `import a from "./a.ts";`,
      `import { type B } from "./b.ts";`,
      `import type { C } from "./c.ts";`,
      `export * from "./d.ts";`,
      `const e = await import("./e.ts");`,
      `// import "./no.ts"`,
    ].join("\n");
    expect([...specifiersOf(source)].sort()).to.deep.equal(["./a.ts", "./b.ts", "./c.ts", "./d.ts", "./e.ts"]);
  });

  it("lets an arrow point down", () => {
    expect(brokenArrowsOf("auditor/audit.ts", `import "../protocol/entry/leaf.ts";`)).to.deep.equal([]);
  });

  it("stops an arrow that points sideways", () => {
    const [arrow] = brokenArrowsOf("auditor/audit.ts", `import "../relayer/entry/leaf.ts";`);
    expect(arrow?.reason).to.equal("auditor/ may not import relayer/");
  });

  it("stops an arrow that points up, also as a type", () => {
    const [arrow] = brokenArrowsOf("protocol/entry/leaf.ts", `import type { A } from "../../agent/agent.ts";`);
    expect(arrow?.reason).to.equal("protocol/ may not import agent/");
  });

  it("keeps input and output out of protocol/", () => {
    const [arrow] = brokenArrowsOf("protocol/entry/leaf.ts", `import { readFile } from "node:fs";`);
    expect(arrow?.reason).to.equal("protocol/ may not use this package");
    expect(brokenArrowsOf("agent/keys/store.ts", `import { readFile } from "node:fs";`)).to.deep.equal([]);
  });

  it("lets one file of protocol/ be native, and nothing portable lead to it", () => {
    const native = "protocol/ed25519/nodeVerify.ts";
    expect(brokenArrowsOf(native, `import { verify } from "node:crypto";`)).to.deep.equal([]);
    const [arrow] = brokenArrowsOf("protocol/ed25519/verify.ts", `import "./nodeVerify.ts";`);
    expect(arrow?.reason).to.equal("protocol/ must not lead to this file: it is not portable");
    expect(brokenArrowsOf("agent/agent.ts", `import "../protocol/ed25519/nodeVerify.ts";`)).to.deep.equal([]);
  });

  it("knows no room beside those of the table", () => {
    const [arrow] = brokenArrowsOf("helpers/a.ts", "");
    expect(arrow?.reason).to.equal("helpers/ is not a room of the house");
  });

  it("allows what the README says, and no more", () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const rows = [...readme.matchAll(/^\| \[`(\w+)\/`\].*\|\s*([^|]+?)\s*\|$/gm)].map(([, room, may]) => [room, may]);
    const said = Object.fromEntries(rows) as Record<string, string>;
    for (const [room, allowed] of Object.entries(allowedImports)) {
      const others = Object.keys(allowedImports).filter((name) => name !== room && name !== "test");
      const isAll = others.every((name) => allowed.includes(name) || name === "scripts");
      expect(said[room], room).to.equal(isAll ? "all" : allowed.join(", ") || "nothing");
    }
  });
});
