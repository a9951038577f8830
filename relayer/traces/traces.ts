import type { Guard } from "../http/guards.ts";

/** Facts about a span: ids, counts, states. Never headers, bodies, query strings or addresses with tokens. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** Something that is over. Times in milliseconds of the wall clock. */
export interface PastSpan {
  readonly name: string;
  readonly attributes: Attributes;
  /** `traceparent` of what it belongs to; undefined: a trace of its own. */
  readonly parent: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  readonly error?: string;
}

/** Where time goes, told to a collector. The rooms know this and not OpenTelemetry. */
export interface Traces {
  /** Makes a span of each request, under the caller's `traceparent` if one came; undefined: no traces are made. */
  readonly guard: Guard | undefined;
  /** Runs work in a span below the one that is under way. */
  span<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T>;
  /** `traceparent` of the span that is under way. */
  current(): string | undefined;
  /** @returns its `traceparent` */
  past(span: PastSpan): string | undefined;
  /** Sends what waits. */
  close(): Promise<void>;
}

/** No traces: work runs as if this were not here. */
export const noTraces: Traces = {
  guard: undefined,
  span: (_name, _attributes, work) => work(),
  current: () => undefined,
  past: () => undefined,
  close: () => Promise.resolve(),
};
