import { expect } from "chai";

import { isShallow } from "../../relayer/http/jsonDepth.ts";

const shallow = (text: string) => isShallow(Buffer.from(text));

describe("relayer/http/jsonDepth", () => {
  it("lets 64 levels pass and not one more", () => {
    expect(shallow("[".repeat(64) + "]".repeat(64))).to.equal(true);
    expect(shallow("[".repeat(65) + "]".repeat(65))).to.equal(false);
    expect(shallow('{"a":'.repeat(65))).to.equal(false);
  });

  it("counts levels, not brackets, and none within texts", () => {
    expect(shallow("[[]]".repeat(1_000))).to.equal(true);
    expect(shallow(JSON.stringify("[".repeat(1_000)))).to.equal(true);
    expect(shallow(JSON.stringify(`\\"${"[".repeat(1_000)}`))).to.equal(true);
    expect(shallow(`"\\\\"${"[".repeat(65)}`)).to.equal(false);
  });
});
