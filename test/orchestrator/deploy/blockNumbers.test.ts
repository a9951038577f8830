import { expect } from "chai";
import { toBeHex } from "ethers";
import { network } from "hardhat";

import { assertOwnBlockNumbers } from "../../../orchestrator/deploy/blockNumbers.ts";
import type { Eip1193 } from "../../../orchestrator/deploy/chainRpc.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";

/** An endpoint at `head`, whose contracts see what `number` answers. */
function endpoint(head: number, number: () => unknown): Eip1193 & { readonly calls: unknown[] } {
  const calls: unknown[] = [];
  return {
    calls,
    request: ({ method, params }) => {
      if (method === "eth_blockNumber") return Promise.resolve(`0x${head.toString(16)}`);
      calls.push(params);
      return Promise.resolve().then(number);
    },
  };
}

describe("block numbers of a chain", () => {
  it("are its own where the opcode and the endpoint agree: a real chain, some blocks on", async () => {
    const { ethers, networkHelpers } = await network.create();
    await networkHelpers.mine(7);
    const rpc = {
      request: ({ method, params = [] }: { method: string; params?: readonly unknown[] }) =>
        ethers.provider.send(method, [...params]),
    };
    await assertOwnBlockNumbers(rpc as Eip1193, "a chain");
  });

  it("are asked at the very block that the endpoint named", async () => {
    const rpc = endpoint(1_000, () => toBeHex(1_000, 32));
    await assertOwnBlockNumbers(rpc, "a chain");
    expect(rpc.calls).to.deep.equal([[{ data: "0x4360005260206000f3" }, "0x3e8"]]);
    await assertOwnBlockNumbers(
      endpoint(1_000, () => toBeHex(1_001, 32)),
      "a chain",
    );
  });

  for (const [title, number] of [
    ["are another chain's where contracts see 22000000 in block 1000", 22_000_000],
    ["are another chain's where contracts see 999 in block 1000", 999],
    ["are another chain's where contracts see 1002 in block 1000", 1_002],
    ["are another chain's where contracts see 0 in block 1000", 0],
  ] as const) {
    it(title, async () => {
      const asked = assertOwnBlockNumbers(
        endpoint(1_000, () => toBeHex(number, 32)),
        "a rollup",
      );
      expect(await rejectionCode(asked)).to.equal("ERR_CONFLICT_CHAIN");
    });
  }

  for (const [what, answer] of [
    ["nothing", "0x"],
    ["null", null],
    ["a short word", "0x03e8"],
  ] as const) {
    it(`are not taken for its own when the endpoint answers ${what}`, async () => {
      expect(
        await rejectionCode(
          assertOwnBlockNumbers(
            endpoint(1_000, () => answer),
            "a chain",
          ),
        ),
      ).to.equal("ERR_UNAVAILABLE_CHAIN");
    });
  }

  it("are asked again when the endpoint does not know its own newest block yet, and not for ever", async () => {
    let left = 3;
    const lagging = endpoint(1_000, () => {
      if (left-- > 0) throw new Error("header not found");
      return toBeHex(1_000, 32);
    });
    await assertOwnBlockNumbers(lagging, "a chain");
    expect(lagging.calls).to.have.lengthOf(4);
    const silent = endpoint(1_000, () => {
      throw new Error("method not supported");
    });
    expect(await rejectionCode(assertOwnBlockNumbers(silent, "a chain"))).to.equal("ERR_UNAVAILABLE_CHAIN");
  });
});
