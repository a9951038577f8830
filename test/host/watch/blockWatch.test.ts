import { expect } from "chai";

import type { Answer, Question } from "../../../host/watch/answers.ts";
import { BlockWatch } from "../../../host/watch/blockWatch.ts";
import { rejection } from "../../helpers/rejection.ts";

/** An endpoint that answers with what it was asked and when, or as a test says; and remembers the requests. */
class Endpoint {
  readonly requests: (readonly Question[])[] = [];
  say: (question: Question, all: readonly Question[], request: number) => Answer | undefined = (_, __, request) => ({
    result: `${request}`,
  });
  silent = false;
  readonly watch = new BlockWatch(async (questions) => {
    const request = this.requests.push(questions);
    await Promise.resolve();
    if (this.silent) throw new Error("nobody there");
    return questions.map((one) => this.say(one, questions, request)) as Answer[];
  });

  block(number: number, hash = `0x${number}`): void {
    this.watch.told({ number, hash });
  }

  call(data = "0x01", block: unknown = "latest"): Promise<Answer> {
    return this.watch.answer({ method: "eth_call", params: [{ data }, block] });
  }
}

describe("host/watch: one look at the chain", () => {
  let endpoint: Endpoint;
  beforeEach(() => {
    endpoint = new Endpoint();
    endpoint.block(1);
  });

  it("asks nothing twice for one block, however many ask", async () => {
    const answers = await Promise.all(Array.from({ length: 64 }, () => endpoint.call()));
    expect(new Set(answers.map((one) => JSON.stringify(one))).size).to.equal(1);
    expect(endpoint.requests).to.have.length(1);
    expect(endpoint.requests[0]![0]!.params[1], "of the block that was told").to.equal("0x1");
  });

  for (const agents of [4, 64]) {
    it(`makes one request a block of what ${agents} agents ask`, async () => {
      const all = () => Promise.all(Array.from({ length: agents }, (_, i) => endpoint.call(`0x${i}`)));
      await all();
      const before = endpoint.requests.length;
      for (const block of [2, 3, 4]) {
        endpoint.block(block);
        await all();
      }
      expect(endpoint.requests.length - before).to.equal(3);
      expect(endpoint.requests.at(-1)!.map(({ params }) => params[1])).to.deep.equal(Array(agents).fill("0x4"));
    });
  }

  it("does not ask ahead what nobody asks any more", async () => {
    await endpoint.call();
    for (const block of [2, 3, 4, 5, 6]) endpoint.block(block);
    expect(endpoint.requests).to.have.length(2);
  });

  it("gives no answer of a block before, nor of a branch that is gone", async () => {
    const first = await endpoint.call();
    endpoint.block(2);
    const second = await endpoint.call();
    endpoint.block(2, "0xother");
    const third = await endpoint.call();
    expect(new Set([first, second, third].map((one) => JSON.stringify(one))).size).to.equal(3);
  });

  it("keeps an answer that came late under the block that it was asked of", async () => {
    const asked = endpoint.call();
    endpoint.block(2);
    const next = endpoint.call();
    expect(await asked).to.not.deep.equal(await next);
    expect(await endpoint.call()).to.deep.equal(await next);
  });

  it("takes silence for no answer: it is thrown, and asked again", async () => {
    endpoint.silent = true;
    expect(await rejection(endpoint.call())).to.be.an("error");
    endpoint.silent = false;
    expect(await endpoint.call()).to.have.property("result");
  });

  it("keeps what the chain says by reverting, and no error of an endpoint in trouble", async () => {
    endpoint.say = () => ({ error: { code: 3, data: "0x08c379a0" } });
    await endpoint.call("0xaa");
    await endpoint.call("0xaa");
    expect(endpoint.requests).to.have.length(1);
    endpoint.say = () => ({ error: { code: -32_005, message: "limit exceeded" } });
    await endpoint.call("0xbb");
    const before = endpoint.requests.length;
    await endpoint.call("0xbb");
    expect(endpoint.requests.length).to.be.greaterThan(before);
  });

  it("asks as the question was put where the node does not have the block that was told", async () => {
    endpoint.say = ({ params }) =>
      params[1] === "0x1" ? { error: { code: -32_000, message: "header not found" } } : { result: "0x2a" };
    expect(await endpoint.call()).to.deep.equal({ result: "0x2a" });
  });

  for (const [what, say] of [
    ["refused", () => ({ error: { message: "no batches" } })],
    ["answered in part", (_: Question, all: readonly Question[]) => (all.length > 1 ? undefined : { result: "0x1" })],
  ] as const) {
    it(`asks one by one where a batch is ${what}`, async () => {
      await Promise.all([endpoint.call("0x01"), endpoint.call("0x02")]);
      endpoint.say = (question, all) => (all.length > 1 ? (say(question, all) as Answer) : { result: "0x1" });
      endpoint.block(2);
      expect(await endpoint.call("0x01")).to.deep.equal({ result: "0x1" });
      expect(await endpoint.call("0x02")).to.deep.equal({ result: "0x1" });
    });
  }

  it("keeps neither what is pending nor what is sent", async () => {
    await endpoint.call("0x01", "pending");
    await endpoint.call("0x01", "pending");
    const send = { method: "eth_sendRawTransaction", params: ["0x02"] };
    await endpoint.watch.answer(send);
    await endpoint.watch.answer(send);
    expect(endpoint.requests).to.have.length(4);
  });

  it("looks anew when a development chain is changed by hand", async () => {
    const before = await endpoint.call();
    endpoint.say = ({ method }) =>
      method === "eth_getBlockByNumber" ? { result: { number: "0x9", hash: "0x9" } } : { result: "after" };
    await endpoint.watch.answer({ method: "evm_mine", params: [] });
    expect(endpoint.watch.head).to.deep.equal({ number: 9, hash: "0x9" });
    expect(await endpoint.call()).to.not.deep.equal(before);
  });

  it("tells who waits of the next block, and of one that came already at once", async () => {
    const next = endpoint.watch.next("0x1", 60_000);
    endpoint.block(2);
    expect(await next).to.deep.equal({ number: 2, hash: "0x2" });
    expect(await endpoint.watch.next("0x1", 60_000)).to.deep.equal({ number: 2, hash: "0x2" });
    const gone = new AbortController();
    const waiting = endpoint.watch.next("0x2", 60_000, gone.signal);
    gone.abort();
    expect(await waiting).to.deep.equal({ number: 2, hash: "0x2" });
  });
});
