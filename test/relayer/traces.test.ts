import { expect } from "chai";

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { formatTraceParent, parseTraceParent } from "../../relayer/traces/traceParent.ts";
import { eventually } from "../helpers/eventually.ts";

/** As OTLP over HTTP has it in JSON (opentelemetry-proto, trace.proto). */
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number };
}

/** A collector: it keeps what it is sent. */
class Collector {
  readonly spans: Span[] = [];
  readonly headers: Record<string, unknown>[] = [];
  readonly bodies: string[] = [];
  readonly #server: Server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      this.bodies.push(body);
      this.headers.push({ ...request.headers, path: request.url });
      const { resourceSpans } = JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] };
      for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) this.spans.push(...spans);
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  named(name: string, traceId: string): Span | undefined {
    return this.spans.find((span) => span.name === name && span.traceId === traceId);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const caller = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

describe("relayer: traces", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  const collector = new Collector();

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, {
      OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start(),
      OTEL_EXPORTER_OTLP_HEADERS: "x-token=s%20ecret",
    });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
    await collector.close();
  });

  it("follow a request from the caller's trace into the block it is mined in", async () => {
    const { target, data, actor } = await registerCall(chain);
    const headers = { "idempotency-key": actor.did, traceparent: formatTraceParent({ ...caller, sampled: true }) };
    const { body } = await relayer.post("/v1/requests", { target, data }, headers);
    await eventually(async () => {
      await chain.mine(1);
      return collector.named("job final", caller.traceId) !== undefined;
    });
    const served = collector.named("POST /v1/requests", caller.traceId);
    expect(served).to.include({ parentSpanId: caller.spanId, kind: 2 });
    expect(attributes(served)).to.deep.equal({
      "http.request.method": "POST",
      "http.route": "/v1/requests",
      "http.response.status_code": 202,
    });
    expect(collector.named("simulate", caller.traceId)).to.include({ parentSpanId: served?.spanId });
    for (const state of ["signed", "broadcast", "mined", "final"]) {
      const step = collector.named(`job ${state}`, caller.traceId);
      expect([state, step?.parentSpanId]).to.deep.equal([state, served?.spanId]);
      expect(attributes(step)["affiant.job.id"]).to.equal(body.id);
    }
    const mined = attributes(collector.named("job mined", caller.traceId));
    const request = (await relayer.get(`/v1/requests/${body.id}`)).body;
    expect([mined["affiant.job.tx_hash"], mined["affiant.job.block_number"]]).to.deep.equal([
      request.txHash,
      request.blockNumber,
    ]);
  });

  it("show where an entry's time goes, in a trace of its own where none came", async () => {
    const actor = await Actor.registered(chain);
    const { leaf } = await actor.sign();
    expect((await relayer.post("/v1/entries", { leaf })).status).to.equal(201);
    const find = (name: string) => collector.spans.find((span) => span.name === name);
    await eventually(() => find("POST /v1/entries") !== undefined && find("sequence") !== undefined);
    const served = find("POST /v1/entries");
    expect(served?.traceId).not.to.equal(caller.traceId);
    expect(served?.parentSpanId ?? "").to.equal("");
    for (const name of ["verify", "admit", "sequence"]) {
      expect(find(name)).to.include({ traceId: served?.traceId, parentSpanId: served?.spanId });
    }
  });

  it("make none of a request whose caller records none", async () => {
    const traceId = "11111111111111111111111111111111";
    const traceparent = formatTraceParent({ traceId, spanId: caller.spanId, sampled: false });
    await relayer.post("/v1/log/anchor", undefined, { traceparent });
    await relayer.post("/v1/log/anchor", undefined, { traceparent: formatTraceParent({ ...caller, sampled: true }) });
    await eventually(() => collector.named("POST /v1/log/anchor", caller.traceId) !== undefined);
    expect(collector.spans.filter((span) => span.traceId === traceId)).to.deep.equal([]);
  });

  it("name the code of what failed, and hold neither payloads nor keys", async () => {
    const actor = await Actor.registered(chain);
    await actor.sign(); // never sent: a gap
    const { leaf, disclosures } = await actor.sign({ input: "a payload that is nobody's business" });
    expect((await relayer.post("/v1/entries", { leaf, disclosures })).status).to.equal(409);
    const failed = () => collector.spans.find((span) => span.status.code === 2 && span.name === "sequence");
    await eventually(() => failed() !== undefined);
    expect(attributes(failed())["error.type"]).to.equal("ERR_CONFLICT_SEQ_GAP");
    const sent = collector.bodies.join("\n");
    for (const secret of [leaf, ...disclosures, "s ecret", "s%20ecret"]) expect(sent).not.to.contain(secret);
    expect(collector.headers[0]).to.include({ path: "/v1/traces", "x-token": "s ecret" });
  });

  it("a collector that is gone costs nobody an answer", async () => {
    await collector.close();
    expect((await relayer.get("/healthz")).status).to.equal(200);
  });
});

describe("relayer: traceparent (W3C Trace Context, §3.2 and §4.3)", () => {
  const valid = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  it("reads the recommendation's example, and writes it again", () => {
    const parsed = parseTraceParent(valid);
    expect(parsed).to.deep.equal({ ...caller, sampled: true });
    expect(parsed && formatTraceParent(parsed)).to.equal(valid);
  });

  it("reads a later version as far as it knows it", () => {
    expect(parseTraceParent(valid.replace("00-", "cc-").concat("-what-the-future-holds"))).to.include(caller);
  });

  const wrong: readonly (readonly [string, string])[] = [
    ["version ff", valid.replace("00-", "ff-")],
    ["more than version 00 has", `${valid}-00`],
    ["an id of zeros", valid.replace(caller.traceId, "0".repeat(32))],
    ["a span of zeros", valid.replace(caller.spanId, "0".repeat(16))],
    ["upper case", valid.toUpperCase()],
    ["a short id", valid.replace("0af7", "af7")],
  ];
  for (const [what, header] of wrong) {
    it(`begins anew at ${what}`, () => expect(parseTraceParent(header)).to.equal(undefined));
  }
});

function attributes(span: Span | undefined): Record<string, unknown> {
  const entries = (span?.attributes ?? []).map(({ key, value }) => [key, Object.values(value)[0]]);
  return Object.fromEntries(entries) as Record<string, unknown>;
}
