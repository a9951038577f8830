import { timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";

import { compileApi, complaint, readParameter } from "../../host/http/api.ts";
import { deadlines } from "../../host/http/deadlines.ts";
import { localOnly } from "../../host/http/hostCheck.ts";
import { checked } from "../../host/http/hostGuard.ts";
import { readBody } from "../../host/http/readBody.ts";
import type { DisclosureName } from "../../protocol/entry/disclosure.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { HookDesk } from "../hooks/hookDesk.ts";
import { parseExactJson } from "../json/exactJson.ts";
import { TraceReceiver } from "../otlp/traceReceiver.ts";
import type { ActService, ToldAct } from "./actService.ts";
import { serviceApiDocument } from "./openapi.ts";

export interface ServiceServerOptions {
  readonly service: ActService;
  /** Path of the Unix socket: who may write to it may act in the agent's name. */
  readonly socket?: string;
  /** Port of 127.0.0.1, 0 for any that is free. Requests there carry the token. */
  readonly port?: number;
  /** Needed with `port`. */
  readonly token?: string;
}

/** Arguments and results of tools; the entry keeps larger values by digest. */
const maxBodyBytes = 8 << 20;
const maxDepth = 64;

interface Asked {
  readonly pathValues: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly bytes: Buffer;
  readonly text: string;
  /** The JSON body, its digits kept. */
  readonly body: Json;
}

type Handler = (asked: Asked, response: ServerResponse) => Promise<void> | void;

const api = compileApi(serviceApiDocument);

/** Serves an agent's acts to programs of this machine: over a Unix socket, and over loopback to who has the token. */
export class ServiceServer {
  readonly #options: ServiceServerOptions;
  readonly #handlers: Readonly<Record<string, Handler>>;
  readonly #servers: Server[] = [];

  constructor(options: ServiceServerOptions) {
    this.#options = options;
    this.#handlers = handlersOf(options.service);
  }

  /**
   * @returns the loopback address, where there is one
   * @throws AffiantError ERR_CONFLICT_RUNNING where somebody answers at the socket, ERR_CONFLICT_PORT, ERR_INPUT_CONFIG
   */
  async listen(): Promise<string | undefined> {
    const { socket, port, token } = this.#options;
    if (socket !== undefined) await this.#listenAt(socket);
    if (port === undefined) return undefined;
    if (token === undefined || token.length < 32) {
      throw new AffiantError("ERR_INPUT_CONFIG", "a service on a port needs a token of 32 characters or more");
    }
    const server = createServer(deadlines(), checked(localOnly(), this.#withToken(token)));
    this.#servers.push(server);
    await listening(server, () => server.listen(port, "127.0.0.1"), `127.0.0.1:${port}`);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const ends = this.#servers.map((server) => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    await Promise.all(ends);
    await this.#options.service.close();
  }

  async #listenAt(socket: string): Promise<void> {
    if (Buffer.byteLength(socket) > 100) {
      throw new AffiantError("ERR_INPUT_CONFIG", `a path of a socket is at most 100 bytes long: ${socket}`, {
        hint: "Give a shorter one: --socket PATH",
      });
    }
    if (await isAnswering(socket)) {
      throw new AffiantError("ERR_CONFLICT_RUNNING", `another service of the agent answers at ${socket}`);
    }
    rmSync(socket, { force: true });
    // Pages reach no socket of this kind: there is no Host to check.
    const server = createServer(deadlines(), this.#serve);
    this.#servers.push(server);
    await listening(server, () => server.listen(socket), socket);
    chmodSync(socket, 0o600);
  }

  #withToken(token: string): RequestListener {
    const expected = Buffer.from(`Bearer ${token}`);
    return (request, response) => {
      const sent = Buffer.from(request.headers.authorization ?? "");
      if (sent.length === expected.length && timingSafeEqual(sent, expected)) return this.#serve(request, response);
      request.resume();
      answerProblem(response, new AffiantError("ERR_AUTH_OPERATOR", "the token of this service is needed"));
    };
  }

  readonly #serve: RequestListener = (request, response) => {
    void this.#answer(request, response).catch((error: unknown) => {
      request.resume();
      answerProblem(response, error);
    });
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://affiant.invalid");
    const method = request.method ?? "GET";
    const found = api.find(method, url.pathname);
    const handler = found && this.#handlers[`${method} ${found.compiled.path}`];
    if (!found || !handler) {
      throw new AffiantError("ERR_NOT_FOUND_ROUTE", `nothing answers ${method} ${url.pathname}`, {
        hint: "/openapi.json lists what there is",
      });
    }
    const { compiled, pathValues } = found;
    for (const { parameter, validate } of compiled.parameters) {
      const sent = parameter.in === "query" ? url.searchParams.get(parameter.name) : pathValues[parameter.name];
      if (sent === null || sent === undefined) continue;
      if (!validate(sent) && !validate(readParameter(sent))) {
        throw new AffiantError("ERR_INPUT_MALFORMED", `${parameter.name} ${complaint(validate.errors)}`);
      }
    }
    const bytes = await readBody(request, maxBodyBytes);
    const text = compiled.body ? bytes.toString("utf8") : "";
    const body = compiled.body ? readJson(text) : null;
    if (compiled.body && !compiled.body(body)) {
      throw new AffiantError("ERR_INPUT_MALFORMED", `body ${complaint(compiled.body.errors)}`);
    }
    await handler({ pathValues: decoded(pathValues), query: url.searchParams, request, bytes, text, body }, response);
  }
}

function handlersOf(service: ActService): Readonly<Record<string, Handler>> {
  const hooks = new HookDesk(service);
  const traces = new TraceReceiver(service.desk);
  const idOf = ({ pathValues }: Asked): string => pathValues["id"] ?? "";
  return {
    "GET /openapi.json": (_asked, response) => answerJson(response, 200, serviceApiDocument),
    "GET /v1/agent": (_asked, response) => {
      const { name, did, signingKey, head } = service.agent;
      answerJson(response, 200, { name, did, signingKey, head, openActs: service.openActs.size });
    },
    "POST /v1/acts": async ({ body, text }, response) => {
      const { added, state } = await service.tell(body as unknown as ToldAct, text);
      answerJson(response, added ? 201 : 200, state);
    },
    "GET /v1/acts/{id}": (asked, response) => answerJson(response, 200, service.stateOf(idOf(asked))),
    "POST /v1/acts/{id}/outcome": async (asked, response) => {
      const told = asked.body as { readonly output?: Json; readonly error?: string };
      const output = told.error === undefined ? (told.output ?? null) : { error: told.error };
      answerJson(response, 200, await service.settle(idOf(asked), output, asked.text));
    },
    "POST /v1/acts/{id}/disclosures:erase": async (asked, response) =>
      answerJson(response, 200, { erased: await service.erase(idOf(asked)) }),
    "POST /v1/disclosures:grant": async ({ body }, response) => {
      const { audience, expiresAtSec, acts } = body as unknown as GrantBody;
      answer(response, 200, "application/json", await service.grant(audience, expiresAtSec, acts));
    },
    "GET /v1/evidence": async ({ query }, response) => {
      const withhold = (query.get("withhold")?.split(",") ?? []) as DisclosureName[];
      const pieces: Uint8Array[] = [];
      await service.evidence(withhold, (bytes) => void pieces.push(bytes));
      answer(response, 200, "application/jsonl", Buffer.concat(pieces));
    },
    "POST /v1/hooks/{tool}": async ({ pathValues, body, text }, response) => {
      answer(response, 200, "text/plain", await hooks.said(pathValues["tool"] ?? "", body, text));
    },
    "POST /v1/traces": async ({ request, bytes }, response) => {
      const { type, answer: said } = await traces.take(bytes, request.headers);
      answer(response, 200, type, said);
    },
  };
}

interface GrantBody {
  readonly audience: Parameters<ActService["grant"]>[0];
  readonly expiresAtSec: number | null;
  readonly acts?: readonly string[];
}

/** One value in two readers' eyes is none: a member that is named twice is refused. */
function readJson(text: string): Json {
  try {
    const { value, repeatedKeys } = parseExactJson(text);
    if (depthOf(value, 0) > maxDepth) throw new SyntaxError("nested too deep");
    if (repeatedKeys[0] === undefined) return value;
    throw new SyntaxError(`it names ${JSON.stringify(repeatedKeys[0])} twice`);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new AffiantError("ERR_INPUT_MALFORMED", `the body is not JSON that can be read one way: ${cause.message}`, {
      cause,
    });
  }
}

function depthOf(value: Json, depth: number): number {
  if (typeof value !== "object" || value === null || depth > maxDepth) return depth;
  return Math.max(depth, ...Object.values(value).map((item) => depthOf(item as Json, depth + 1)));
}

function decoded(values: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  try {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, decodeURIComponent(value)]));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the path is not percent-encoded UTF-8", { cause });
  }
}

function answerJson(response: ServerResponse, status: number, value: unknown): void {
  answer(response, status, "application/json", JSON.stringify(value));
}

function answerProblem(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const problem = toProblem(error);
  answer(response, problem.status, "application/problem+json", JSON.stringify(problem));
}

function answer(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(body);
}

function listening(server: Server, listen: () => void, where: string): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on ${where}`, { cause })),
    );
    server.once("listening", resolve);
    listen();
  });
}

/** Whether a process listens there. A socket that a process left behind when it was killed answers nobody. */
function isAnswering(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.once("error", () => resolve(false));
  });
}
