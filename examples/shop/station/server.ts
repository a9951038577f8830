import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { toProblem } from "../../../protocol/errors/problem.ts";
import { type Json } from "../../../protocol/json/canonical.ts";

/** Answers a request: what it returns goes out as JSON with status 200. */
export type Handler = (body: Json) => Promise<Json> | Json;

/** `"POST /v1/charge"` → its handler. */
export type Routes = Readonly<Record<string, Handler>>;

const maxBodyBytes = 1 << 20;

/** A small JSON server on the loopback interface. @returns once it listens */
export async function serve(routes: Routes, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(routes, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, "127.0.0.1", resolve);
  });
  return server;
}

async function answer(routes: Routes, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const handler = routes[`${request.method} ${path}`];
    if (!handler) return send(response, 404, { detail: `no ${request.method} ${path} here` });
    send(response, 200, await handler(request.method === "GET" ? null : await readJson(request)));
  } catch (error) {
    if (!isAffiantError(error)) console.error(error);
    const problem = toProblem(error);
    send(response, problem.status, problem);
  }
}

async function readJson(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new AffiantError("ERR_INPUT_MALFORMED", "the body is too long");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as Json;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is not JSON", { cause });
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status === 200 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}
