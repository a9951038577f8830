import { createHash } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";

import { hostGuarded } from "../../host/http/hostGuard.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { SystemState } from "../model/system.ts";

export interface DashboardOptions {
  readonly port: number;
  readonly parts: () => Promise<{ readonly script: string; readonly style: string }>;
  /** The evidence page for this system; with its own policy in it. */
  readonly evidencePage: () => Promise<string>;
  readonly read: () => Promise<SystemState>;
  /** Between two readings, milliseconds. Nothing is read while nobody looks. */
  readonly everyMs?: number;
}

export interface OpenDashboard {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

/** More open event streams than anybody's browsers need. */
const maxStreams = 64;

/**
 * The page of a running system, on this machine. It reads and never writes: there is no request that changes anything.
 * @throws AffiantError ERR_CONFLICT_PORT
 */
export async function serveDashboard(options: DashboardOptions): Promise<OpenDashboard> {
  const { everyMs = 2000 } = options;
  const streams = new Set<ServerResponse>();
  let last: SystemState | undefined;
  let reading: Promise<SystemState> | undefined;
  const read = (): Promise<SystemState> => {
    reading ??= options.read().then(
      (state) => {
        reading = undefined;
        return (last = state);
      },
      (error: unknown) => {
        reading = undefined;
        throw error;
      },
    );
    return reading;
  };
  const fresh = async (): Promise<SystemState> => (last && Date.now() - last.atMs < everyMs ? last : read());
  const timer = setInterval(() => {
    if (streams.size === 0) return;
    void read().then(
      (state) => streams.forEach((stream) => send(stream, state)),
      () => streams.forEach((stream) => stream.write(": not read\n\n")),
    );
  }, everyMs);
  timer.unref();

  const server = createServer(
    hostGuarded({ host: "127.0.0.1" }, (request, response) => {
      const path = (request.url ?? "/").split("?")[0];
      if (request.method !== "GET" && request.method !== "HEAD")
        return answer(response, 405, "text/plain", "read only\n");
      const reply = async (): Promise<void> => {
        switch (path) {
          case "/":
            return page(response, await options.parts());
          case "/evidence":
            return answer(response, 200, "text/html; charset=utf-8", await options.evidencePage());
          case "/v1/system":
            return answer(response, 200, "application/json", JSON.stringify(await fresh()));
          case "/v1/events":
            return stream(response, await fresh());
          default:
            return answer(response, 404, "text/plain", "not here\n");
        }
      };
      const stream = (to: ServerResponse, state: SystemState): void => {
        if (streams.size >= maxStreams) return answer(to, 503, "text/plain", "too many look already\n");
        to.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
        streams.add(to);
        to.on("close", () => streams.delete(to));
        send(to, state);
      };
      void reply().catch(() => {
        if (!response.headersSent) answer(response, 503, "text/plain", "the system cannot be read now\n");
      });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on port ${options.port}`, { cause })),
    );
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.port;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async close() {
      clearInterval(timer);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function send(stream: ServerResponse, state: SystemState): void {
  stream.write(`event: state\ndata: ${JSON.stringify(state)}\n\n`);
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, {
    "content-type": type,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
  });
  response.end(body);
}

function page(response: ServerResponse, { script, style }: { script: string; style: string }): void {
  const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  response.setHeader(
    "content-security-policy",
    `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>Affiant · running system</title>
<style>${style}</style>
</head>
<body>
<div id="app"><noscript>This page needs JavaScript.</noscript></div>
<script>${script}</script>
</body>
</html>
`;
  answer(response, 200, "text/html; charset=utf-8", body);
}
