import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname } from "node:path";

import {
  auth,
  type OAuthClientMetadata,
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  type StoredOAuthClientInformation,
  type StoredOAuthTokens,
} from "@modelcontextprotocol/client";

import { hostGuarded } from "../../../host/http/hostGuard.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Credentials } from "./httpServerPort.ts";

export interface OAuthCredentialsOptions {
  readonly serverUrl: URL;
  /** Where tokens and the registration are kept, readable by their owner only. */
  readonly file: string;
  /** Told where the user has to go to let this gateway in. */
  readonly onAuthorize: (url: URL) => void;
}

interface Stored {
  readonly client?: StoredOAuthClientInformation;
  readonly tokens?: StoredOAuthTokens;
  /** The registration holds for this address alone. */
  readonly port?: number;
}

/**
 * Credentials for a server behind OAuth, by the flow of the official MCP client: discovery (RFC 9728, RFC 8414), registration,
 * authorization code with PKCE, the issuer of the answer (RFC 9207), refresh. The user's browser comes back to a port of this
 * machine.
 */
export class OAuthCredentials implements Credentials, OAuthClientProvider {
  readonly #options: OAuthCredentialsOptions;
  #stored: Stored;
  #verifier = "";
  #state = "";
  #discovery: OAuthDiscoveryState | undefined;
  #port: number;
  #renewing: Promise<boolean> | undefined;

  constructor(options: OAuthCredentialsOptions) {
    this.#options = options;
    this.#stored = readStored(options.file);
    this.#port = this.#stored.port ?? 0;
  }

  get redirectUrl(): string {
    return `http://127.0.0.1:${this.#port}/callback`;
  }

  get clientMetadata(): OAuthClientMetadata {
    return {
      client_name: "affiant mcp-proxy",
      redirect_uris: [this.redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  authorization(): Promise<string | undefined> {
    const token = this.#stored.tokens?.access_token;
    return Promise.resolve(token === undefined ? undefined : `Bearer ${token}`);
  }

  /** Refreshes the token, or asks the user. One after the other: requests that are refused at the same time share it. */
  refused(challenge: string | undefined): Promise<boolean> {
    this.#renewing ??= this.#renew(challenge).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  state(): string {
    this.#state = randomBytes(16).toString("base64url");
    return this.#state;
  }

  clientInformation(): StoredOAuthClientInformation | undefined {
    return this.#stored.client;
  }

  saveClientInformation(client: StoredOAuthClientInformation): void {
    this.#save({ ...this.#stored, client, port: this.#port });
  }

  tokens(): StoredOAuthTokens | undefined {
    return this.#stored.tokens;
  }

  saveTokens(tokens: StoredOAuthTokens): void {
    this.#save({ ...this.#stored, tokens });
  }

  redirectToAuthorization(url: URL): void {
    this.#options.onAuthorize(url);
  }

  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier;
  }

  codeVerifier(): string {
    return this.#verifier;
  }

  saveDiscoveryState(state: OAuthDiscoveryState): void {
    this.#discovery = state;
  }

  discoveryState(): OAuthDiscoveryState | undefined {
    return this.#discovery;
  }

  invalidateCredentials(scope: "all" | "client" | "tokens" | "verifier" | "discovery"): void {
    const { client, tokens, port } = this.#stored;
    if (scope === "all" || scope === "discovery") this.#discovery = undefined;
    if (scope === "all" || scope === "client") this.#save(scope === "all" || !tokens ? {} : { tokens });
    if (scope === "tokens") this.#save({ ...(client ? { client } : {}), ...(port === undefined ? {} : { port }) });
  }

  async #renew(challenge: string | undefined): Promise<boolean> {
    const { serverUrl } = this.#options;
    const callback = await listenForCallback(this.#port);
    try {
      this.#port = callback.port;
      const at = /resource_metadata="([^"]+)"/i.exec(challenge ?? "")?.[1];
      const scope = /\bscope="([^"]+)"/i.exec(challenge ?? "")?.[1];
      const terms = {
        serverUrl,
        ...(at !== undefined && URL.canParse(at) ? { resourceMetadataUrl: new URL(at) } : {}),
        ...(scope === undefined ? {} : { scope }),
      };
      if ((await auth(this, terms)) === "AUTHORIZED") return true;
      const { code, state, iss } = await callback.answer;
      if (state !== this.#state) throw new AffiantError("ERR_AUTH_TOKEN", "the browser came back with another state");
      return (
        (await auth(this, { ...terms, authorizationCode: code, ...(iss === undefined ? {} : { iss }) })) ===
        "AUTHORIZED"
      );
    } finally {
      callback.close();
    }
  }

  #save(stored: Stored): void {
    this.#stored = stored;
    const { file } = this.#options;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    // Beside, then in its place: a process that dies in between leaves the old one.
    writeFileSync(`${file}.new`, JSON.stringify(stored), { mode: 0o600 });
    if (process.platform !== "win32") chmodSync(`${file}.new`, 0o600);
    renameSync(`${file}.new`, file);
  }
}

function readStored(file: string): Stored {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Stored;
  } catch {
    return {};
  }
}

interface Callback {
  readonly port: number;
  readonly answer: Promise<{ readonly code: string; readonly state: string | null; readonly iss: string | undefined }>;
  close(): void;
}

const host = "127.0.0.1";

/** Waits for the user's browser. @param port 0 = any; the one of before where it can be had */
export async function listenForCallback(port: number): Promise<Callback> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const answer = new Promise<Awaited<Callback["answer"]>>((resolve, reject) => {
    const receive: RequestListener = (request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
      const code = searchParams.get("code");
      const error = searchParams.get("error");
      if (pathname !== "/callback" || (code === null && error === null)) {
        response.writeHead(404).end();
        return;
      }
      response
        .writeHead(200, { "content-type": "text/plain" })
        .end("You can close this page and go back to your agent.\n");
      if (code === null) reject(new AffiantError("ERR_AUTH_TOKEN", "the user did not let this gateway in"));
      else resolve({ code, state: searchParams.get("state"), iss: searchParams.get("iss") ?? undefined });
    };
    server.on("request", hostGuarded({ host }, receive));
  });
  // Nobody may wait for it: a token that is refreshed needs no browser.
  answer.catch(() => undefined);
  return { port: (server.address() as AddressInfo).port, answer, close: () => closeServer(server) };
}

function closeServer(server: Server): void {
  server.closeAllConnections();
  server.close();
}
