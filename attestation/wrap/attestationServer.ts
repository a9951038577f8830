import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { deadlines } from "../../host/http/deadlines.ts";
import { type HostCheck, hostCheck } from "../../host/http/hostCheck.ts";
import { readJsonBody } from "../../host/http/readBody.ts";
import { parseChallenge } from "../../protocol/attestation/challenge.ts";
import { parseSealedTask } from "../../protocol/attestation/task.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Verifier } from "../verifier/verifier.ts";
import type { Wrapper } from "./wrapper.ts";

export interface AttestationServerOptions {
  readonly wrapper: Pick<Wrapper, "answer"> & Partial<Pick<Wrapper, "answered">>;
  /** Absent: the agent answers challenges and verifies nobody. */
  readonly verifier?: Pick<Verifier, "verify">;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 = any that is free. */
  readonly port?: number;
  /** Names by which a proxy on this machine passes requests on; see `hostCheck`. */
  readonly names?: readonly string[];
}

export interface AttestationServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Everything that is answered: `METHOD /path`, where `*` stands for one segment. */
export const attestationRoutes = [
  "POST /v1/attestation/challenge",
  "POST /v1/attestation/verify",
  "GET /v1/attestation/evidence/*",
  "GET /healthz",
] as const;

const evidenceRoute = "GET /v1/attestation/evidence/";
const maxBodyBytes = 32_768;
/**
 * Questions of one address that were read and wait for their answer; more are refused with ERR_LIMIT_RATE. A request that has not
 * arrived takes no place, and one address takes none of another's: a panel is a handful of verifiers.
 */
const maxWaitingEach = 32;
/** Of all addresses together, so that what waits fits into memory. */
const maxWaiting = 4_096;

/**
 * Serves challenges and tasks over HTTP: `POST /v1/attestation/challenge`, `POST /v1/attestation/verify`, and the evidence
 * of a hash that a verdict names: `GET /v1/attestation/evidence/{hash}`.
 */
export async function serveAttestation(options: AttestationServerOptions): Promise<AttestationServer> {
  const { host = "127.0.0.1", port = 0, names = [] } = options;
  const check = hostCheck({ host, names });
  const places = new Places();
  const server = createServer(deadlines(10), (request, response) => {
    void serve(request, response, options, check, places);
  });
  await listen(server, host, port);
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on ${host}:${port}`, { cause })),
    );
    server.listen(port, host, resolve);
  });
}

/** Who waits for an answer, by address. */
class Places {
  readonly #waiting = new Map<string, number>();
  #all = 0;

  /** @throws AffiantError ERR_LIMIT_RATE */
  async hold<T>(address: string, work: () => Promise<T>): Promise<T> {
    const held = this.#waiting.get(address) ?? 0;
    if (held >= maxWaitingEach || this.#all >= maxWaiting) {
      throw new AffiantError("ERR_LIMIT_RATE", "too many questions at a time", { details: { retryAfterSec: 1 } });
    }
    this.#waiting.set(address, held + 1);
    this.#all++;
    try {
      return await work();
    } finally {
      const left = (this.#waiting.get(address) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(address);
      else this.#waiting.set(address, left);
      this.#all--;
    }
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: AttestationServerOptions,
  check: HostCheck,
  places: Places,
): Promise<void> {
  try {
    check(request.headers);
    send(response, 200, await answer(request, options, places));
  } catch (error) {
    const problem = toProblem(error);
    if (problem.status === 429 || problem.status === 503) response.setHeader("retry-after", "1");
    send(response, problem.status, problem);
  }
}

async function answer(
  request: IncomingMessage,
  { wrapper, verifier }: AttestationServerOptions,
  places: Places,
): Promise<unknown> {
  const route = `${request.method} ${request.url}`;
  const address = request.socket.remoteAddress ?? "";
  if (route === "POST /v1/attestation/challenge") {
    const challenge = parseChallenge(await readJsonBody(request, maxBodyBytes));
    return { evidence: await places.hold(address, () => wrapper.answer(challenge)) };
  }
  if (route === "POST /v1/attestation/verify" && verifier) {
    const task = parseSealedTask(await readJsonBody(request, maxBodyBytes));
    return places.hold(address, () => verifier.verify(task));
  }
  if (route.startsWith(evidenceRoute)) {
    const evidence = wrapper.answered?.evidence(route.slice(evidenceRoute.length));
    if (evidence === undefined) throw new AffiantError("ERR_NOT_FOUND_EVIDENCE", "no such evidence was given here");
    return { evidence };
  }
  if (route === "GET /healthz") return { ok: true };
  throw new AffiantError("ERR_NOT_FOUND_ROUTE", "there is no such thing here");
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type, connection: "close" }).end(JSON.stringify(value));
}
