import { Agent, createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from "node:http";

import { localOnly } from "../../host/http/hostCheck.ts";
import { checked } from "../../host/http/hostGuard.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

export interface FrontDoor {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * What stands before anvil, which obeys whoever reaches it: a page in a browser of this machine could spend the accounts' ether and
 * rewrite the chain, by a plain request or by having its own name lead here (DNS rebinding). Programs of this machine, and pages
 * that it serves itself, are passed on; nobody else.
 * @param behind host and port that anvil listens on
 * @throws AffiantError ERR_CONFLICT_PORT
 */
export async function openFrontDoor(port: number, behind: { host: string; port: number }): Promise<FrontDoor> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(
    checked(localOnly(), (request, response) => {
      allowPage(request, response);
      if (request.method === "OPTIONS") response.writeHead(204).end();
      else passOn(request, response, { ...behind, agent });
    }),
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(new AffiantError("ERR_CONFLICT_PORT", `cannot listen on port ${port}`, { cause })),
    );
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://127.0.0.1:${bound}`,
    async close() {
      server.closeAllConnections();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Its origin was checked: it is of this machine. */
function allowPage({ headers: { origin } }: IncomingMessage, response: ServerResponse): void {
  if (origin === undefined) return;
  response.setHeader("access-control-allow-origin", origin);
  response.setHeader("access-control-allow-headers", "content-type");
  response.setHeader("vary", "origin");
}

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  place: { host: string; port: number; agent: Agent },
) {
  const { "content-type": type = "application/json", "content-length": length } = request.headers;
  const headers = { "content-type": type, ...(length === undefined ? {} : { "content-length": length }) };
  const passed = httpRequest({ ...place, method: request.method, path: "/", headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, {
      "content-type": answer.headers["content-type"] ?? "application/json",
    });
    answer.pipe(response);
  });
  passed.on("error", () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on("close", () => passed.destroy());
  request.pipe(passed);
}
