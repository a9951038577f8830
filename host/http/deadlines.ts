import type { ServerOptions } from "node:http";

/**
 * How long a request may take to arrive, for every server of ours. A connection that says half a sentence and waits is cut off
 * (Node answers 408), so that it holds a place for seconds and not for the five minutes of Node's own setting.
 * @param bodySec the whole request, its head included; more where large bodies come over slow lines
 */
export function deadlines(bodySec = 20): ServerOptions {
  return {
    headersTimeout: 5_000,
    requestTimeout: bodySec * 1_000,
    keepAliveTimeout: 30_000,
    connectionsCheckingInterval: 1_000,
  };
}
