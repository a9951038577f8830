import { AbiCoder, Interface, toBeHex } from "ethers";
import { expect } from "chai";

import { AllowList } from "../../../relayer/requests/allowList.ts";
import { thrownCode } from "../../helpers/errorCode.ts";

const abi = new Interface(["function leaveSigned(address agent, bytes[] parts)"]);
const target = `0x${"11".repeat(20)}`;
const agent = `0x${"22".repeat(20)}`;
const word = (value: number) => toBeHex(value, 32).slice(2);

describe("relayer/requests/allowList", () => {
  const list = new AllowList(new Map([[target, { abi }]]));
  const codeOf = (data: string) => thrownCode(() => list.check(target, data));

  it("takes what is canonically encoded, however many parts it has", () => {
    const parts = Array.from({ length: 500 }, (_, i) => `0x${"ab".repeat(i % 70)}`);
    expect(codeOf(abi.encodeFunctionData("leaveSigned", [agent, parts]))).to.equal("no error");
    expect(codeOf(abi.encodeFunctionData("leaveSigned", [agent, []]))).to.equal("no error");
  });

  it("stops at calldata whose parts are all the same bytes: decoded it would be larger than it is long by their number", () => {
    const count = 1_000;
    const blob = AbiCoder.defaultAbiCoder()
      .encode(["bytes"], [`0x${"cd".repeat(50_000)}`])
      .slice(2 + 64);
    const offsets = Array.from({ length: count }, () => word(32 * count)).join("");
    const data = `${abi.getFunction("leaveSigned")?.selector}${"0".repeat(24)}${agent.slice(2)}${word(64)}${word(count)}${offsets}${blob}`;
    expect(() => list.check(target, data))
      .to.throw()
      .with.property("code", "ERR_INPUT_ENCODING");
    // It stopped on the way, and did not find out at the end.
    expect(() => list.check(target, data))
      .to.throw()
      .with.nested.property("cause.message")
      .that.contains("inflation");
  });
});
