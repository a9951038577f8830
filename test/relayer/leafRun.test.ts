import { expect } from "chai";

import {
  joinRuns,
  type LeafRun,
  readPlainBatch,
  readPlainEntry,
  sliceRun,
  toLeafRun,
} from "../../relayer/ingest/leafRun.ts";

const leavesOf = ({ bytes, bounds }: LeafRun) =>
  Array.from({ length: bounds.length / 2 }, (_, i) =>
    Buffer.from(bytes.subarray(bounds[2 * i], bounds[2 * i + 1])).toString("utf8"),
  );

describe("relayer: leaves in the bytes of a request", () => {
  const leaves = ["aA0_-.bB1.cC2", "x", "y.z"];
  const plain = JSON.stringify({ entries: leaves.map((leaf) => ({ leaf })) });

  it("are found in a plain batch, and in a plain single submission", () => {
    const run = readPlainBatch(Buffer.from(plain));
    expect(run && leavesOf(run)).to.deep.equal(leaves);
    const one = readPlainEntry(Buffer.from('{"leaf":"a.b"}'));
    expect(one && leavesOf(one)).to.deep.equal(["a.b"]);
  });

  // Each differs from the plain one in one place. Some are good JSON, some are not: the parser says which.
  const others = {
    "white space": plain.replace('":[', '": ['),
    "an escape": plain.replace('"x"', '"\\u0078"'),
    "a character beyond ASCII": plain.replace('"x"', '"\u00e9"'),
    "an empty leaf": plain.replace('"x"', '""'),
    "a leaf that is no text": plain.replace('"x"', "1"),
    "another property": plain.replace('{"leaf":"x"}', '{"leaf":"x","disclosures":[]}'),
    "another property beside the entries": plain.replace("]}", '],"more":1}'),
    "no entries": '{"entries":[]}',
    "a comma too many": plain.replace("]}", ",]}"),
    "a comma too few": plain.replace('},{"leaf":"y.z"', '}{"leaf":"y.z"'),
    "something behind it": `${plain} `,
    "no end": plain.slice(0, -1),
    "one entry over the limit": JSON.stringify({ entries: Array.from({ length: 257 }, () => ({ leaf: "x" })) }),
  };
  for (const [what, text] of Object.entries(others)) {
    it(`leave a batch with ${what} to the parser`, () => {
      expect(readPlainBatch(Buffer.from(text))).to.equal(undefined);
    });
  }

  it("leave a single submission that is written otherwise to the parser", () => {
    for (const text of ['{"leaf":"a.b"} ', '{"leaf":"a\\.b"}', '{"leaf":"a.b","disclosures":[]}', "{}", plain]) {
      expect(readPlainEntry(Buffer.from(text))).to.equal(undefined);
    }
  });

  it("keep their order and their disclosures when runs are cut and joined, in bytes of their own", () => {
    const run = toLeafRun([{ leaf: "a" }, { leaf: "b.\u0141", disclosures: ["d"] }, { leaf: "c" }]);
    expect(leavesOf(run)).to.deep.equal(["a", "b.\u0141", "c"]);
    const slice = sliceRun(run, 1, 3);
    expect([leavesOf(slice), slice.disclosures]).to.deep.equal([
      ["b.\u0141", "c"],
      [["d"], []],
    ]);
    expect(slice.bytes.buffer).to.not.equal(run.bytes.buffer);
    const body = readPlainBatch(Buffer.from(plain)) as LeafRun;
    expect(sliceRun(body, 0, 1).bytes.buffer.byteLength).to.equal("aA0_-.bB1.cC2".length);
    const joined = joinRuns([sliceRun(body, 0, 2), slice]);
    expect([leavesOf(joined), joined.disclosures]).to.deep.equal([
      ["aA0_-.bB1.cC2", "x", "b.\u0141", "c"],
      [[], [], ["d"], []],
    ]);
  });
});
