import type { Server } from "node:http";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * @param options port 0: any free one
 * @returns the URL the server is at
 * @throws AffiantError ERR_CONFLICT_PORT
 */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const inUse = error.code === "EADDRINUSE";
      reject(
        inUse
          ? new AffiantError("ERR_CONFLICT_PORT", `port ${port} of ${host} is in use`, { hint: "set AFFIANT_PORT" })
          : error,
      );
    });
    server.listen(port, host, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${bound}`);
    });
  });
}
