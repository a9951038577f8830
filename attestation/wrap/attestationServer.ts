import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

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
}

export interface AttestationServer {
  readonly url: string;
  close(): Promise<void>;
}

const evidenceRoute = "GET /v1/attestation/evidence/";
const maxBodyBytes = 32_768;
/** More at a time are refused: each of them is held in memory while the program is measured. */
const maxWaiting = 64;

/**
 * Serves challenges and tasks over HTTP: `POST /v1/attestation/challenge`, `POST /v1/attestation/verify`, and the evidence
 * of a hash that a verdict names: `GET /v1/attestation/evidence/{hash}`.
 */
export async function serveAttestation(options: AttestationServerOptions): Promise<AttestationServer> {
  const { host = "127.0.0.1", port = 0 } = options;
  let waiting = 0;
  const server = createServer((request, response) => {
    waiting++;
    void serve(request, response, options, waiting > maxWaiting).finally(() => waiting--);
  });
  await listen(server, host, port);
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
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

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  { wrapper, verifier }: AttestationServerOptions,
  busy: boolean,
): Promise<void> {
  try {
    if (busy) throw new AffiantError("ERR_UNAVAILABLE_TARGET", "too many questions at a time");
    const route = `${request.method} ${request.url}`;
    if (route === "POST /v1/attestation/challenge") {
      const evidence = await wrapper.answer(parseChallenge(await readJson(request)));
      send(response, 200, { evidence });
    } else if (route === "POST /v1/attestation/verify" && verifier) {
      send(response, 200, await verifier.verify(parseSealedTask(await readJson(request))));
    } else if (route.startsWith(evidenceRoute)) {
      const evidence = wrapper.answered?.evidence(route.slice(evidenceRoute.length));
      if (evidence === undefined) throw new AffiantError("ERR_NOT_FOUND_EVIDENCE", "no such evidence was given here");
      send(response, 200, { evidence });
    } else if (route === "GET /healthz") {
      send(response, 200, { ok: true });
    } else {
      throw new AffiantError("ERR_NOT_FOUND_ROUTE", `there is no ${route} here`);
    }
  } catch (error) {
    const problem = toProblem(error);
    send(response, problem.status, problem);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new AffiantError("ERR_LIMIT_BODY_SIZE", `at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the body is not JSON", { cause });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.destroyed || response.headersSent) return;
  const type = status < 400 ? "application/json" : "application/problem+json";
  response.writeHead(status, { "content-type": type, connection: "close" }).end(JSON.stringify(value));
}
