import { timingSafeEqual } from "node:crypto";
import { createServer, type Server } from "node:http";

import express, { type NextFunction, type Request, type Response } from "express";
import { getAddress, isAddress } from "ethers";
import type { Logger } from "pino";

import { parseEndpoint } from "../../protocol/attestation/enrolment.ts";
import { type AssuranceTier, assuranceTiers } from "../../protocol/attestation/types.ts";
import { type Hex, isHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toProblem } from "../../protocol/errors/problem.ts";
import type { Enrolments } from "./enrolments.ts";
import type { RegistryReader } from "./registry.ts";
import type { RoundWatch } from "./roundWatch.ts";
import type { ServiceMetrics } from "./serviceMetrics.ts";
import type { TicketTerms } from "./tickets.ts";

/** A manifest names every file of every package that a program imports. */
const bodyLimitBytes = 16_777_216;

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
}

/**
 * The service over HTTP: `POST /v1/attestation/tickets` (operators), `…/enrolments`, `…/endpoints` (wrappers),
 * `POST …/rounds` (operators: one before it is due), `GET …/agents/{address}`, `…/round`, and `/healthz`, `/readyz`, `/metrics`.
 */
export function serviceServer(options: ServiceServerOptions): Server {
  const { enrolments, registry, watch, metrics } = options;
  const app = express().disable("x-powered-by").set("etag", false);
  app.use(express.json({ limit: bodyLimitBytes, strict: true }));
  app.post("/v1/attestation/tickets", async (request, response) => {
    checkToken(request, options.token);
    response.status(201).json(await enrolments.issue(parseTerms(request.body), options.url()));
  });
  app.post("/v1/attestation/enrolments", async (request, response) => {
    response.status(201).json(await enrolments.enrol(request.body));
  });
  app.post("/v1/attestation/endpoints", async (request, response) => {
    await enrolments.announce(parseEndpoint(request.body));
    response.status(204).end();
  });
  app.post("/v1/attestation/rounds", (request, response) => {
    checkToken(request, options.token);
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
  app.use(({ method, path }) => {
    throw new AffiantError("ERR_NOT_FOUND_ROUTE", `nothing answers ${method} ${path}`);
  });
  app.use(answerProblem(options.logger));
  return createServer(app);
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
    const problem = toProblem(ofBody(error));
    if (problem.status >= 500) logger.error({ err: error, path: request.path }, "a request failed");
    response.status(problem.status).type("application/problem+json").send(JSON.stringify(problem));
  };
}

/** Errors of the body's parser, in our terms. Their messages quote the body, which may hold a ticket. */
function ofBody(error: unknown): unknown {
  const { type } = error as { type?: string };
  if (type === "entity.too.large") return new AffiantError("ERR_LIMIT_BODY_SIZE", `at most ${bodyLimitBytes} bytes`);
  if (type?.startsWith("entity.")) return new AffiantError("ERR_INPUT_MALFORMED", "the body is not JSON");
  return error;
}
