import { createHash } from "node:crypto";

import { expect } from "chai";

import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { toCanonicalJson } from "../../../protocol/json/canonical.ts";
import { EvidenceReader, readEvidence } from "../../../protocol/evidence/readEvidence.ts";
import { type Evidence, evidenceLineOf } from "../../../protocol/evidence/types.ts";
import { EvidenceWriter, writeEvidence } from "../../../protocol/evidence/writeEvidence.ts";

const bytes32 = (digit: string) => `0x${digit.repeat(64)}` as const;
const address = (digit: string) => `0x${digit.repeat(40)}` as const;
const bundle = (name: string) =>
  ({
    format: "affiant-policy/1",
    name,
    description: "",
    schema: "",
    policies: "",
    facts: {},
    undecidable: [],
  }) as const;

const sample: Evidence = {
  header: {
    chainId: 31337,
    contracts: {
      agentRegistry: address("a"),
      attestationRegistry: address("e"),
      contractRegistry: address("d"),
      logAnchor: address("b"),
      policyRegistry: address("c"),
    },
    logId: bytes32("1"),
    origin: "log.example/shop",
    vkey: "log.example/shop+00000000+AQ==",
  },
  policies: [bundle("first"), bundle("second")],
  checkpoint: { anchorBlock: null, anchorIndex: null, note: "a note\n" },
  entries: [
    { disclosures: ["b", "a"], index: 4, leaf: "x.y.z", proof: [bytes32("2")] },
    { disclosures: [], index: 2, leaf: "u.v.w", proof: [] },
  ],
  heads: [],
};

const text = writeEvidence(sample);
const lines = text.trimEnd().split("\n");

/** Joins lines anew under a good seal, so that only the change under test is wrong. */
function sealed(
  body: readonly string[],
  count = body.filter((line) => line.includes('"type":"entry"')).length,
): Buffer {
  const before = body.map((line) => `${line}\n`).join("");
  const sha256 = `0x${createHash("sha256").update(before).digest("hex")}`;
  return Buffer.from(`${before}${toCanonicalJson({ type: "end", count, sha256 })}\n`);
}

function refusal(bytes: Uint8Array): { message: string; line: unknown } {
  try {
    readEvidence(bytes);
  } catch (error) {
    if (isAffiantError(error, "ERR_INPUT_EVIDENCE")) return { message: error.message, line: error.details["line"] };
    throw error;
  }
  throw new Error("the file was read");
}

describe("evidence file", () => {
  it("is read back as written, with policies, entries and disclosures in their one order", () => {
    const read = readEvidence(Buffer.from(text));
    expect(read.header).to.deep.equal(sample.header);
    expect(read.policies).to.have.deep.members(sample.policies as unknown[]);
    expect(read.checkpoint).to.deep.equal(sample.checkpoint);
    expect(read.entries).to.deep.equal([sample.entries[1], { ...sample.entries[0], disclosures: ["a", "b"] }]);
    expect(writeEvidence(read)).to.equal(text);
  });

  it("is the same text whatever order the parts come in", () => {
    const shuffled = { ...sample, policies: sample.policies.toReversed(), entries: sample.entries.toReversed() };
    expect(writeEvidence(shuffled)).to.equal(text);
  });

  it("is read in chunks of any size", () => {
    for (const size of [1, 7, 64, 1000]) {
      const reader = new EvidenceReader();
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      expect(writeEvidence(reader.finish())).to.equal(text);
    }
  });

  it("knows on which line things stand", () => {
    const read = readEvidence(Buffer.from(text));
    expect(lines[evidenceLineOf(read, "header") - 1]).to.include('"type":"header"');
    expect(lines[evidenceLineOf(read, "checkpoint") - 1]).to.include('"type":"checkpoint"');
    expect(lines[evidenceLineOf(read, "policy", 1) - 1]).to.include('"type":"policy"');
    expect(lines[evidenceLineOf(read, "entry", 1) - 1]).to.include('"index":4');
  });

  it("seals with the SHA-256 of everything before the end line", () => {
    expect(sealed(lines.slice(0, -1)).toString()).to.equal(text);
  });

  const body = lines.slice(0, -1);
  const [header, policy1, policy2, checkpoint, entry1, entry2] = body as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  const head = (agent: string) => toCanonicalJson({ agent, note: "a note\n", type: "head" });
  const wrong: [string, Uint8Array, number, RegExp][] = [
    ["an unknown field", sealed(body.with(3, checkpoint.replace("{", '{"a":1,'))), 4, /unknown a$/],
    ["a missing field", sealed(body.with(3, checkpoint.replace('"anchorIndex":null,', ""))), 4, /lacks anchorIndex/],
    [
      "an anchor named twice",
      sealed(
        body.with(3, checkpoint.replace('"anchorBlock":null,"anchorIndex":null', '"anchorBlock":1,"anchorIndex":0')),
      ),
      4,
      /named twice/,
    ],
    ["another format version", sealed(body.with(0, header.replace("evidence/1", "evidence/2"))), 1, /format is not/],
    ["upper-case hex", sealed(body.with(0, header.replace(address("a"), address("A")))), 1, /agentRegistry/],
    ["white space", sealed(body.with(4, entry1.replace(":", ": "))), 5, /RFC 8785/],
    [
      "policies unsorted",
      sealed([header, policy2, policy1, checkpoint, entry1, entry2]),
      3,
      /not sorted by their hash/,
    ],
    ["a policy twice", sealed([header, policy1, policy1, checkpoint, entry1, entry2]), 3, /twice/],
    [
      "entries unsorted",
      sealed([header, policy1, policy2, checkpoint, entry2, entry1]),
      6,
      /not sorted by their index/,
    ],
    ["an entry twice", sealed([...body, entry2]), 7, /twice/],
    ["disclosures unsorted", sealed(body.with(5, entry2.replace('["a","b"]', '["b","a"]'))), 6, /not sorted/],
    [
      "a policy after the checkpoint",
      sealed([header, policy1, checkpoint, policy2, entry1, entry2]),
      4,
      /cannot stand here/,
    ],
    ["a head before the entries", sealed([header, checkpoint, head("a"), entry1]), 3, /cannot stand here/],
    ["an entry after a head", sealed([header, checkpoint, entry1, head("a"), entry2]), 5, /cannot stand here/],
    ["heads unsorted", sealed([...body, head("b"), head("a")]), 8, /not sorted by their agent/],
    ["a head twice", sealed([...body, head("a"), head("a")]), 8, /twice/],
    ["a head without its note", sealed([...body, '{"agent":"a","type":"head"}']), 7, /lacks note/],
    ["no checkpoint", sealed([header, policy1, policy2, entry1, entry2]), 4, /cannot stand here/],
    ["a second header", sealed([header, header, checkpoint, entry1]), 2, /cannot stand here/],
    ["no entry", sealed([header, checkpoint]), 3, /cannot stand here/],
    ["a wrong count", sealed(body, 3), 7, /count says 3, the file holds 2/],
    ["a line of unknown type", sealed([...body, '{"type":"note"}']), 7, /no line has the type "note"/],
    ["a line that is no object", sealed([...body, "[]"]), 7, /not a JSON object/],
    ["an empty line", sealed([...body, ""]), 7, /not JSON/],
    ["nesting without end", sealed([...body, `${"[".repeat(100_000)}${"]".repeat(100_000)}`]), 7, /line 7/],
    ["a change under the old seal", Buffer.from(text.replace("u.v.w", "u.v.x")), 7, /not the digest/],
    ["bytes after the end line", Buffer.from(`${text}\n`), 8, /line 8/],
    ["a second end line", Buffer.from(`${text}${lines.at(-1) ?? ""}\n`), 8, /cannot stand here/],
    ["no line feed at the end", Buffer.from(text.slice(0, -1)), 7, /line feed/],
    ["no end line", Buffer.from(`${body.join("\n")}\n`), 7, /stops before its end line/],
    ["nothing", new Uint8Array(), 1, /stops before/],
    ["a carriage return", Buffer.from(text.replaceAll("\n", "\r\n")), 1, /RFC 8785/],
    ["bytes that are not UTF-8", Buffer.concat([Buffer.from([0xff]), Buffer.from(text)]), 1, /UTF-8/],
    ["a byte order mark", Buffer.from(`\ufeff${text}`), 1, /not JSON/],
  ];
  for (const [what, bytes, line, message] of wrong) {
    it(`is refused with ${what}, and the line is named`, () => {
      const refused = refusal(bytes);
      expect(refused.line).to.equal(line);
      expect(refused.message).to.match(message);
    });
  }

  it("is not written when a reader would refuse it", () => {
    const writer = new EvidenceWriter();
    expect(() => writer.checkpoint(sample.checkpoint))
      .to.throw()
      .with.property("code", "ERR_INPUT_EVIDENCE");
    expect(() => writeEvidence({ ...sample, entries: [] }))
      .to.throw()
      .with.property("code", "ERR_INPUT_EVIDENCE");
  });
});
