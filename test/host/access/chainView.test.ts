import { expect } from "chai";

import { ChainView, readable } from "../../../host/access/chainView.ts";
import type { Answer, Question } from "../../../host/watch/answers.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";

const contract = readable(`0x${"1".repeat(40)}`, ["function count() view returns (uint256)"]);
const word = (value: number) => `0x${value.toString(16).padStart(64, "0")}`;

/** An endpoint whose every answer a test can set. */
class Endpoint {
  block = 1;
  count: Answer = { result: word(7) };
  chainId = "0x7a69";
  silent = false;
  readonly asked: string[] = [];

  readonly ask = (questions: readonly Question[]): Promise<readonly Answer[]> => {
    if (this.silent) return Promise.reject(new Error("silence"));
    return Promise.resolve(
      questions.map(({ method }): Answer => {
        this.asked.push(method);
        if (method === "eth_chainId") return { result: this.chainId };
        if (method === "eth_getBlockByNumber")
          return { result: { number: `0x${this.block.toString(16)}`, hash: word(this.block) } };
        return this.count;
      }),
    );
  };
}

describe("host/access/chainView", () => {
  const open = (endpoint: Endpoint, chainId = 31337) => new ChainView({ ask: endpoint.ask, chainId });

  it("asks nothing twice for one block, and anew for another", async () => {
    const endpoint = new Endpoint();
    const view = open(endpoint);
    expect(await view.read(contract, "count", [])).to.deep.equal([7n]);
    endpoint.count = { result: word(8) };
    expect(await view.read(contract, "count", [])).to.deep.equal([7n]);
    endpoint.block = 2;
    expect(await view.read(contract, "count", [])).to.deep.equal([8n]);
    expect(endpoint.asked.filter((method) => method === "eth_call")).to.have.length(2);
  });

  it("takes a revert for the contract's word, and nothing else that is no value", async () => {
    const endpoint = new Endpoint();
    const view = open(endpoint);
    endpoint.count = { error: { code: 3, message: "execution reverted", data: "0x" } };
    expect(await view.read(contract, "count", [])).to.equal(undefined);
    const troubles: readonly Answer[] = [
      { error: { code: -32_005, message: "too many requests" } },
      { error: { code: -32_000, message: "header not found" } },
      { result: "0x" },
      { result: null },
    ];
    for (const trouble of troubles) {
      endpoint.block++;
      endpoint.count = trouble;
      expect(await rejectionCode(view.read(contract, "count", [])), JSON.stringify(trouble)).to.equal(
        "ERR_UNAVAILABLE_CHAIN",
      );
    }
  });

  it("says nothing from memory while the endpoint is silent", async () => {
    const endpoint = new Endpoint();
    const view = open(endpoint);
    await view.read(contract, "count", []);
    endpoint.silent = true;
    expect(await rejectionCode(view.read(contract, "count", []))).to.equal("ERR_UNAVAILABLE_CHAIN");
    expect(await rejectionCode(view.head())).to.equal("ERR_UNAVAILABLE_CHAIN");
  });

  it("believes no other chain", async () => {
    const endpoint = new Endpoint();
    expect(await rejectionCode(open(endpoint, 1).head())).to.equal("ERR_CONFLICT_CHAIN");
  });

  it("shares a question among those who wait for it, and gives nobody a block from before it asked", async () => {
    const endpoint = new Endpoint();
    const view = open(endpoint);
    await view.head();
    const before = endpoint.asked.length;
    const heads = await Promise.all(Array.from({ length: 50 }, () => view.head()));
    expect(heads.every(({ number }) => number === 1)).to.equal(true);
    expect(endpoint.asked.length - before).to.be.at.most(2);
  });
});
