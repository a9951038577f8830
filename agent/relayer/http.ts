import { isProblem, problemToError } from "./problemError.ts";
import { type AttemptFailure, defaultRetry, parseRetryAfter, type RetryPolicy, withRetries } from "./retry.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface HttpOptions {
  /** Base URL of the relayer. */
  readonly url: string;
  readonly retry?: Partial<RetryPolicy>;
  /** One attempt, headers and body. Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** For tests. */
  readonly fetch?: typeof fetch;
}

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT";
  /** Begins with `/`. */
  readonly path: string;
  /** Sent as JSON; bytes are sent as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
}

/** Sends requests to one server, repeats them where that can help, and turns problems into errors. */
export class Http {
  readonly url: string;
  readonly #options: HttpOptions;
  readonly #retry: RetryPolicy;

  /** @throws AffiantError ERR_INPUT_CONFIG for something that is no http(s) URL */
  constructor(options: HttpOptions) {
    if (!/^https?:\/\/[^\s]+$/.test(options.url) || !URL.canParse(options.url)) {
      throw new AffiantError("ERR_INPUT_CONFIG", `not an http(s) URL: ${options.url}`);
    }
    this.url = options.url.replace(/\/+$/, "");
    this.#options = options;
    this.#retry = { ...defaultRetry, ...options.retry };
  }

  /**
   * @returns the answer, whose status is 2xx
   * @throws AffiantError with the code of the server's problem; ERR_UNAVAILABLE_RELAYER if it cannot be reached
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    return withRetries(this.#retry, this.#options.signal, () => this.#attempt(request));
  }

  /** @throws AffiantError as {@link send}; ERR_UNAVAILABLE_RELAYER if the answer is no JSON */
  async json<T>(request: HttpRequest): Promise<T> {
    const { text } = await this.send(request);
    try {
      return JSON.parse(text) as T;
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_RELAYER", `${this.url}${request.path} did not answer with JSON`, {
        cause,
      });
    }
  }

  async #attempt(request: HttpRequest): Promise<{ value: HttpAnswer } | AttemptFailure> {
    const { timeoutMs = 30_000, signal, fetch: send = fetch } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(`${this.url}${request.path}`, {
        method: request.method,
        headers: { ...contentType(request.body), ...request.headers },
        body: encodeBody(request.body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        redirect: "error",
      });
      // Reading the body inside: an answer that breaks off half-way is a lost answer.
      const answer = { status: response.status, text: await response.text(), headers: response.headers };
      return response.ok ? { value: answer } : failureOf(answer, `${request.method} ${request.path}`);
    } catch (cause) {
      signal?.throwIfAborted();
      return { error: this.#unreachable(cause) };
    }
  }

  #unreachable(cause: unknown): AffiantError {
    const inner = (cause as { cause?: { code?: string; message?: string } }).cause;
    const why = inner?.code ?? inner?.message ?? (cause as Error).message;
    return new AffiantError("ERR_UNAVAILABLE_RELAYER", `the relayer at ${this.url} cannot be reached (${why})`, {
      cause,
      hint: "Is it running? npm start, or affiant relayer, brings one up.",
    });
  }
}

function failureOf(answer: HttpAnswer, what: string): AttemptFailure {
  const retryAfterMs = parseRetryAfter(answer.headers.get("retry-after"), Date.now());
  let problem: unknown;
  try {
    problem = JSON.parse(answer.text);
  } catch {
    problem = undefined;
  }
  const error = problemToError(
    isProblem(problem)
      ? problem
      : { type: "about:blank", title: "", status: answer.status, code: "", detail: `${what}: status ${answer.status}` },
  );
  return { error, retryAfterMs };
}

function contentType(body: unknown): Record<string, string> {
  return body === undefined ? {} : { "content-type": "application/json" };
}

function encodeBody(body: unknown): string | Uint8Array<ArrayBuffer> | undefined {
  if (body === undefined) return undefined;
  return body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body);
}
