import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { localOnly } from "../http/hostCheck.ts";
import { checked } from "../http/hostGuard.ts";
import { readBody } from "../http/readBody.ts";
import type { Answer, Question } from "./answers.ts";
import type { BlockWatch } from "./blockWatch.ts";

/** Asked with the hash of the block that the asker knows, and milliseconds: answered when there is another one. */
export const nextBlockMethod = "affiant_nextBlock";

const maxBodyBytes = 8 << 20;
const longestWaitMs = 30_000;

export interface ServedWatch {
  readonly url: string;
  close(): Promise<void>;
}

/** Speaks JSON-RPC on the loopback interface, for the watch: who asks a chain asks here as it would ask the chain. */
export async function serveWatch(watch: BlockWatch, port: number): Promise<ServedWatch> {
  const server = createServer(
    checked(localOnly(), (request, response) => {
      respond(watch, request, response).catch(() => response.destroy());
    }),
  );
  // Who asks keeps connections for long: one that is closed just as it is used again is a question lost.
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return { url: `http://127.0.0.1:${bound}`, close: () => end(server) };
}

async function respond(watch: BlockWatch, request: IncomingMessage, response: ServerResponse): Promise<void> {
  allowPage(request, response);
  if (request.method === "OPTIONS") {
    response.writeHead(204).end();
    return;
  }
  let asked: unknown;
  try {
    asked = JSON.parse((await readBody(request, maxBodyBytes)).toString("utf8"));
  } catch (error) {
    const code = isAffiantError(error, "ERR_LIMIT_BODY_SIZE") ? -32_600 : -32_700;
    send(response, { jsonrpc: "2.0", id: null, error: { code, message: "not a request in JSON, or too large" } });
    return;
  }
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const answerOne = (one: unknown) => answerTo(watch, one, gone.signal);
  send(response, Array.isArray(asked) ? await Promise.all(asked.map(answerOne)) : await answerOne(asked));
}

/** Its origin was checked: it is of this machine. */
function allowPage({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
  if (origin === undefined) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-headers", "content-type");
  response.setHeader("vary", "origin");
}

async function answerTo(watch: BlockWatch, asked: unknown, signal: AbortSignal): Promise<object> {
  const { id = null, method, params = [] } = (asked ?? {}) as { id?: unknown; method?: unknown; params?: unknown };
  const head = { jsonrpc: "2.0", id };
  if (typeof method !== "string" || !Array.isArray(params)) {
    return { ...head, error: { code: -32_600, message: "not a request" } };
  }
  if (method === nextBlockMethod) {
    const [known, withinMs] = params as [unknown, unknown];
    const wait = Math.min(longestWaitMs, Math.max(0, Number(withinMs) || 0));
    return { ...head, result: (await watch.next(typeof known === "string" ? known : undefined, wait, signal)) ?? null };
  }
  return { ...head, ...(await answered(watch, { method, params })) };
}

/** No answer is told as what it is: an error that says so, which no reader takes for the chain's word. */
async function answered(watch: BlockWatch, question: Question): Promise<Answer> {
  try {
    const answer = await watch.answer(question);
    return "result" in answer ? { result: answer.result } : { error: answer.error };
  } catch (error) {
    return { error: { code: -32_603, message: `the chain does not answer: ${(error as Error).message}` } };
  }
}

function send(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
