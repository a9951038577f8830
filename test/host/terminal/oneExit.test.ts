import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { expect } from "chai";

const root = join(import.meta.dirname, "../../..");
const rooms = [
  "cli",
  "orchestrator",
  "attestation",
  "relayer",
  "host",
  "agent",
  "adapters",
  "auditor",
  "protocol",
  "circuits",
];

/** The exit itself, the bars on stderr, and what must run before any of it can be loaded: constants, and paths made printable. */
const exits = [
  "cli/affiant.js",
  "cli/atOnce.js",
  "cli/progress.ts",
  "cli/start/requireNode.js",
  "cli/start/start.js",
  "host/terminal/print.ts",
];

/** Ways to print that are not the exit's. */
const printing =
  /\bconsole\s*[.[]|\bprocess\s*(?:\?\.|\.|\[\s*["'])(?:stdout|stderr)\b|\{[^}]*\b(?:stdout|stderr)\b[^}]*\}\s*=\s*process\b/;

describe("host/terminal: the one exit", () => {
  it("is the only place that prints, beside those that are named here", () => {
    const found = rooms.flatMap((room) =>
      readdirSync(join(root, room), { recursive: true, encoding: "utf8" })
        .filter((file) => /\.(?:ts|js)$/.test(file) && !/(?:^|\/)(?:dist|generated|build)\//.test(file))
        .map((file) => `${room}/${file}`)
        .filter((file) => printing.test(readFileSync(join(root, file), "utf8"))),
    );
    expect(found.sort()).to.deep.equal(exits);
  });

  for (const line of [
    "console.log(x)",
    "process.stderr.write(x)",
    'process["stdout"].write(x)',
    "const { stdout } = process",
  ]) {
    it(`notices ${line}`, () => {
      expect(printing.test(line)).to.equal(true);
    });
  }
});
