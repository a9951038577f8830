import type { IncomingMessage } from "node:http";

import type { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { MessagePort } from "../messagePort.ts";
import type { JsonObject, McpMessage } from "../readMessage.ts";
import type { ToolGatewayOptions } from "../toolGateway.ts";

/** Where calls go. `passed` are headers of the client that go on with them. */
export interface Upstream {
  /** A conversation of its own, for a session. @throws AffiantError ERR_UNAVAILABLE_MCP */
  session(passed: Readonly<Record<string, string>>): Promise<MessagePort>;
  /** For one request of the stateless revisions. @throws AffiantError ERR_UNAVAILABLE_MCP */
  exchange(request: McpMessage, passed: Readonly<Record<string, string>>): Promise<MessagePort>;
  close(): Promise<void>;
}

/** Says who asks, or refuses. */
export interface Guard {
  /** @throws AffiantError ERR_AUTH_TOKEN and others of its family; `challenge` says what to answer */
  check(request: IncomingMessage): Promise<JsonObject>;
  /** The value of `WWW-Authenticate`. */
  challenge(error: AffiantError): string;
  /** RFC 9728. */
  readonly metadata: unknown;
}

export type GatewayParts = Omit<ToolGatewayOptions, "client" | "server" | "session" | "caller" | "tied" | "onEnd">;

export interface HttpFrontOptions extends GatewayParts {
  readonly host: string;
  /** 0 = any that is free. */
  readonly port: number;
  readonly upstream: Upstream;
  /** Most sessions at a time. The one that was quiet for longest makes room for a new one, where nobody waits in it. */
  readonly maxSessions?: number;
  /** A session in which nobody waits or listens ends after this long. */
  readonly sessionIdleSec?: number;
  readonly maxBodyBytes?: number;
  /** Names beside this machine's own under which a proxy passes requests on. */
  readonly hostNames?: readonly string[];
  /** Origins of pages that may ask, beside this machine's. */
  readonly origins?: readonly string[];
  /** Headers of clients that go on to the server; lower case. */
  readonly passHeaders?: readonly string[];
  /** Who may ask. Default: everybody on this machine. */
  readonly guard?: (address: string) => Guard;
}

/** What of a front's options goes to each of its gateways. */
export function partsOf(
  options: HttpFrontOptions,
  caller: JsonObject | undefined,
): GatewayParts & { caller?: JsonObject } {
  const { ledger, contractCid, allowedMethods, maxOpenCalls, onProblem } = options;
  return {
    ledger,
    ...(contractCid === undefined ? {} : { contractCid }),
    ...(allowedMethods === undefined ? {} : { allowedMethods }),
    ...(maxOpenCalls === undefined ? {} : { maxOpenCalls }),
    ...(onProblem === undefined ? {} : { onProblem }),
    ...(caller === undefined ? {} : { caller }),
  };
}

/** One name for each caller; of those that nothing is known of, one for all. */
export function callerKey(caller: JsonObject | undefined): string {
  return JSON.stringify([caller?.["issuer"], caller?.["subject"]]);
}
