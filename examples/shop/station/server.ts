import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { deadlines, hostGuarded } from "../../../agent/calls/hostGuard.ts";
import type { GroupMember } from "../../../agent/channel/groupMember.ts";
import { channelPath, serveExchange } from "../../../agent/channel/sealedExchange.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import type { GroupKeyUse } from "../../../protocol/escrow/groupKeyUse.ts";
import { toProblem } from "../../../protocol/errors/problem.ts";
import type { Json } from "../../../protocol/json/canonical.ts";

/** Answers a request: what it returns goes out as JSON with status 200. */
export type Handler = (body: Json, groupKey?: GroupKeyUse) => Promise<Json> | Json;

/** `"POST /v1/charge"` → its handler. */
export type Routes = Readonly<Record<string, Handler>>;

const host = "127.0.0.1";
const maxBodyBytes = 1 << 20;

/** What an agent serves to whom. */
export interface Served {
  /** In the clear, to anyone on this machine. */
  readonly routes: Routes;
  /** To members of the group, sealed under its epoch's key; none if the agents have no group. */
  readonly sealed?: {
    readonly channel: Pick<GroupMember, "seal" | "open" | "group">;
    readonly routes: Routes;
  };
}

/** A small JSON server on the loopback interface. @returns once it listens */
export async function serve(served: Served, port: number): Promise<Server> {
  const listener = hostGuarded({ host }, (request, response) => void answer(served, request, response));
  const server = createServer(deadlines(), listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  return server;
}

async function answer({ routes, sealed }: Served, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    if (sealed && request.method === "POST" && path === channelPath) {
      const message = new Uint8Array(await readBody(request));
      const reply = await serveExchange(sealed.channel, message, ({ path: of, body, under }) => {
        const { escrow, group } = sealed.channel.group;
        return answerSealed(sealed.routes, of, body, { escrow: escrow.toLowerCase() as Hex, group, ...under });
      });
      response.writeHead(200, { "content-type": "application/octet-stream" }).end(reply);
      return;
    }
    const handler = routes[`${request.method} ${path}`];
    if (!handler) return send(response, 404, { detail: `no ${request.method} ${path} here` });
    send(response, 200, await handler(request.method === "GET" ? null : await readJson(request)));
  } catch (error) {
    if (!isAffiantError(error)) console.error(error);
    const problem = toProblem(error);
    send(response, problem.status, problem);
  }
}

/** What went wrong with a request that opened is for its sender alone: it goes back sealed as well. */
async function answerSealed(routes: Routes, path: string, body: string, groupKey: GroupKeyUse) {
  try {
    const handler = routes[`POST ${path}`];
    if (!handler) throw new AffiantError("ERR_NOT_FOUND_ROUTE", `no ${path} here`);
    return { status: 200, body: JSON.stringify(await handler(parseJson(body), groupKey)) };
  } catch (error) {
    if (!isAffiantError(error)) console.error(error);
    const problem = toProblem(error);
    return { status: problem.status, body: JSON.stringify(problem) };
  }
}

async function readJson(request: IncomingMessage): Promise<Json> {
  return parseJson((await readBody(request)).toString("utf8"));
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is not JSON", { cause });
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new AffiantError("ERR_INPUT_MALFORMED", "the body is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const type = status === 200 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}
