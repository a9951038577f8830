import { AsyncLocalStorage } from "node:async_hooks";
import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Guard } from "../http/guards.ts";
import type { Logger } from "pino";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { TraceSettings } from "../config.ts";
import { findOperation } from "../http/operations.ts";
import { formatTraceParent, parseTraceParent } from "./traceParent.ts";
import type { Traces } from "./traces.ts";

const exportTimeoutMs = 5_000;
/** A collector that does not answer keeps the end of the process waiting no longer. */
const endTimeoutMs = 2_000;

/** Spans by OTLP over HTTP. Nothing global is touched: two relayers in one process have traces of their own. */
export function otlpTraces({ url, headers, serviceName, ratio }: TraceSettings, logger: Logger): Traces {
  const exporter = tellingExporter(new OTLPTraceExporter({ url, headers, timeoutMillis: exportTimeoutMs }), logger);
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName, "process.pid": process.pid }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({ exporter, scheduledDelayMillis: 1_000, exportTimeoutMillis: exportTimeoutMs }),
    ],
    spanLimits: { attributeValueLengthLimit: 256 },
  });
  const tracer = provider.getTracer("affiant-relayer");
  const underWay = new AsyncLocalStorage<Context>();
  const here = () => underWay.getStore() ?? ROOT_CONTEXT;

  const guard: Guard = (request, response, next) => {
    const parent = contextOf(headerOf(request, "traceparent"));
    const span = tracer.startSpan(
      nameOf(request),
      { kind: SpanKind.SERVER, attributes: attributesOf(request) },
      parent,
    );
    response.on("close", () => {
      span.setAttribute("http.response.status_code", response.statusCode);
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    underWay.run(trace.setSpan(parent, span), next);
  };

  return {
    guard,
    async span(name, attributes, work) {
      const parent = here();
      const span = tracer.startSpan(name, { attributes }, parent);
      try {
        return await underWay.run(trace.setSpan(parent, span), work);
      } catch (error) {
        fail(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
    current() {
      const span = trace.getSpan(here());
      return span && format(span);
    },
    past({ name, attributes, parent, startMs, endMs, error }) {
      const span = tracer.startSpan(name, { attributes, startTime: startMs }, contextOf(parent));
      if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: error });
      span.end(endMs);
      return format(span);
    },
    close: () =>
      Promise.race([provider.shutdown().catch(() => undefined), sleep(endTimeoutMs, undefined, { ref: false })]),
  };
}

function contextOf(header: string | undefined): Context {
  const parent = parseTraceParent(header);
  if (!parent) return ROOT_CONTEXT;
  const { traceId, spanId, sampled } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true });
}

function format(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return formatTraceParent({ traceId, spanId, sampled: (traceFlags & 1) === 1 });
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** The route's template, never the address itself: few names, and nobody's query string. */
function nameOf(request: IncomingMessage): string {
  const route = routeOf(request);
  return route === undefined ? String(request.method) : `${String(request.method)} ${route}`;
}

function attributesOf(request: IncomingMessage): Record<string, string> {
  const route = routeOf(request);
  return { "http.request.method": String(request.method), ...(route === undefined ? {} : { "http.route": route }) };
}

function routeOf({ method, url }: IncomingMessage): string | undefined {
  return findOperation(String(method), String(url).split("?")[0] ?? "")?.compiled.path;
}

/** The code, not the words: those may quote what somebody sent. */
function fail(span: Span, error: unknown): void {
  const code = isAffiantError(error) ? error.code : "ERR_INTERNAL";
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
  span.setAttribute("error.type", code);
}

/** One line when traces stop getting out and one when they do again; without the words, which may quote the address. */
function tellingExporter(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isOut = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== 0;
        if (failed !== isOut) {
          if (failed) logger.warn("the collector takes no traces");
          else logger.info("the collector takes traces again");
        }
        isOut = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
