import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { deadlines } from "../../host/http/deadlines.ts";
import { hostGuarded } from "../../host/http/hostGuard.ts";
import { readJsonBody } from "../../host/http/readBody.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import { openApiOf } from "./openapi.ts";
import type { Operation, Service } from "./operation.ts";
import { chainOperations } from "./operations/chainState.ts";
import { commandOperations } from "./operations/commands.ts";
import { discoveryOperations } from "./operations/discovery.ts";
import { Router } from "./router.ts";
import { streamChanges } from "./stream.ts";

const maxBodyBytes = 300_000;

export interface ServeOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Names by which a proxy on this machine passes requests on. */
  readonly names?: readonly string[];
  /** Told of what should not have happened; callers are told a code. */
  readonly onError?: (error: unknown) => void;
}

export interface ServedDirectory {
  readonly url: string;
  close(): Promise<void>;
}

export const operations: readonly Operation[] = [...chainOperations, ...discoveryOperations, ...commandOperations];

/** Answers questions from a store. Any number of these may read one store; none of them writes it. */
export async function serveDirectory(
  service: Omit<Service, "baseUrl"> & { readonly baseUrl?: string },
  { host, port, names, onError }: ServeOptions,
): Promise<ServedDirectory> {
  const router = new Router(operations);
  const stopping = new AbortController();
  const description = openApiOf(operations);
  let base = service.baseUrl ?? "";
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await answer({ request, response, router, service: { ...service, baseUrl: base }, description, stopping });
    } catch (error) {
      if (!isAffiantError(error)) onError?.(error);
      if (response.headersSent) response.destroy();
      else sendProblem(response, error);
    }
  };
  const server = createServer(
    deadlines(),
    hostGuarded({ host, names }, (request, response) => void respond(request, response)),
  );
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  const url = `http://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
  if (base === "") base = url;
  return { url, close: () => end(server, stopping) };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly router: Router;
  readonly service: Service;
  readonly description: object;
  readonly stopping: AbortController;
}

async function answer({ request, response, router, service, description, stopping }: Exchange): Promise<void> {
  const { method = "GET", url: sent = "/" } = request;
  if (!URL.canParse(sent, service.baseUrl)) throw new AffiantError("ERR_INPUT_MALFORMED", "not a path");
  const url = new URL(sent, service.baseUrl);
  if (method === "GET" && url.pathname === "/openapi.json") return send(request, response, 200, description);
  if (method === "GET" && url.pathname === "/healthz") return send(request, response, 200, { status: "alive" });
  if (method === "GET" && url.pathname === "/v1/changes") {
    return streamChanges(service, url, request, response, stopping.signal);
  }
  const found = router.find(method, url.pathname);
  const body = found.route.body ? await readJsonBody(request, maxBodyBytes) : undefined;
  const key = request.headers["idempotency-key"];
  const asked = router.read(found, url, body, typeof key === "string" ? key : undefined);
  const { status = 200, body: answered, type } = await found.route.operation.run(service, asked);
  send(request, response, status, answered, type);
}

/** With a strong ETag: the same bytes need not travel twice (RFC 9110, sections 8.8.3 and 13.1.2). */
function send(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: unknown,
  type = "application/json",
): void {
  const bytes = Buffer.from(JSON.stringify(body), "utf8");
  const etag = `"${createHash("sha256").update(bytes).digest("base64url")}"`;
  response.setHeader("etag", etag);
  response.setHeader("cache-control", "no-cache");
  response.setHeader("x-content-type-options", "nosniff");
  const known = (headers["if-none-match"] ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  if (status === 200 && method !== "POST" && (known.includes(etag) || known.includes("*"))) {
    response.writeHead(304).end();
    return;
  }
  response.writeHead(status, { "content-type": `${type}; charset=utf-8`, "content-length": bytes.length });
  response.end(method === "HEAD" ? undefined : bytes);
}

function sendProblem(response: ServerResponse, error: unknown): void {
  const problem = toProblem(error);
  if (isAffiantError(error) && error.retryable) response.setHeader("retry-after", "1");
  response.writeHead(problem.status, { "content-type": "application/problem+json; charset=utf-8" });
  response.end(JSON.stringify(problem));
}

async function end(server: Server, stopping: AbortController): Promise<void> {
  stopping.abort();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  const limit = setTimeout(() => server.closeAllConnections(), 2_000);
  await closed;
  clearTimeout(limit);
}
