import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";

import express, { type NextFunction, type Request, type Response } from "express";
import { getAddress, isAddress } from "ethers";
import type { Logger } from "pino";

import { deadlines } from "../../host/http/deadlines.ts";
import { hostCheck } from "../../host/http/hostCheck.ts";
import { parseEndpoint, ticketOfAuthorization } from "../../protocol/attestation/enrolment.ts";
import { type AssuranceTier, assuranceTiers } from "../../protocol/attestation/types.ts";
import { type Hex, isHex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Enrolments } from "./enrolments.ts";
import type { RegistryReader } from "./registry.ts";
import type { RoundWatch } from "./roundWatch.ts";
import type { ServiceMetrics } from "./serviceMetrics.ts";
import type { TicketTerms } from "./tickets.ts";

/** A manifest names every file of every package that a program imports; for who shows a ticket. */
const manifestLimitBytes = 16_777_216;
/** For everybody else: more is not read before it is known who sends it. */
const bodyLimitBytes = 65_536;

/** Everything that is answered: `METHOD /path`, as the router has it. */
export const serviceRoutes = [
  "POST /v1/attestation/tickets",
  "POST /v1/attestation/enrolments",
  "POST /v1/attestation/endpoints",
  "POST /v1/attestation/rounds",
  "GET /v1/attestation/agents/:address",
  "GET /v1/attestation/round",
  "GET /healthz",
  "GET /readyz",
  "GET /metrics",
] as const;

export interface ServiceServerOptions {
  readonly enrolments: Enrolments;
  readonly registry: RegistryReader;
  readonly watch: RoundWatch;
  readonly metrics: ServiceMetrics;
  readonly logger: Logger;
  /** Has the next round opened without waiting until it is due. */
  readonly hasten: () => void;
  /** Bearer token of those who operate the service. */
  readonly token: string;
  /** Where wrappers reach the service; known once it listens. */
  readonly url: () => string;
  /** Where it listens. */
  readonly host: string;
  /** Names by which a proxy on this machine passes requests on; see `hostCheck`. */
  readonly names: readonly string[];
}

/**
 * The service over HTTP: `POST /v1/attestation/tickets` (operators), `…/enrolments`, `…/endpoints` (wrappers),
 * `POST …/rounds` (operators: one before it is due), `GET …/agents/{address}`, `…/round`, and `/healthz`, `/readyz`, `/metrics`.
 */
export function serviceServer(options: ServiceServerOptions): Server {
  const { enrolments, registry, watch, metrics, token } = options;
  const app = express().disable("x-powered-by").set("etag", false);
  const check = hostCheck(options);
  const small = express.json({ limit: bodyLimitBytes, strict: true, inflate: false });
  const large = express.json({ limit: manifestLimitBytes, strict: true, inflate: false });
  const operator = (request: Request, _response: Response, next: NextFunction) => {
    checkToken(request, token);
    next();
  };
  app.use((request, _response, next) => {
    check(request.headers);
    next();
  });
  app.post("/v1/attestation/tickets", operator, small, async (request, response) => {
    response.status(201).json(await enrolments.issue(parseTerms(request.body), options.url()));
  });
  const ofHolder = async (request: Request, response: Response, next: NextFunction) => {
    const ticket = ticketOfAuthorization(request.get("authorization"));
    if (ticket) await enrolments.checkTicket(ticket);
    (ticket ? large : small)(request, response, next);
  };
  app.post("/v1/attestation/enrolments", ofHolder, async (request, response) => {
    response.status(201).json(await enrolments.enrol(request.body));
  });
  app.post("/v1/attestation/endpoints", small, async (request, response) => {
    await enrolments.announce(parseEndpoint(request.body));
    response.status(204).end();
  });
  app.post("/v1/attestation/rounds", operator, (_request, response) => {
    options.hasten();
    response.status(202).json({});
  });
  app.get("/v1/attestation/agents/:address", async ({ params }, response) => {
    if (!isAddress(params.address)) throw new AffiantError("ERR_INPUT_MALFORMED", "not an address");
    response.json(await registry.standing(getAddress(params.address)));
  });
  app.get("/v1/attestation/round", (_request, response) => {
    response.json(watch.report());
  });
  app.get("/healthz", (_request, response) => {
    response.json({ status: "alive" });
  });
  app.get("/readyz", (_request, response) => {
    const { late: reasons, block, round } = watch.report();
    const details = { block, round: round && { number: round.number, phase: round.phase } };
    response.status(reasons.length === 0 ? 200 : 503).json({ ready: reasons.length === 0, reasons, ...details });
  });
  app.get("/metrics", async (_request, response) => {
    response.type(metrics.contentType).send(await metrics.text());
  });
  app.use(() => {
    throw new AffiantError("ERR_NOT_FOUND_ROUTE", "there is no such thing here");
  });
  app.use(answerProblem(options.logger));
  return createServer(deadlines(60), app);
}

function checkToken(request: Request, token: string): void {
  const given = Buffer.from(request.get("authorization") ?? "");
  const expected = Buffer.from(`Bearer ${token}`);
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new AffiantError("ERR_AUTH_SERVICE_TOKEN", "tickets are given out to the operator of the service only", {
    hint: "The token is in service.token, in the service's data folder.",
  });
}

function parseTerms(value: unknown): TicketTerms {
  const { operator, tier = "software", agent, measurement, ...rest } = (value ?? {}) as Record<string, unknown>;
  const sound =
    isAddress(operator) &&
    assuranceTiers.includes(tier as AssuranceTier) &&
    (agent === undefined || isAddress(agent)) &&
    (measurement === undefined || isHex(measurement, 32)) &&
    Object.keys(rest).length === 0;
  if (!sound) throw new AffiantError("ERR_INPUT_ATTESTATION", "terms are {operator, tier?, agent?, measurement?}");
  return {
    operator: getAddress(operator),
    tier: tier as AssuranceTier,
    ...(agent === undefined ? {} : { agent: getAddress(agent as string) }),
    ...(measurement === undefined ? {} : { measurement: measurement as Hex }),
  };
}

function answerProblem(logger: Logger) {
  // Express tells handlers of errors by their four parameters.
  return (error: unknown, request: Request, response: Response, _next: NextFunction): void => {
    const told = ofBody(error);
    const problem = toProblem(told);
    if (isAffiantError(told) && told.retryable) response.setHeader("retry-after", "1");
    if (problem.status >= 500) logger.error({ err: error, path: request.path }, "a request failed");
    response.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
  };
}

/** Errors of the body's parser and of the router, in our terms. Their messages quote the body, which may hold a ticket. */
function ofBody(error: unknown): unknown {
  const { type, status } = error as { type?: string; status?: unknown };
  if (isAffiantError(error)) return error;
  if (type === "entity.too.large") {
    return new AffiantError(
      "ERR_LIMIT_BODY_SIZE",
      `at most ${bodyLimitBytes} bytes, or ${manifestLimitBytes} with a ticket`,
      {
        hint: "A wrapper shows its ticket in the Authorization header.",
      },
    );
  }
  const refused = typeof status === "number" && status >= 400 && status < 500;
  return refused ? new AffiantError("ERR_INPUT_MALFORMED", "the request cannot be read") : error;
}
