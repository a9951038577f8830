import type { IncomingMessage, RequestListener } from "node:http";

import express, { type Express, type Router } from "express";
import helmet from "helmet";
import type { Logger } from "pino";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Ingest } from "../ingest/ingest.ts";
import { logRequests } from "./accessLog.ts";
import { type Guard, headersOf } from "./guards.ts";
import { takeEntries } from "./intake.ts";
import { answerProblem, problemSender } from "./problems.ts";
import { validateRequest } from "./validateRequest.ts";

export interface AppOptions {
  readonly bodyLimitBytes: number;
  readonly logger: Logger;
  /** Middleware that sees every request first: rate limits, metrics. */
  readonly guards: readonly Guard[];
  /** Undefined where no entries are taken in. */
  readonly ingest?: Ingest;
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
  app.use(express.json({ limit: bodyLimitBytes, strict: true, type: isParsed }));
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

/** Policy bundles are hashed byte for byte: their router reads them itself. */
function isParsed(request: IncomingMessage): boolean {
  const type = request.headers["content-type"] ?? "";
  return /^application\/([a-z.-]+\+)?json\b/i.test(type) && !request.url?.startsWith("/v1/policies/");
}
