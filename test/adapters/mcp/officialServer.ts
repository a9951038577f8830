import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import {
  type CallToolResult,
  createMcpHandler,
  fromJsonSchema,
  inputRequired,
  McpServer,
} from "@modelcontextprotocol/server";

/** A server by the official package, for both eras: `echo`, and `pay`, which asks its user first (multi-round-trip). */
export function officialServer(): McpServer {
  const server = new McpServer({ name: "official", version: "1" }, { capabilities: { tools: {} } });
  const said = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
  const message = fromJsonSchema<{ message: string }>({
    type: "object",
    properties: { message: { type: "string", "x-mcp-header": "Message" } as object },
    required: ["message"],
  });
  server.registerTool("echo", { inputSchema: message }, ({ message: text }) => said(`Echo: ${text}`));
  const sum = fromJsonSchema<{ cents: number }>({ type: "object", properties: { cents: { type: "number" } } });
  server.registerTool("pay", { inputSchema: sum }, ({ cents }, context) => {
    const answer = context.mcpReq.inputResponses?.["sure"] as { action?: string } | undefined;
    if (answer?.action === "accept") return said(`paid ${cents}`);
    return inputRequired({
      inputRequests: {
        sure: inputRequired.elicit({ message: "Sure?", requestedSchema: { type: "object", properties: {} } }),
      },
    });
  });
  return server;
}

/** The same over HTTP. */
export async function officialHttpServer(): Promise<{ readonly url: URL; close(): Promise<void> }> {
  const handler = createMcpHandler(() => officialServer());
  const http = createServer((request, response) => {
    void (async () => {
      const init = { method: request.method ?? "GET", headers: request.headers as Record<string, string> };
      const body = request.method === "POST" ? { body: new Uint8Array(await buffer(request)) } : {};
      const answer = await handler.fetch(new Request(`http://localhost${request.url}`, { ...init, ...body }));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      if (answer.body) for await (const chunk of answer.body) response.write(chunk);
      response.end();
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`);
  const close = async (): Promise<void> => {
    await handler.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return { url, close };
}
