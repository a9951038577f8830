import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import express from "express";
import { ipKeyGenerator, rateLimit } from "express-rate-limit";
import helmet from "helmet";

import { deadlines } from "../host/http/deadlines.ts";
import { hostGuard } from "../host/http/hostGuard.ts";
import { makeFolder } from "../host/files/makeFolder.ts";
import { makePrivate } from "../host/files/privateFile.ts";
import { Standings } from "../host/access/standing.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { addChallengeEndpoint } from "./challenge/challengeEndpoint.ts";
import { Failures } from "./challenge/failures.ts";
import { LoginSessions } from "./challenge/loginSessions.ts";
import { openMethods } from "./methods/openMethods.ts";
import { createProvider } from "./provider/createProvider.ts";
import { openSigningKeys } from "./provider/signingKeys.ts";
import { ScopeJudge } from "./scopes/scopeJudge.ts";
import type { AccessSettings } from "./settings.ts";
import { openAccessStore } from "./store/accessStore.ts";
import { Audit } from "./store/audit.ts";
import { sqliteAdapter } from "./store/sqliteAdapter.ts";
import { addTokenEndpoints } from "./tokens/tokenEndpoints.ts";
import { TokenTable } from "./tokens/tokenTable.ts";

export interface Access {
  /** Answers requests under the issuer's address. */
  readonly handle: ReturnType<typeof express>;
  readonly audit: Audit;
  close(): Promise<void>;
}

/**
 * Puts an authorization server together; it listens nowhere yet.
 * @throws AffiantError ERR_INPUT_FILE, ERR_INPUT_ARTIFACT
 */
export async function openAccess(settings: AccessSettings): Promise<Access> {
  const { issuer, dataDir, deployment, chain, scopeTable } = settings;
  const nowSec = settings.nowSec ?? (() => Math.floor(Date.now() / 1_000));
  makeFolder(dataDir);
  const keys = await openSigningKeys(join(dataDir, "signing-keys.json"), nowSec());
  const db = openAccessStore(join(dataDir, "access.db"));
  const audit = new Audit(db, nowSec);
  const standings = new Standings(chain, deployment);
  const judge = new ScopeJudge(settings, standings);
  const tokens = new TokenTable(db, audit, nowSec);
  const nonceSecret = openSecret(join(dataDir, "nonce.secret"));
  const adapter = sqliteAdapter(db, nowSec);
  const provider = createProvider({ settings, keys, nonceSecret, adapter, judge, tokens, audit });
  const { methods, close: closeMethods } = await openMethods(settings, standings);
  addChallengeEndpoint(provider, {
    issuer,
    chainId: deployment.chainId,
    methods,
    sessions: new LoginSessions(db, { most: settings.mostChallenges ?? 10_000 }, nowSec),
    judge,
    failures: new Failures(settings.failuresPerMinute ?? 20),
    audit,
    challengeTtlSec: settings.challengeTtlSec ?? 60,
    nowSec,
    addressOf: (ctx) => networkOf(ctx.req.socket.remoteAddress),
  });
  addTokenEndpoints(provider, { issuer, keys, tokens, standings, scopeTable, audit, nowSec });
  const handle = createApp(settings, provider.callback());
  return {
    handle,
    audit,
    async close() {
      await closeMethods();
      await audit.drain();
      db.close();
    },
  };
}

function createApp({ issuer, requestsPerMinute = 600 }: AccessSettings, serve: (...args: never[]) => unknown) {
  const app = express();
  const { host, hostname } = new URL(issuer);
  app.disable("x-powered-by");
  app.set("etag", false);
  app.use(helmet());
  app.use(hostGuard({ host: "127.0.0.1", names: [hostname] }));
  app.use((request, response, next) => {
    // The addresses that proofs and metadata name are made of the Host header: it is ours, or the request is not for us.
    if (request.headers.host === host) return next();
    response.status(421).json({ error: "invalid_request", error_description: "this server has another name" });
  });
  if (requestsPerMinute > 0) {
    app.use(
      rateLimit({
        windowMs: 60_000,
        limit: requestsPerMinute,
        keyGenerator: ({ socket }) => networkOf(socket.remoteAddress),
        standardHeaders: false,
        legacyHeaders: false,
        handler(_request, response) {
          response.setHeader("retry-after", "60");
          response.status(429).json({ error: "temporarily_unavailable", code: "ERR_LIMIT_RATE" });
        },
      }),
    );
  }
  app.use(serve as express.RequestHandler);
  return app;
}

/** Who has one IPv6 address has a /64 full of them. */
function networkOf(address = "unknown"): string {
  return ipKeyGenerator(address, 64);
}

/** 32 bytes that instances of one data folder share. */
function openSecret(path: string): Buffer {
  if (!existsSync(path)) {
    makePrivate(path);
    writeFileSync(path, randomBytes(32), { flush: true });
  }
  const secret = readFileSync(path);
  if (secret.length === 32) return secret;
  throw new AffiantError("ERR_INPUT_FILE", `${path} does not hold 32 bytes`);
}

export interface ListeningAccess extends Access {
  readonly url: string;
}

/** @throws AffiantError ERR_CONFLICT_PORT, and those of {@link openAccess} */
export async function serveAccess(
  settings: Omit<AccessSettings, "issuer"> & { readonly issuer?: string },
  { host = "127.0.0.1", port }: { readonly host?: string; readonly port: number },
): Promise<ListeningAccess> {
  const server = createServer(deadlines());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        cause.code === "EADDRINUSE"
          ? new AffiantError("ERR_CONFLICT_PORT", `port ${port} is in use`, { cause })
          : cause,
      );
    });
    server.listen(port, host, resolve);
  });
  const url = `http://${host}:${(server.address() as AddressInfo).port}`;
  try {
    const access = await openAccess({ ...settings, issuer: settings.issuer ?? url });
    server.on("request", access.handle);
    const close = async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      });
      await access.close();
    };
    return { ...access, url, close };
  } catch (error) {
    server.close();
    throw error;
  }
}
