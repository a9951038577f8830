import { createServer } from "node:net";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

const host = "127.0.0.1";

/** @returns `count` different ports that are free now. The system does not hand them out again at once. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = held.map(({ port }) => port);
  await Promise.all(held.map(({ close }) => close()));
  return ports;
}

/**
 * Asserts that a port can be listened on.
 * @param option how the user chooses another one, e.g. `--port`
 * @throws AffiantError ERR_CONFLICT_PORT
 */
export async function assertPortFree(port: number, what: string, option: string): Promise<void> {
  try {
    await (await listen(port)).close();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const problem = code === "EADDRINUSE" ? "is in use by another program" : `cannot be used (${code})`;
    throw new AffiantError("ERR_CONFLICT_PORT", `port ${port}, for ${what}, ${problem}`, {
      hint: `Choose another one, or 0 for any free one: ${option} 0`,
      details: { port },
      cause,
    });
  }
}

async function listen(port: number): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(port, host, resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : port,
    close: () => new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve()))),
  };
}
