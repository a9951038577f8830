import { expect } from "chai";
import { createHash } from "node:crypto";

import { toHex } from "../../protocol/encoding/hex.ts";
import { CompactRange } from "../../protocol/log/compactRange.ts";
import { inclusionProof } from "../../protocol/log/inclusion.ts";
import { nodeHashNative } from "../../relayer/log/nativeHash.ts";
import { nodeHash } from "../../protocol/log/hash.ts";
import { receiptOf, writeReceipts } from "../../relayer/log/receiptText.ts";

const digest = (text: string) => new Uint8Array(createHash("sha256").update(text).digest());

/** Complete subtrees of a tree of `size` leaves, by level and index. */
function treeOf(size: number): (level: number, index: number) => Uint8Array {
  const nodes = new Map<string, Uint8Array>();
  const range = new CompactRange();
  for (let i = 0; i < size; i++) {
    range.append(digest(`leaf ${i}`), (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  }
  return (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (!hash) throw new Error(`no node ${level}/${index}`);
    return hash;
  };
}

describe("relayer: receipts of a commit", () => {
  const note = "log.example\n7\nroot\n\n\u2014 log.example c2ln\n";

  it("hold for every run of leaves in trees of 1 to 34 the proofs that are made one by one", () => {
    for (let size = 1; size <= 34; size++) {
      const node = treeOf(size);
      for (let start = 0; start < size; start++) {
        const end = start + 1 + ((start * 7 + size) % (size - start));
        const entryIds = Array.from({ length: end - start }, (_, i) => digest(`entry ${start + i}`));
        const results = writeReceipts({ start, entryIds, size, note, node });
        expect(results).to.have.lengthOf(end - start);
        results.forEach((result, i) => {
          expect(JSON.parse(result.toString("latin1"))).to.deep.equal({
            status: 201,
            receipt: {
              entryId: toHex(entryIds[i] as Uint8Array),
              index: start + i,
              size,
              checkpoint: note,
              proof: inclusionProof(node, start + i, size).map(toHex),
              status: "sequenced",
            },
          });
          expect(JSON.parse(receiptOf(result).toString("latin1"))).to.include({ index: start + i });
        });
      }
    }
  });

  it("lie side by side with commas between them, all ASCII", () => {
    const entryIds = [digest("a"), digest("b"), digest("c")];
    const results = writeReceipts({ start: 2, entryIds, size: 5, note, node: treeOf(5) });
    const [first] = results as [Buffer];
    const length = results.reduce((sum, { length }) => sum + length, 2);
    const whole = Buffer.from(first.buffer, first.byteOffset, length).toString("latin1");
    expect(whole).to.equal(results.map((result) => result.toString("latin1")).join(","));
    expect(whole).to.match(/^[\x20-\x7e]*$/);
  });

  it("are under hashes that OpenSSL and the portable code agree on", () => {
    for (let i = 0; i < 32; i++) {
      const [left, right] = [digest(`l${i}`), digest(`r${i}`)];
      expect(toHex(nodeHashNative(left, right))).to.equal(toHex(nodeHash(left, right)));
    }
  });
});
