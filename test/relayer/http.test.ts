import { expect } from "chai";

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";

import { answerViolation, findOperation } from "../../relayer/http/operations.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { type Answer, RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

/** What the routers register, read from their source: Express keeps no list of it. */
async function servedRoutes(): Promise<string[]> {
  const root = join(import.meta.dirname, "../../relayer");
  const files = (await readdir(root, { recursive: true })).filter(
    (file) => file.endsWith("Router.ts") || file.endsWith("events.ts"),
  );
  const sources = await Promise.all(files.map((file) => readFile(join(root, file), "utf8")));
  return sources.flatMap((source) =>
    [...source.matchAll(/router\.(get|post|put|delete|patch)\(\s*"([^"]+)"/g)].map(([, method, path]) => {
      const template = String(path)
        .replaceAll("\\\\:", "\u0000")
        .replace(/[:*](\w+)/g, "{$1}")
        .replaceAll("\u0000", ":");
      return `${String(method)} ${template}`;
    }),
  );
}

describe("relayer: http", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_RATE_LIMIT_PER_MINUTE: "80" });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  it("describes routes that are there", async () => {
    const { body } = await relayer.get("/openapi.json");
    expect(body.openapi).to.equal("3.1.0");
    for (const [path, methods] of Object.entries(body.paths as Record<string, object>)) {
      if (!("get" in methods) || path === "/v1/events") continue;
      const answer = await relayer.get(path.replace(/\{\w+\}/g, "x"));
      expect([path, answer.body?.code === "ERR_NOT_FOUND_ROUTE"]).to.deep.equal([path, false]);
    }
    expect((await relayer.get("/docs")).text).to.contain("/v1/entries:batch");
  });

  it("documents every route it serves", async () => {
    const { body } = await relayer.get("/openapi.json");
    const documented = Object.entries(body.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(documented.sort()).to.deep.equal((await servedRoutes()).sort());
  });

  const call = { target: `0x${"11".repeat(20)}`, data: "0x12345678" };
  const key = { "idempotency-key": "k" };
  const hash = `0x${"11".repeat(32)}`;
  const refused: readonly (readonly [string, () => Promise<Answer>])[] = [
    ["a property that is not documented", () => relayer.post("/v1/requests", { ...call, gas: 1 }, key)],
    ["a property of another type", () => relayer.post("/v1/requests", { ...call, data: 1 }, key)],
    ["a property that is missing", () => relayer.post("/v1/requests", { target: call.target }, key)],
    ["a header that is missing", () => relayer.post("/v1/requests", call)],
    ["no body", () => relayer.post("/v1/requests", undefined, key)],
    ["a hash that is one byte short", () => relayer.get(`/v1/entries/${hash.slice(0, -2)}`)],
    ["a number in another spelling", () => relayer.get("/v1/log/anchors?from=01")],
    ["a number above the limit", () => relayer.get("/v1/log/anchors?limit=1001")],
    ["a query value sent twice", () => relayer.get("/v1/log/anchors?from=0&from=0")],
    ["a query value that is missing", () => relayer.get("/v1/log/proof/inclusion")],
  ];
  for (const [what, send] of refused) {
    it(`refuses ${what}`, async () => {
      const { status, body } = await send();
      expect([status, body.code]).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    });
  }

  it("passes what is of the documented form on to the rooms", async () => {
    expect((await relayer.post("/v1/requests", call, key)).body.code).to.equal("ERR_AUTH_TARGET");
    expect((await relayer.get(`/v1/entries/${hash}`)).body.code).to.equal("ERR_NOT_FOUND_ENTRY");
    expect((await relayer.get("/v1/log/anchors?from=0&limit=1000")).status).to.equal(200);
  });

  it("holds answers to the document: another status, type or shape is a violation", () => {
    const found = findOperation("GET", "/healthz");
    if (!found) throw new Error("/healthz is documented");
    const good = { status: 200, contentType: "application/json; charset=utf-8", body: { status: "alive" } };
    expect(answerViolation(found, good)).to.equal(undefined);
    expect(answerViolation(found, { ...good, status: 201 })).to.contain("status 201 is not documented");
    expect(answerViolation(found, { ...good, contentType: "text/html" })).to.contain('content type "text/html"');
    expect(answerViolation(found, { ...good, body: { status: "dead" } })).to.contain("/status");
  });

  it("sends headers that keep a page from loading, framing or sniffing anything, and names no software", async () => {
    const { headers } = await relayer.get("/docs");
    expect(headers.get("content-security-policy")?.split(";").sort()).to.deep.equal([
      "base-uri 'none'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "style-src 'self'",
    ]);
    expect(headers.get("x-content-type-options")).to.equal("nosniff");
    expect(headers.get("strict-transport-security")).to.match(/max-age=\d{7,}/);
    expect(headers.get("referrer-policy")).to.equal("no-referrer");
    expect(headers.get("x-powered-by")).to.equal(null);
  });

  it("shows every operation and schema in /docs, with references that lead somewhere", async () => {
    const { body } = await relayer.get("/openapi.json");
    const { text } = await relayer.get("/docs");
    const ids = new Set([...text.matchAll(/ id="(\w+)"/g)].map(([, id]) => id));
    expect([...ids].sort()).to.deep.equal(Object.keys(body.components.schemas as object).sort());
    for (const [, id] of text.matchAll(/href="#(\w+)"/g)) expect(ids.has(id)).to.equal(true);
    for (const path of Object.keys(body.paths as object)) expect(text).to.contain(`<code>${path}</code>`);
    expect(text).not.to.contain("<script");
    expect((await relayer.get("/docs/style.css")).headers.get("content-type")).to.contain("text/css");
  });

  it("counts the requests of an address, and says when to come back", async () => {
    let last = await relayer.get("/v1/log");
    for (let i = 0; i < 80; i++) last = await relayer.get("/v1/log");
    expect([last.status, last.body.code]).to.deep.equal([429, "ERR_LIMIT_RATE"]);
    expect(Number(last.headers.get("retry-after")))
      .to.equal(last.body.retryAfterSec)
      .and.to.be.within(1, 60);
    expect((await relayer.get("/healthz")).status).to.equal(200);
  });
});
