import { expect } from "chai";

import { auditEvidence } from "../../auditor/audit.ts";
import { auditExitCode } from "../../auditor/exitCode.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { formatAuditReport } from "../../auditor/report/formatAuditReport.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { chainOf, honestWorld } from "./world.ts";

/** header, two policies, checkpoint, five entries (lines 5 to 9), two heads, end. */
const world = honestWorld({ 3: { values: { input: { amount: 1, order: "order-2" } } } });
const text = writeEvidence(world.evidence);
const lines = text.trimEnd().split("\n");
const joined = (changed: readonly string[]): string => changed.map((line) => `${line}\n`).join("");

const auditOf = (bytes: Uint8Array | string, withChain = true): Promise<AuditReport> =>
  auditEvidence(typeof bytes === "string" ? utf8(bytes) : bytes, withChain ? { chain: chainOf(world.state) } : {});

/** What the report says of the file itself. */
function fileVerdicts({ verdicts }: AuditReport): { line: number | undefined; detail: string }[] {
  return verdicts
    .filter(({ code, outcome }) => code === "AUDIT_EVIDENCE_ALTERED" && outcome === "fails")
    .map(({ subject, detail }) => ({ line: subject.line, detail }));
}

/** Replaces the character at a place, by one that is of the same alphabet. */
function altered(line: string, needle: string, offset: number): string {
  const at = line.indexOf(needle) + offset;
  const old = line.charAt(at);
  const other = old === "a" ? "b" : "a";
  return line.slice(0, at) + other + line.slice(at + 1);
}
const changed = (number: number, needle: string, offset = needle.length): string =>
  joined(lines.with(number - 1, altered(lines[number - 1] as string, needle, offset)));

describe("an altered evidence file", () => {
  it("starts from one of twelve lines in which all holds", async () => {
    const report = await auditOf(text);
    expect(lines).to.have.length(12);
    expect(report.verdicts.find(({ check }) => check === "evidence")?.subject.line).to.equal(12);
    expect(auditExitCode(report)).to.equal(0);
  });

  const table: readonly [what: string, file: string | Uint8Array, line: number, words: RegExp][] = [
    ["a character of a leaf", changed(6, '"leaf":"', 200), 6, /leaf/],
    [
      "a character of a leaf's signature",
      joined(lines.with(6, lines[6]!.replace(/.{3}","proof"/, 'AAA","proof"'))),
      7,
      /leaf/,
    ],
    ["a character of a disclosure", changed(8, '"disclosures":["', 30), 8, /disclosure/],
    ["a digit of a proof", changed(5, '"proof":["0x', 20), 5, /proof/],
    [
      "a digit of a proof that is none",
      joined(lines.with(4, lines[4]!.replace(/"proof":\["0x./, '"proof":["0xz'))),
      5,
      /proof/,
    ],
    ["an index", joined(lines.with(8, lines[8]!.replace('"index":4', '"index":9'))), 9, /index/],
    ["a word of a policy", changed(2, '"description":"'), 2, /no entry names the policy/],
    ["a brace of a policy", joined(lines.with(1, lines[1]!.replace("{", "["))), 2, /JSON/],
    ["the checkpoint's root", changed(4, "\\n5\\n", 8), 4, /signatures|anchor/],
    [
      "the checkpoint's anchor",
      joined(lines.with(3, lines[3]!.replace('"anchorIndex":1', '"anchorIndex":0'))),
      4,
      /anchor/,
    ],
    ["the header's chain", joined(lines.with(0, lines[0]!.replace("31337", "31338"))), 1, /chain/],
    ["the header's log id", changed(1, '"logId":"0x', 15), 1, /logId/],
    ["the header's origin", joined(lines.with(0, lines[0]!.replace('"origin":"log', '"origin":"lag'))), 1, /origin/],
    ["a contract's address", changed(1, '"policyRegistry":"0x', 25), 1, /contract|registry/i],
    ["the header's first byte", joined(lines.with(0, `[${lines[0]!.slice(1)}`)), 1, /JSON/],
    ["the header's format", joined(lines.with(0, lines[0]!.replace("evidence/1", "evidence/7"))), 1, /format/],
    ["a head's statement", changed(10, "\\n2\\n", 8), 10, /statement/],
    ["a head's agent", changed(10, '"agent":"did:ethr:0x7a69:0x', 35), 10, /statement|another place/],
    ["the end line's digest", changed(12, '"sha256":"0x', 20), 12, /seal/],
    ["the end line's count", joined(lines.with(11, lines[11]!.replace('"count":5', '"count":6'))), 12, /counts 6/],
    ["a space", joined(lines.with(6, lines[6]!.replace(":", ": "))), 7, /RFC 8785/],
    ["one line's end", `${joined(lines.slice(0, 6))}${lines[6]}\r\n${joined(lines.slice(7))}`, 7, /CR LF/],
    ["every line's end", text.replaceAll("\n", "\r\n"), 1, /converted/],
    ["a byte order mark", `\ufeff${text}`, 1, /byte order mark/],
    ["an entry taken out", joined(lines.toSpliced(6, 1)), 7, /index 2 is missing before it/],
    ["the last entry taken out", joined(lines.toSpliced(8, 1)), 9, /tail is cut/],
    ["a policy taken out", joined(lines.toSpliced(1, 1)), 2, /policy 0x[0-9a-f]{64} is missing/],
    ["the checkpoint taken out", joined(lines.toSpliced(3, 1)), 4, /checkpoint is missing/],
    ["the header taken out", joined(lines.toSpliced(0, 1)), 1, /header is missing/],
    ["a head taken out", joined(lines.toSpliced(9, 1)), 10, /head of did:ethr.* is missing/],
    ["the last policy taken out", joined(lines.toSpliced(2, 1)), 3, /policy 0x[0-9a-f]{64} is missing/],
    ["the last head taken out", joined(lines.toSpliced(10, 1)), 11, /head of did:ethr.* is missing/],
    ["the end line taken out", joined(lines.slice(0, -1)), 12, /stops before it/],
    ["an entry twice", joined(lines.toSpliced(7, 0, lines[6]!)), 8, /same as line 7/],
    ["a line of another file", joined(lines.toSpliced(6, 0, '{"type":"note"}')), 7, /no line has the type/],
    ["an empty line", joined(lines.toSpliced(6, 0, "")), 7, /JSON/],
    [
      "an entry moved to the end",
      joined([...lines.slice(0, 4), ...lines.slice(5, 9), lines[4]!, ...lines.slice(9)]),
      9,
      /another place/,
    ],
    ["a file cut within a line", text.slice(0, text.indexOf(lines[6]!) + 100), 7, /stops within it/],
    ["a file cut at a line's end", joined(lines.slice(0, 7)), 8, /stops before it/],
    ["a last line without its end", text.slice(0, -1), 12, /stops within it/],
    ["bytes after the end", `${text}x`, 13, /after the end line/],
    [
      "a byte that is no UTF-8",
      Buffer.from(text).fill(0xff, text.indexOf(lines[1]!) + 40, text.indexOf(lines[1]!) + 41),
      2,
      /UTF-8|policy/,
    ],
  ];
  for (const [what, file, line, words] of table) {
    it(`is one failing verdict that names the line: ${what}`, async () => {
      const report = await auditOf(file);
      const said = fileVerdicts(report);
      expect(
        said.map((verdict) => verdict.line),
        JSON.stringify(said),
      ).to.include(line);
      expect(said.find((verdict) => verdict.line === line)?.detail).to.match(words);
      expect(said.length, JSON.stringify(said)).to.equal(1);
      expect(auditExitCode(report)).to.equal(1);
      // Without a header nobody knows which chain is meant: what hangs on it is not contradicted.
      const isHeaderLost = report.verdicts.some(({ code }) => code === "AUDIT_HEADER_LOST");
      if (what === "the header taken out") expect(isHeaderLost).to.equal(true);
      if (line > 1) expect(isHeaderLost).to.equal(false);
      expect(formatAuditReport(report)).to.include(`line ${line}`);
      // What is left is checked: at most the entry of the line is lost, or what hangs on the header.
      expect(report.summary.checks.find(({ check }) => check === "signature")?.holds ?? 0).to.be.at.least(
        line < 5 ? 4 : 1,
      );
    });
  }

  it("names both of two lines that were swapped, and only them", async () => {
    for (const [a, b] of [
      [6, 7],
      [5, 8],
      [2, 9],
    ] as const) {
      const swapped = lines.with(a - 1, lines[b - 1]!).with(b - 1, lines[a - 1]!);
      const report = await auditOf(joined(swapped));
      expect(fileVerdicts(report).map(({ line }) => line)).to.deep.equal([a, b]);
      expect(report.summary.verdicts.fails).to.equal(2);
      expect(fileVerdicts(report)[0]?.detail).to.match(/nothing else was changed/);
    }
  });

  it("fails by its file alone where everything in it stands", async () => {
    const crlf = await auditOf(text.replaceAll("\n", "\r\n"));
    const { holds } = (await auditOf(text)).summary.verdicts;
    expect(crlf.summary.verdicts).to.deep.equal({ holds: holds - 1, fails: 1, unproven: 0 });
    expect(crlf.conformity).to.deep.include({ judged: 5, conform: 5 });
  });

  it("is read up to its end line where two files were put one after the other", async () => {
    const report = await auditOf(text + text);
    expect(fileVerdicts(report)).to.have.length(12);
    expect(fileVerdicts(report)[0]).to.deep.include({ line: 13 });
    expect(report.evidence?.entries).to.equal(5);
  });

  it("says that nobody can tell which line it is, where only the chain could", async () => {
    const report = await auditOf(changed(1, '"policyRegistry":"0x', 25), false);
    expect(fileVerdicts(report)[0]?.detail).to.match(/line 1 \(addresses\) or 4 \(anchor\)/);
  });

  it("is told apart from a file that is no evidence at all", async () => {
    for (const other of [
      "",
      "\n",
      "{}\n",
      "[1,2]\n",
      "hello\nworld\n",
      JSON.stringify({ type: "end", count: 0 }),
      lines[11]!,
    ]) {
      const report = await auditOf(other);
      expect(report.evidence, other).to.equal(null);
      expect(report.verdicts.map(({ code }) => code)).to.deep.equal(["AUDIT_EVIDENCE_UNREADABLE"]);
      expect(auditExitCode(report)).to.equal(1);
    }
  });

  it("ends for a file of nothing but broken lines around one good one, and names the first of them", async () => {
    const junk = Array.from({ length: 500 }, (_, index) => `${"[".repeat(20_000)}${index}`);
    const report = await auditOf(joined([lines[0]!, ...junk]));
    expect(fileVerdicts(report)).to.have.length(20);
    expect(fileVerdicts(report).at(-1)?.detail).to.match(/48\d more lines are off/);
  });
});
