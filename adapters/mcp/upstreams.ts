import { ChildPool } from "./childPool.ts";
import type { Upstream } from "./http/frontOptions.ts";
import { type HttpServer, HttpServerPort } from "./http/httpServerPort.ts";
import { ChildPort, type ServerCommand } from "./stdioPort.ts";

/** A server that is a program here: one for each session, and as many as it takes for requests that belong to none. */
export function childUpstream(
  command: ServerCommand,
  maxServers: number,
  onProblem: (problem: unknown) => void,
): Upstream {
  const open = (): Promise<ChildPort> => ChildPort.open(command);
  const pool = new ChildPool(open, maxServers, onProblem);
  return { session: open, exchange: (request) => pool.lease(request), close: () => pool.close() };
}

/** A server that is reached over streamable HTTP. */
export function httpUpstream(server: HttpServer): Upstream {
  const open = (passed: Readonly<Record<string, string>>): Promise<HttpServerPort> =>
    Promise.resolve(new HttpServerPort(server, passed));
  return { session: open, exchange: (_request, passed) => open(passed), close: () => Promise.resolve() };
}
