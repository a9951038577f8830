import type { IncomingMessage, RequestListener } from "node:http";

import express, { type Express, type Router } from "express";
import helmet from "helmet";
import type { Logger } from "pino";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { logRequests } from "./accessLog.ts";
import { type Guard, headersOf } from "./guards.ts";
import { takeEntries } from "./intake.ts";
import type { AddressOf } from "./rateLimit.ts";
import { isBounded } from "./jsonBounds.ts";
import { answerProblem, problemSender } from "./problems.ts";
import { validateRequest } from "./validateRequest.ts";

export interface AppOptions {
  readonly bodyLimitBytes: number;
  readonly logger: Logger;
  /** Middleware that sees every request first: rate limits, metrics. */
  readonly guards: readonly Guard[];
  /** Undefined where no entries are taken in. */
  readonly ingest?: Ingest;
  /** Whom a request is charged to. */
  readonly addressOf: AddressOf;
  /** What each room of the relayer serves. A new room adds its router here and nothing else. */
  readonly routers: readonly Router[];
}

/** The one page there is (/docs) has a style sheet and nothing else. */
const contentPolicy = {
  defaultSrc: ["'none'"],
  styleSrc: ["'self'"],
  frameAncestors: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
};

/** Composes the HTTP application from the routers of the rooms, with the intake of entries in front. */
export function createApp(options: AppOptions): RequestListener {
  const { bodyLimitBytes, logger } = options;
  const guards = [logRequests(logger), ...options.guards];
  const otherwise = createExpress(options, guards);
  if (!options.ingest) return otherwise;
  return takeEntries({
    ingest: options.ingest,
    bodyLimitBytes,
    guards,
    addressOf: options.addressOf,
    headers: headersOf(protectBrowsers),
    answerProblem: problemSender(logger),
    otherwise,
  });
}

const protectBrowsers = helmet({ contentSecurityPolicy: { useDefaults: false, directives: contentPolicy } });

function createExpress({ bodyLimitBytes, logger, routers }: AppOptions, guards: readonly Guard[]): Express {
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", false);
  app.use(protectBrowsers);
  for (const guard of guards) app.use(guard);
  // Not compressed: what a few bytes unfold to is work that nobody has signed for.
  const verify = (_request: unknown, _response: unknown, body: Buffer, encoding: string): void => {
    // Its depth is counted in bytes, which are other ones in another encoding (RFC 8259 §8.1 knows no other).
    if (encoding.toLowerCase() !== "utf-8") throw new SyntaxError("not in UTF-8");
    if (!isBounded(body)) throw new SyntaxError("nested too deep, or too many parts"); // the parser gives it a status
  };
  const json = (limit: number) => express.json({ limit, strict: true, type: isParsed, inflate: false, verify });
  const [small, large] = [json(Math.min(smallBodyBytes, bodyLimitBytes)), json(bodyLimitBytes)];
  app.use((request, response, next) => (isLarge(request) ? large : small)(request, response, next));
  app.use(validateRequest());
  for (const router of routers) app.use(router);
  app.use((request) => {
    throw new AffiantError("ERR_NOT_FOUND_ROUTE", `nothing answers ${request.method} ${request.path}`, {
      hint: "/docs lists what there is",
    });
  });
  app.use(answerProblem(logger));
  return app;
}

/** Room for the calldata of one transaction in hex, and for a call with its chain of contracts. */
const smallBodyBytes = 300_000;

/** Entries with their payloads, and the sealed keys of a group. */
function isLarge({ url = "" }: IncomingMessage): boolean {
  return url.startsWith("/v1/entries")
    ? !url.includes("/disclosures")
    : /^\/v1\/groups\/[^/]+\/keys\/[^/]+\/?$/.test(url);
}

/** Policy bundles are hashed byte for byte: their router reads them itself. */
function isParsed(request: IncomingMessage): boolean {
  const type = request.headers["content-type"] ?? "";
  return /^application\/([a-z.-]+\+)?json\b/i.test(type) && !request.url?.startsWith("/v1/policies/");
}
