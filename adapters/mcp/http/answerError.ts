import type { ServerResponse } from "node:http";

/** @param text a JSON-RPC error */
export function answerError(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}
