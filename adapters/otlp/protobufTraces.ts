import protobuf from "protobufjs/light.js";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { OtlpTraces } from "./otlpTypes.ts";

const field = (type: string, id: number, rule?: "repeated") => ({ type, id, ...(rule && { rule }) });

/** Numbers and types of fields as opentelemetry-proto has them; fields that are not read are skipped by the decoder. */
const messages = {
  Traces: { fields: { resourceSpans: field("ResourceSpans", 1, "repeated") } },
  ResourceSpans: {
    fields: {
      resource: field("Resource", 1),
      scopeSpans: field("ScopeSpans", 2, "repeated"),
      schemaUrl: field("string", 3),
    },
  },
  Resource: { fields: { attributes: field("KeyValue", 1, "repeated") } },
  ScopeSpans: {
    fields: { scope: field("Scope", 1), spans: field("Span", 2, "repeated"), schemaUrl: field("string", 3) },
  },
  Scope: { fields: { name: field("string", 1) } },
  Span: {
    fields: {
      traceId: field("bytes", 1),
      spanId: field("bytes", 2),
      name: field("string", 5),
      startTimeUnixNano: field("fixed64", 7),
      endTimeUnixNano: field("fixed64", 8),
      attributes: field("KeyValue", 9, "repeated"),
      events: field("Event", 11, "repeated"),
      status: field("Status", 15),
    },
  },
  Event: { fields: { name: field("string", 2), attributes: field("KeyValue", 3, "repeated") } },
  Status: { fields: { message: field("string", 2), code: field("int32", 3) } },
  KeyValue: { fields: { key: field("string", 1), value: field("AnyValue", 2) } },
  AnyValue: {
    oneofs: {
      value: {
        oneof: ["stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"],
      },
    },
    fields: {
      stringValue: field("string", 1),
      boolValue: field("bool", 2),
      intValue: field("int64", 3),
      doubleValue: field("double", 4),
      arrayValue: field("ArrayValue", 5),
      kvlistValue: field("KeyValueList", 6),
      bytesValue: field("bytes", 7),
    },
  },
  ArrayValue: { fields: { values: field("AnyValue", 1, "repeated") } },
  KeyValueList: { fields: { values: field("KeyValue", 1, "repeated") } },
};

const traces = protobuf.Root.fromJSON({ nested: messages }).lookupType("Traces");

/** @throws AffiantError ERR_INPUT_MALFORMED */
export function readProtobufTraces(bytes: Uint8Array): OtlpTraces {
  try {
    const plain = traces.toObject(traces.decode(bytes), { longs: String, bytes: Array });
    return withHexIds(plain as OtlpTraces);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is no OTLP trace request in protobuf", { cause });
  }
}

/** Ids stand in hex in the JSON form. Other bytes are no matter of ours. */
function withHexIds({ resourceSpans = [] }: OtlpTraces): OtlpTraces {
  return {
    resourceSpans: resourceSpans.map((resource) => ({
      ...resource,
      scopeSpans: (resource.scopeSpans ?? []).map((scope) => ({
        ...scope,
        spans: (scope.spans ?? []).map((span) => ({
          ...span,
          traceId: hexOf(span.traceId),
          spanId: hexOf(span.spanId),
        })),
      })),
    })),
  };
}

function hexOf(bytes: unknown): string {
  return Buffer.from((bytes as number[] | undefined) ?? []).toString("hex");
}
