import { gzipSync } from "node:zlib";

import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { SpanStatusCode } from "@opentelemetry/api";
import { expect } from "chai";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalService, localService } from "../service/localService.ts";

const ids = { traceId: "5b8efff798038103d269b633813fc60c", spanId: "eee19b7ec3c1b174" };
const texts = (values: Record<string, string>) =>
  Object.entries(values).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const spans = (list: readonly object[], schemaUrl?: string) => ({
  resourceSpans: [{ scopeSpans: [{ schemaUrl, spans: list }] }],
});
const executeTool = { "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "lookup" };

describe("adapters/otlp: tools' executions from traces", () => {
  const folder = tempFolders();
  let at: LocalService;
  beforeEach(async () => (at = await localService(await folder())));
  afterEach(() => at.close());

  const telemetry = (entry = 0) =>
    (at.local.entries()[entry]?.context as { telemetry: { missing: string[] } }).telemetry;
  const always = ["verdict before the act", "claim before the act"];

  it("takes a span of the conventions up to 1.36, and names what they have no names for", async () => {
    const attributes = texts({ ...executeTool, "gen_ai.tool.call.id": "call-1" });
    const url = "https://opentelemetry.io/schemas/1.36.0";
    expect(
      await at.ask("POST", "/v1/traces", spans([{ ...ids, name: "execute_tool lookup", attributes }], url)),
    ).to.deep.include({
      status: 200,
      body: {},
    });
    expect(at.local.entries()[0]).to.deep.include({
      act: "lookup",
      kind: "act",
      thread: ids.traceId,
      input: null,
      output: null,
    });
    expect(telemetry()).to.deep.include({
      schemaUrl: url,
      callId: "call-1",
      missing: ["arguments", "result", "conversation", ...always],
    });
  });

  it("takes arguments and results of the GenAI conventions, as text or as values, digit by digit", async () => {
    const call = {
      "gen_ai.conversation.id": "chat-1",
      "gen_ai.tool.call.arguments": '{"wei":1000000000000000001}',
      "gen_ai.tool.call.id": "c",
    };
    const value = { kvlistValue: { values: [{ key: "n", value: { intValue: "9007199254740993" } }] } };
    const attributes = [...texts({ ...executeTool, ...call }), { key: "gen_ai.tool.call.result", value }];
    await at.ask("POST", "/v1/traces", spans([{ ...ids, attributes }]));
    expect(at.local.entries()[0]).to.deep.include({
      thread: "chat-1",
      input: { wei: "1000000000000000001" },
      output: { n: "9007199254740993" },
    });
    expect(telemetry().missing).to.deep.equal(always);
  });

  it("takes a TOOL span of OpenInference, and what failed", async () => {
    const attributes = texts({
      "openinference.span.kind": "TOOL",
      "tool.name": "refund",
      "input.value": '{"order":7}',
      "session.id": "s",
    });
    const status = { code: 2, message: "the bank said no" };
    await at.ask("POST", "/v1/traces", spans([{ ...ids, attributes, status }]));
    expect(at.local.entries()[0]).to.deep.include({
      act: "refund",
      input: { order: 7 },
      output: { error: "the bank said no" },
    });
  });

  it("reads what OpenTelemetry's own SDK writes in protobuf, zipped", async () => {
    const exporter = new InMemorySpanExporter();
    const resource = resourceFromAttributes({ "service.name": "support" });
    const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
    const span = provider.getTracer("t").startSpan("execute_tool refund");
    span.setAttributes({ ...executeTool, "gen_ai.tool.name": "refund", "gen_ai.tool.call.result": '["paid",1.5]' });
    span.setStatus({ code: SpanStatusCode.OK }).end();
    provider.getTracer("t").startSpan("chat gpt").end();
    await provider.forceFlush();
    const bytes = gzipSync(ProtobufTraceSerializer.serializeRequest(exporter.getFinishedSpans()) as Uint8Array);
    const headers = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
    expect((await at.ask("POST", "/v1/traces", bytes, headers)).status).to.equal(200);
    expect(at.local.entries().map(({ act, output }) => [act, output])).to.deep.equal([["refund", ["paid", 1.5]]]);
    const { traceId, spanId } = span.spanContext();
    expect(telemetry()).to.deep.include({ traceId, spanId });
  });

  it("enters a span once, however often it is sent, and counts it in what came before", async () => {
    const told = spans([
      { ...ids, attributes: texts({ ...executeTool, "gen_ai.tool.name": "refund", "gen_ai.conversation.id": "chat" }) },
    ]);
    for (let i = 0; i < 2; i++) await at.ask("POST", "/v1/traces", told);
    expect(at.local.entries()).to.have.length(1);
    expect((await at.ask("POST", "/v1/acts", { act: "refund", thread: "chat" })).code).to.equal("ERR_AUTH_POLICY");
  });

  it("counts tools' spans without ids as rejected, and passes over all others", async () => {
    const attributes = texts(executeTool);
    const others = [
      { ...ids, attributes: texts({ "gen_ai.operation.name": "chat" }) },
      { ...ids, name: "GET /" },
    ];
    const { body } = await at.ask("POST", "/v1/traces", spans([{ ...ids, spanId: "0", attributes }, ...others]));
    expect(body).to.have.nested.property("partialSuccess.rejectedSpans", "1");
    expect(at.local.entries()).to.deep.equal([]);
  });

  it("has exporters try again while nothing can be entered, and refuses what is no traces", async () => {
    at.local.trouble = new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer");
    expect((await at.ask("POST", "/v1/traces", spans([{ ...ids, attributes: texts(executeTool) }]))).status).to.equal(
      503,
    );
    for (const body of [
      "{",
      "[]",
      '{"resourceSpans":{}}',
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":1}]}]}]}',
    ]) {
      expect((await at.ask("POST", "/v1/traces", body)).code, body).to.equal("ERR_INPUT_MALFORMED");
    }
    const binary = { "content-type": "application/x-protobuf" };
    expect((await at.ask("POST", "/v1/traces", Buffer.from([0x0a, 0xff]), binary)).code).to.equal(
      "ERR_INPUT_MALFORMED",
    );
    const zipped = { ...binary, "content-encoding": "gzip" };
    expect((await at.ask("POST", "/v1/traces", Buffer.from("no"), zipped)).code).to.equal("ERR_INPUT_MALFORMED");
    expect((await at.ask("POST", "/v1/traces", gzipSync(Buffer.alloc(33 << 20)), zipped)).code).to.equal(
      "ERR_LIMIT_BODY_SIZE",
    );
  });
});
