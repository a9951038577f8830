/** OTLP's traces (opentelemetry-proto 1.x), as far as they are read: in their JSON form, to which the binary one is brought. */
export interface OtlpTraces {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
    readonly schemaUrl?: string;
    readonly scopeSpans?: readonly {
      readonly scope?: { readonly name?: string };
      readonly schemaUrl?: string;
      readonly spans?: readonly OtlpSpan[];
    }[];
  }[];
}

export interface OtlpSpan {
  /** Hex, 16 bytes. */
  readonly traceId?: string;
  /** Hex, 8 bytes. */
  readonly spanId?: string;
  readonly name?: string;
  /** Decimal text or a number. */
  readonly startTimeUnixNano?: string | number;
  readonly endTimeUnixNano?: string | number;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly { readonly name?: string; readonly attributes?: readonly OtlpAttribute[] }[];
  readonly status?: { readonly code?: number | string; readonly message?: string };
}

export interface OtlpAttribute {
  readonly key?: string;
  readonly value?: OtlpValue;
}

export interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number | string;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] };
}
