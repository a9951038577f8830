import { BearerGuard } from "../../adapters/mcp/http/bearerGuard.ts";
import type { GatewayParts, HttpFrontOptions, Upstream } from "../../adapters/mcp/http/frontOptions.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { readCount } from "./readCount.ts";

export interface FrontFlags {
  readonly http?: string;
  readonly publicUrl?: string;
  readonly issuer?: readonly string[];
  readonly jwks?: string;
  readonly scope?: readonly string[];
  readonly passHeader?: readonly string[];
  readonly allowOrigin?: readonly string[];
  readonly maxSessions: string;
  readonly sessionIdle: string;
  readonly maxBody: string;
}

/** The HTTP side towards clients, as the command line says. @throws AffiantError ERR_INPUT_CONFIG */
export function frontOf(
  port: string,
  flags: FrontFlags,
  parts: GatewayParts,
  upstream: Upstream,
  allowPrivate: boolean,
): HttpFrontOptions {
  const publicUrl = flags.publicUrl === undefined ? undefined : urlOf("--public-url", flags.publicUrl);
  const issuers = (flags.issuer ?? []).map((issuer) => urlOf("--issuer", issuer) && issuer);
  if (flags.jwks !== undefined && issuers.length !== 1) {
    throw new AffiantError("ERR_INPUT_CONFIG", "--jwks goes with one --issuer: they are that issuer's keys");
  }
  const jwksUri = flags.jwks === undefined ? undefined : urlOf("--jwks", flags.jwks).href;
  const passHeaders = (flags.passHeader ?? []).map((name) => name.toLowerCase());
  if (issuers.length > 0 && passHeaders.includes("authorization")) {
    throw new AffiantError(
      "ERR_INPUT_CONFIG",
      "a token for this gateway is not passed on: it is for nobody else (MCP, Token Handling)",
    );
  }
  return {
    ...parts,
    host: "127.0.0.1",
    port: readPort(port),
    upstream,
    passHeaders,
    maxSessions: readCount("--max-sessions", flags.maxSessions),
    sessionIdleSec: readCount("--session-idle", flags.sessionIdle),
    maxBodyBytes: readCount("--max-body", flags.maxBody),
    origins: [...(flags.allowOrigin ?? []), ...(publicUrl === undefined ? [] : [publicUrl.origin])],
    hostNames: publicUrl === undefined ? [] : [publicUrl.hostname],
    ...(issuers.length === 0
      ? {}
      : {
          guard: (address: string) =>
            new BearerGuard({
              resource: flags.publicUrl ?? address,
              issuers: issuers.map((issuer) => ({ issuer, ...(jwksUri === undefined ? {} : { jwksUri }) })),
              scopes: flags.scope ?? [],
              allowPrivate,
            }),
        }),
  };
}

function urlOf(flag: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isGood =
    url !== undefined && /^https?:$/.test(url.protocol) && url.hash === "" && url.search === "" && url.username === "";
  if (!isGood)
    throw new AffiantError("ERR_INPUT_CONFIG", `${flag} is an http(s) URL without query and fragment, not ${text}`);
  return url;
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", `--http is a port from 0 to 65535, not "${text}"`);
}
