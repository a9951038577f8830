import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { cpus } from "node:os";

export interface LoadResult {
  readonly entries: number;
  readonly seconds: number;
  /** CPU time of this process meanwhile: what the load itself takes of the machine. */
  readonly cpuSec: number;
  /** CPU time of everything on this machine meanwhile, the load and the relayer included. */
  readonly machineSec: number;
  /** Milliseconds from request to answer, one a request. */
  readonly latenciesMs: Float64Array;
}

interface Call {
  /** Head and body of the request, as they are sent. */
  readonly request: Buffer;
  readonly entries: number;
}

/**
 * Sends each lane's calls one after the other, all lanes at once, over one kept connection a lane. Plain sockets and
 * requests that were written before: an HTTP client would take a fifth of the machine that is measured.
 * @throws Error if an answer is not 2xx, or a batch holds an entry that was not taken
 */
export async function drive(url: string, lanes: readonly (readonly Call[])[]): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  const connections = await Promise.all(lanes.map(() => Connection.open(hostname, Number(port))));
  const latencies: number[] = [];
  const before = process.cpuUsage();
  const machineBefore = machineSec();
  const started = performance.now();
  await Promise.all(
    lanes.map(async (calls, lane) => {
      for (const call of calls) {
        const sent = performance.now();
        await (connections[lane] as Connection).send(call);
        latencies.push(performance.now() - sent);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(before);
  const machine = machineSec() - machineBefore;
  for (const connection of connections) connection.close();
  const entries = lanes.flat().reduce((sum, call) => sum + call.entries, 0);
  const cpuSec = (user + system) / 1e6;
  return { entries, seconds, cpuSec, machineSec: machine, latenciesMs: Float64Array.from(latencies).sort() };
}

/** CPU time that all cores have spent on anything, since they started. */
function machineSec(): number {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0) / 1_000;
}

export function batchCall(leaves: readonly string[]): Call {
  const body = JSON.stringify({ entries: leaves.map((leaf) => ({ leaf })) });
  return { request: requestTo("/v1/entries:batch", body), entries: leaves.length };
}

export function singleCall(leaf: string): Call {
  return { request: requestTo("/v1/entries", JSON.stringify({ leaf })), entries: 1 };
}

export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function requestTo(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.from(head + body, "latin1");
}

/**
 * One kept connection, one request at a time. It reads what the relayer writes: a status, a content-length, that body. All
 * answers go through the same memory: fresh memory for each would cost more than reading it.
 */
class Connection {
  readonly #socket: Socket;
  #answer = Buffer.alloc(firstAnswerBytes);
  #have = 0;
  #need: number | undefined;
  #settle: { resolve: (answer: Buffer) => void; reject: (error: Error) => void } | undefined;

  private constructor(host: string, port: number) {
    const onread = {
      buffer: Buffer.alloc(65_536),
      callback: (count: number, bytes: Uint8Array) => this.#take(bytes, count),
    };
    this.#socket = connect({ host, port, onread, noDelay: true });
    this.#socket.on("error", (error) => this.#settle?.reject(error));
    this.#socket.on("close", () => this.#settle?.reject(new Error("the relayer closed the connection")));
  }

  static async open(host: string, port: number): Promise<Connection> {
    const connection = new Connection(host, port);
    await once(connection.#socket, "connect");
    return connection;
  }

  async send({ request, entries }: Call): Promise<void> {
    const answer = await new Promise<Buffer>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.#socket.write(request);
    });
    this.#settle = undefined;
    const status = answer.toString("latin1", 9, 12);
    const taken = status === "201" || (status === "200" && allTaken(answer, entries));
    if (!taken) throw new Error(answer.toString("utf8", 0, 1_200));
  }

  close(): void {
    this.#socket.destroy();
  }

  /** @returns true: go on reading */
  #take(bytes: Uint8Array, count: number): boolean {
    this.#makeRoom(this.#have + count);
    this.#answer.set(bytes.subarray(0, count), this.#have);
    this.#have += count;
    this.#need ??= wholeLength(this.#answer.subarray(0, this.#have));
    if (this.#need === undefined || this.#have < this.#need) return true;
    const answer = this.#answer.subarray(0, this.#have);
    this.#have = 0;
    this.#need = undefined;
    this.#settle?.resolve(answer);
    return true;
  }

  #makeRoom(bytes: number): void {
    if (bytes <= this.#answer.length) return;
    const larger = Buffer.alloc(2 * bytes);
    larger.set(this.#answer);
    this.#answer = larger;
  }
}

const firstAnswerBytes = 4_096;

/** @returns undefined until the head is there */
function wholeLength(start: Buffer): number | undefined {
  const end = start.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(start.toString("latin1", 0, end))?.[1];
  if (length === undefined) throw new Error("an answer without content-length");
  return end + 4 + Number(length);
}

/** Counts without parsing: the reader must not take the relayer's share of the machine. */
function allTaken(answer: Buffer, entries: number): boolean {
  let count = 0;
  for (let at = answer.indexOf(takenMark); at >= 0; at = answer.indexOf(takenMark, at + takenMark.length)) count++;
  return count === entries;
}

const takenMark = Buffer.from('"status":201', "latin1");
