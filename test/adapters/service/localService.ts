import { request } from "node:http";
import { join } from "node:path";

import { ActDesk } from "../../../adapters/acts/actDesk.ts";
import { ActService } from "../../../adapters/service/actService.ts";
import { serviceApiDocument } from "../../../adapters/service/openapi.ts";
import { ServiceServer } from "../../../adapters/service/serviceServer.ts";
import { compileApi } from "../../../host/http/api.ts";
import { type LocalAgent, localAgent } from "../localAgent.ts";

export const token = "0123456789abcdef0123456789abcdef";
const api = compileApi(serviceApiDocument);

export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly code: unknown;
}

export interface LocalService {
  readonly local: LocalAgent;
  readonly service: ActService;
  readonly socket: string;
  /** The loopback address. */
  readonly url: string;
  /** Asks at the socket. Every answer is held to the document. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  close(): Promise<void>;
}

/** The service of an agent that needs no chain. */
export async function localService(dataDir: string): Promise<LocalService> {
  const local = await localAgent(dataDir);
  const service = new ActService(await ActDesk.of(local.agent));
  const socket = join(dataDir, "s");
  const server = new ServiceServer({ service, socket, port: 0, token });
  const url = (await server.listen()) as string;
  return {
    local,
    service,
    socket,
    url,
    async ask(method, path, body, headers = {}) {
      const sent =
        body === undefined || typeof body === "string" || Buffer.isBuffer(body) ? body : JSON.stringify(body);
      const { status, type, text } = await send(socket, method, path, sent, headers);
      const parsed: unknown = type.includes("json") && text !== "" ? JSON.parse(text) : text;
      const found = api.find(method, path.split("?")[0] ?? "");
      const violation = found && api.answerViolation(found, { status, contentType: type, body: parsed });
      if (violation !== undefined) throw new Error(`${method} ${path}: ${violation}`);
      return { status, body: parsed, code: (parsed as { code?: unknown } | null)?.code };
    },
    async close() {
      await server.close();
      local.agent.close();
    },
  };
}

function send(socketPath: string, method: string, path: string, body: string | Buffer | undefined, headers: object) {
  return new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const asked = request({
      agent: false,
      socketPath,
      method,
      path,
      headers: { "content-type": "application/json", ...headers },
    });
    asked.on("error", reject);
    asked.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece));
      response.once("end", () => {
        // Also where the answer came before all was sent.
        asked.destroy();
        resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "", text });
      });
    });
    asked.end(body);
  });
}
