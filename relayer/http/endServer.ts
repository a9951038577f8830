import type { Server } from "node:http";

/** How often connections are closed whose last answer has gone out meanwhile. */
const lookEveryMs = 50;

/** Takes no new connection, lets requests under way end, and cuts off after a time who does not come to an end. */
export async function endServer(server: Server, withinMs: number): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  const idle = setInterval(() => server.closeIdleConnections(), lookEveryMs);
  const limit = setTimeout(() => server.closeAllConnections(), withinMs);
  server.closeIdleConnections();
  await closed;
  clearInterval(idle);
  clearTimeout(limit);
}
