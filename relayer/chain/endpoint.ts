/** A JSON-RPC error that the node answered with: the node was reached and said no. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly rpcCode: number;
  /** Revert data where the node gave some, `0x…`. */
  readonly data: string | undefined;

  constructor(rpcCode: number, message: string, data: string | undefined) {
    super(message);
    this.rpcCode = rpcCode;
    this.data = data;
  }
}

interface Waiting {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface RawAnswer {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown };
}

const timeoutMs = 10_000;

/**
 * One JSON-RPC server over HTTP. Calls made in the same turn of the event loop travel as one batch (JSON-RPC 2.0,
 * section 6): a hundred receipts cost one round trip. A server that answers a batch with anything but a list gets
 * batches of half the length from then on, down to single calls.
 */
export class Endpoint {
  readonly #url: string;
  #batchLimit: number;
  #waiting: Waiting[] = [];
  #nextId = 0;

  constructor(url: string, batchLimit: number) {
    this.#url = url;
    this.#batchLimit = batchLimit;
  }

  /** @throws RpcError what the node answered; any other Error if it did not */
  call(method: string, params: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.push({ method, params, resolve, reject }) === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += this.#batchLimit) {
      const batch = waiting.slice(at, at + this.#batchLimit);
      this.#send(batch).catch((error: unknown) => {
        for (const { reject } of batch) reject(error);
      });
    }
  }

  async #send(batch: readonly Waiting[]): Promise<void> {
    const [only] = batch;
    if (only && batch.length === 1) {
      const { answer, status } = await this.#post(this.#request(only));
      if (Array.isArray(answer)) throw new Error("a list instead of one answer");
      settle(only, answer as RawAnswer, status);
      return;
    }
    const requests = batch.map((waiting) => this.#request(waiting));
    const { answer, status } = await this.#post(requests);
    if (!Array.isArray(answer)) {
      if (status >= 500 || status === 429) throw new Error(`HTTP ${status}`);
      const half = Math.ceil(batch.length / 2);
      this.#batchLimit = Math.min(this.#batchLimit, half);
      await Promise.all([this.#send(batch.slice(0, half)), this.#send(batch.slice(half))]);
      return;
    }
    const byId = new Map((answer as RawAnswer[]).map((one) => [one.id, one]));
    batch.forEach((waiting, i) => {
      const one = byId.get(requests[i]?.id);
      if (one) settle(waiting, one, status);
      else waiting.reject(new Error("no answer to one of a batch"));
    });
  }

  #request({ method, params }: Waiting) {
    return { jsonrpc: "2.0", id: ++this.#nextId, method, params };
  }

  async #post(body: unknown): Promise<{ answer: unknown; status: number }> {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    try {
      return { answer: JSON.parse(text) as unknown, status: response.status };
    } catch {
      throw new Error(`HTTP ${response.status} without JSON`);
    }
  }
}

function settle({ resolve, reject }: Waiting, { result, error }: RawAnswer, status: number): void {
  if (error) reject(new RpcError(Number(error.code ?? 0), String(error.message ?? ""), revertData(error.data)));
  else if (status >= 400) reject(new Error(`HTTP ${status}`));
  else resolve(result);
}

/** Nodes put revert data in `data`, or one level deeper. */
function revertData(data: unknown): string | undefined {
  if (typeof data === "string" && data.startsWith("0x")) return data;
  if (typeof data === "object" && data !== null && "data" in data) return revertData(data.data);
  return undefined;
}
