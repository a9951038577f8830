import { expect } from "chai";

import { assertShallow } from "../../relayer/http/jsonDepth.ts";
import { thrownCode } from "../helpers/errorCode.ts";

const code = (text: string) => thrownCode(() => assertShallow(Buffer.from(text)));

describe("relayer/http/jsonDepth", () => {
  it("lets 64 levels pass and not one more", () => {
    expect(code("[".repeat(64) + "]".repeat(64))).to.equal("no error");
    expect(code("[".repeat(65) + "]".repeat(65))).to.equal("ERR_INPUT_MALFORMED");
    expect(code('{"a":'.repeat(65))).to.equal("ERR_INPUT_MALFORMED");
  });

  it("counts levels, not brackets, and none within texts", () => {
    expect(code("[[]]".repeat(1_000))).to.equal("no error");
    expect(code(JSON.stringify("[".repeat(1_000)))).to.equal("no error");
    expect(code(JSON.stringify(`\\"${"[".repeat(1_000)}`))).to.equal("no error");
    expect(code(`"\\\\"${"[".repeat(65)}`)).to.equal("ERR_INPUT_MALFORMED");
  });
});
