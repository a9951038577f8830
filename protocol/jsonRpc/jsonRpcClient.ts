import { AffiantError } from "../errors/affiantError.ts";
import { isAnswerTo } from "./answerForm.ts";
import { type HttpAnswer, readAnswers } from "./httpAnswer.ts";
import { isDivisible, isRefusal, LogRanges } from "./logRanges.ts";
import { isQuestion } from "./questions.ts";
import { type RawRpcError, RpcError, rpcErrorOf } from "./rpcError.ts";

/** What the client needs of the world: it touches nothing else. */
export interface JsonRpcOptions {
  /** Posts a JSON body to the endpoint. Rejects, in bounded time, if no answer of HTTP came. */
  readonly post: (body: string) => Promise<HttpAnswer>;
  /** Waits so many milliseconds. */
  readonly pause: (ms: number) => Promise<unknown>;
  /** Runs its argument when those who are asking now have asked: all of it travels in one batch. */
  readonly defer: (flush: () => void) => unknown;
  /** How often a question is asked at most; default 6. */
  readonly attempts?: number;
  /** Before the second attempt; each later pause is twice as long. Default 200. */
  readonly firstPauseMs?: number;
  /** No pause is longer, whatever Retry-After says. Default 5,000. */
  readonly maxPauseMs?: number;
  /** Requests in one batch (JSON-RPC 2.0, section 6), at most; default 100. */
  readonly batchLimit?: number;
}

interface Asked {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly attempts: number;
  made: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Why there is no answer yet, and for how long the endpoint asked to be left alone. */
interface Silence {
  readonly why: string | RpcError;
  readonly retryAfterMs?: number;
}

/**
 * Asks one JSON-RPC endpoint until it answers. Only a result of the form that the question calls for, and a contract's
 * revert data, are an answer. Everything else is asked again, with growing pauses: limits inside HTTP 200, pages of
 * gateways, answers to other questions, half a list. What is refused as too much is asked in smaller parts: batches and
 * ranges of logs are halved down to one, and stay so small.
 */
export class JsonRpcClient {
  readonly #options: Required<JsonRpcOptions>;
  readonly #logs: LogRanges;
  #batchLimit: number;
  #waiting: Asked[] = [];
  #nextId = 0;

  constructor(options: JsonRpcOptions) {
    const { attempts = 6, firstPauseMs = 200, maxPauseMs = 5_000, batchLimit = 100 } = options;
    this.#options = { ...options, attempts, firstPauseMs, maxPauseMs, batchLimit };
    this.#batchLimit = this.#options.batchLimit;
    this.#logs = new LogRanges((method, params, attempts) => this.#ask(method, params, attempts));
  }

  /**
   * @throws RpcError of the kind `revert` or `failed` for code that did not run to its end; of any kind for methods that do
   *   not only ask ("nonce too low"), unless the endpoint pleads a limit
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN if there was no answer in all attempts; `cause` says what came instead
   */
  call(method: string, params: readonly unknown[] = []): Promise<unknown> {
    const { attempts } = this.#options;
    return method === "eth_getLogs" ? this.#logs.ask(params, attempts) : this.#ask(method, params, attempts);
  }

  #ask(method: string, params: readonly unknown[], attempts: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#enqueue({ method, params, attempts, made: 0, resolve, reject });
    });
  }

  #enqueue(asked: Asked): void {
    if (this.#waiting.push(asked) === 1) this.#options.defer(() => this.#flush());
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += this.#batchLimit) {
      const batch = waiting.slice(at, at + this.#batchLimit);
      this.#carry(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
    }
  }

  async #carry(batch: readonly Asked[]): Promise<void> {
    const ids = batch.map(() => ++this.#nextId);
    const requests = batch.map(({ method, params }, i) => ({ jsonrpc: "2.0", id: ids[i], method, params }));
    let http: HttpAnswer;
    try {
      http = await this.#options.post(JSON.stringify(batch.length === 1 ? requests[0] : requests));
    } catch (error) {
      return this.#wholeIsSilent(batch, { why: error instanceof Error ? error.message : "no answer of HTTP" });
    }
    const answers = readAnswers(http, ids);
    const { retryAfterMs } = answers;
    if (answers.kind === "none") return this.#wholeIsSilent(batch, { why: answers.why, retryAfterMs });
    if (answers.kind === "refusal" && batch.length > 1) {
      const refusal = rpcErrorOf(answers.error);
      // A limit is a matter of time; whatever else is said to a list, single questions are not met by.
      if (refusal.kind === "later") return this.#wholeIsSilent(batch, { why: refusal, retryAfterMs });
      this.#batchLimit = Math.min(this.#batchLimit, Math.ceil(batch.length / 2));
      return this.#inHalves(batch);
    }
    batch.forEach((asked, i) => {
      const error = answers.kind === "refusal" ? answers.error : undefined;
      const answer = error ? { error } : answers.kind === "list" ? answers.byId.get(ids[i] ?? 0) : undefined;
      this.#settle(asked, answer, retryAfterMs);
    });
  }

  #settle(asked: Asked, answer: { result?: unknown; error?: RawRpcError } | undefined, retryAfterMs?: number): void {
    const { method, params, resolve, reject } = asked;
    if (answer?.error) {
      const error = rpcErrorOf(answer.error);
      if (isFinal(error, method)) return reject(error);
      return this.#again(asked, { why: error, retryAfterMs });
    }
    if (answer && isAnswerTo(method, params, answer.result)) return resolve(answer.result);
    this.#again(asked, { why: answer ? "a result of another form" : "no answer to this request", retryAfterMs });
  }

  /** A list that comes back as nothing at all, again, may be too long for the way there or back. */
  async #wholeIsSilent(batch: readonly Asked[], silence: Silence): Promise<void> {
    const [first] = batch;
    if (batch.length === 1 && first) return this.#again(first, silence);
    const left = batch.filter((asked) => !this.#isGivenUp(asked, silence));
    if (left.length === 0) return;
    const made = Math.max(...left.map((asked) => asked.made));
    await this.#options.pause(this.#pauseMs(made, silence.retryAfterMs));
    return made === 1 ? this.#carry(left) : this.#inHalves(left);
  }

  async #inHalves(batch: readonly Asked[]): Promise<void> {
    const half = Math.ceil(batch.length / 2);
    const parts = [batch.slice(0, half), batch.slice(half)].filter(({ length }) => length > 0);
    await Promise.all(parts.map((part) => this.#carry(part)));
  }

  #again(asked: Asked, silence: Silence): void {
    if (this.#isGivenUp(asked, silence)) return;
    void this.#options.pause(this.#pauseMs(asked.made, silence.retryAfterMs)).then(
      () => this.#enqueue(asked),
      (error: unknown) => asked.reject(error),
    );
  }

  #isGivenUp(asked: Asked, { why }: Silence): boolean {
    const { method, params, attempts, reject } = asked;
    asked.made++;
    const isInParts = isRefusal(why) && isDivisible(method, params);
    if (asked.made < attempts && !isInParts) return false;
    // Code that did not run to its end is no answer to a reader, but whoever runs a call wants to know of it.
    if (why instanceof RpcError && why.kind === "failed" && method === "eth_call") reject(why);
    else reject(unanswered(method, why));
    return true;
  }

  #pauseMs(made: number, retryAfterMs = 0): number {
    const { firstPauseMs, maxPauseMs } = this.#options;
    return Math.min(maxPauseMs, Math.max(retryAfterMs, firstPauseMs * 2 ** (made - 1)));
  }
}

function isFinal({ kind }: RpcError, method: string): boolean {
  if (kind === "revert") return true;
  return kind !== "later" && !isQuestion(method);
}

function unanswered(method: string, why: string | RpcError): AffiantError {
  const said = typeof why === "string" ? why : `${why.message} (${why.rpcCode})`;
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint gives no answer to ${method}: ${said}`, {
    hint: "Ask again later or at another endpoint; for old blocks it must keep their state.",
    // Whether the endpoint said something: then it is there, and this question is what it does not answer.
    details: { answered: why instanceof RpcError },
    cause: why,
  });
}
