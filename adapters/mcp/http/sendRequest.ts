import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly method: "GET" | "POST" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

// A connection for each request: one that the server closes while it is being used again leaves open whether a call was made.
const plain = new HttpAgent({ keepAlive: false });
const tls = new HttpsAgent({ keepAlive: false });

/**
 * Sends a request to a server that its user named; follows no redirect, since credentials travel with it. No time limit: a
 * tool takes as long as it takes, and who asked can give it up.
 */
export function send({ url, method, headers, body, signal }: HttpRequest): Promise<IncomingMessage> {
  const isTls = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const options = { method, headers, signal, agent: isTls ? tls : plain };
    const sent = isTls ? httpsRequest(url, options) : httpRequest(url, options);
    sent.once("response", (response) => {
      // After the head, the connection's end is for who reads the body.
      sent.on("error", () => undefined);
      response.on("error", () => undefined);
      resolve(response);
    });
    sent.once("error", reject);
    sent.end(body === undefined ? undefined : Buffer.from(body, "utf8"));
  });
}

/** @throws AffiantError ERR_LIMIT_BODY_SIZE */
export async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) {
      response.destroy();
      throw new AffiantError("ERR_LIMIT_BODY_SIZE", `the server answers with more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
