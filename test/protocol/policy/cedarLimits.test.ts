import { expect } from "chai";

import { cedarLimits, checkCedarLimits } from "../../../protocol/policy/cedarLimits.ts";

describe("protocol/policy/cedarLimits", () => {
  // Tried again behind each escaped quote, these would take four thousand million steps: the test would not come to its end.
  for (const [what, end] of [
    ["a string that does not end", ""],
    ["one that ends in a backslash", "\\"],
  ] as const) {
    it(`reads ${what} once`, () => {
      const text = `permit "${'\\"'.repeat(cedarLimits.chars / 2 - 8)}${end}`;
      expect(text.length).to.be.within(cedarLimits.chars - 16, cedarLimits.chars);
      expect(() => checkCedarLimits("the policies", text)).not.to.throw();
    });
  }

  it("counts nothing of what stands in a string, and all that stands behind it", () => {
    const deep = "(".repeat(cedarLimits.nesting + 1);
    expect(() => checkCedarLimits("the policies", `"${deep}"`)).not.to.throw();
    expect(() => checkCedarLimits("the policies", `"\\"" ${deep}`))
      .to.throw("nested deeper")
      .with.property("code", "ERR_INPUT_POLICY");
  });
});
