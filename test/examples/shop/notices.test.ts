import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { templateComposer } from "../../../examples/shop/notices/composer.ts";
import { openComposer } from "../../../examples/shop/notices/openComposer.ts";
import { planNotice } from "../../../examples/shop/notices/planNotice.ts";

const input = {
  orderId: "S-1",
  ending: "completed",
  share: ["customer", "goods"],
  customer: "Ada Berger",
  goods: [{ sku: "TEA-GREEN", quantity: 2, unitPriceCents: 1250 }],
  reason: "a secret reason",
  street: "Lindengasse 4",
  cardToken: "tok_ok",
};

describe("notices to customers", () => {
  let dir: string;
  let server: Server;
  let seen: { url: string | undefined; authorization: string | undefined; body: string }[];
  let answer: { status: number; body: unknown };

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "affiant-notices-"));
    seen = [];
    answer = { status: 200, body: { choices: [{ message: { role: "assistant", content: "Your tea is coming.\n" } }] } };
    server = createServer((request, response) => {
      void text(request).then((body) => {
        seen.push({ url: request.url, authorization: request.headers.authorization, body });
        response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  function modelComposer() {
    writeFileSync(join(dir, "key.txt"), "sk-test\n");
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/`;
    writeFileSync(
      join(dir, "notices.json"),
      JSON.stringify({ baseUrl, model: "small-1", apiKeyFile: join(dir, "key.txt") }),
    );
    return openComposer(dir);
  }

  it("are filled in from a template, named as such, unless a model is configured", async () => {
    expect(openComposer(dir)).to.equal(templateComposer);
    expect(await planNotice(openComposer(dir), input)).to.deep.equal({
      output: { text: "Hello Ada Berger, your order S-1 (2 × TEA-GREEN) is on its way.", composedBy: "template" },
    });
    const cancelled = { ...input, ending: "cancelled", share: ["reason"], reason: "It is sold out." };
    expect(await planNotice(openComposer(dir), cancelled)).to.have.nested.property(
      "output.text",
      "Hello, your order S-1 could not be carried out. The reason: It is sold out.",
    );
  });

  it("are written by a model that speaks chat completions", async () => {
    expect(await planNotice(modelComposer(), input)).to.deep.equal({
      output: { text: "Your tea is coming.", composedBy: "model small-1" },
    });
    expect(seen).to.have.length(1);
    expect(seen[0]).to.include({ url: "/v1/chat/completions", authorization: "Bearer sk-test" });
    const { model, messages } = JSON.parse(seen[0]!.body) as {
      model: string;
      messages: { role: string; content: string }[];
    };
    expect(model).to.equal("small-1");
    expect(messages.map(({ role }) => role)).to.deep.equal(["system", "user"]);
  });

  it("show a model what the call shares and nothing else", async () => {
    await planNotice(modelComposer(), input);
    const { messages } = JSON.parse(seen[0]!.body) as { messages: { content: string }[] };
    expect(JSON.parse(messages[1]!.content)).to.deep.equal({
      ending: "completed",
      orderId: "S-1",
      customer: "Ada Berger",
      goods: [{ sku: "TEA-GREEN", quantity: 2 }],
    });
  });

  for (const [what, given] of [
    ["fails", { status: 500, body: {} }],
    ["answers something else", { status: 200, body: { choices: [] } }],
    ["says nothing", { status: 200, body: { choices: [{ message: { content: " " } }] } }],
    ["rambles", { status: 200, body: { choices: [{ message: { content: "x".repeat(1_001) } }] } }],
  ] as const) {
    it(`come from the template when the model ${what}`, async () => {
      answer = given;
      expect(await planNotice(modelComposer(), input)).to.have.nested.property("output.composedBy", "template");
    });
  }

  it("need a model's address to be one", () => {
    writeFileSync(join(dir, "notices.json"), JSON.stringify({ baseUrl: "file:///etc", model: "m" }));
    expect(() => openComposer(dir))
      .to.throw()
      .with.property("code", "ERR_INPUT_CONFIG");
  });
});
