import { createHash } from "node:crypto";
import { join } from "node:path";

import type { Upstream } from "../../adapters/mcp/http/frontOptions.ts";
import { OAuthCredentials } from "../../adapters/mcp/http/oauthCredentials.ts";
import { childUpstream, httpUpstream } from "../../adapters/mcp/upstreams.ts";
import { printLines } from "../../host/terminal/print.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { readCount } from "./readCount.ts";

export interface UpstreamFlags {
  readonly serverUrl?: string;
  readonly header?: readonly string[];
  readonly env?: readonly string[];
  readonly oauth?: boolean;
  readonly maxServers: string;
}

const maxMessageBytes = 64 << 20;

/**
 * Where calls go, as the command line says.
 * @param folder the agent's, for what the server's OAuth gave
 * @throws AffiantError ERR_INPUT_CONFIG
 */
export function upstreamOf(
  [program, ...args]: readonly string[],
  flags: UpstreamFlags,
  folder: string,
  onProblem: (problem: unknown) => void,
): Upstream {
  const { serverUrl } = flags;
  const env = pairsOf(flags.env, "=", "--env NAME=value");
  const headers = pairsOf(flags.header, ":", "--header 'Name: value'");
  if (program !== undefined && serverUrl === undefined) {
    refuseUnused({ "--header": flags.header, "--oauth": flags.oauth }, "--server-url");
    return childUpstream({ program, args, env }, readCount("--max-servers", flags.maxServers), onProblem);
  }
  if (program !== undefined || serverUrl === undefined) {
    throw new AffiantError("ERR_INPUT_CONFIG", "give either a server's command after --, or --server-url");
  }
  refuseUnused({ "--env": flags.env }, "a server's command");
  if (!URL.canParse(serverUrl) || !/^https?:$/.test(new URL(serverUrl).protocol)) {
    throw new AffiantError("ERR_INPUT_CONFIG", `--server-url is no http(s) URL: ${serverUrl}`);
  }
  const url = new URL(serverUrl);
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  const file = join(folder, "mcp-oauth", `${createHash("sha256").update(url.href).digest("hex").slice(0, 32)}.json`);
  const onAuthorize = (at: URL): void =>
    printLines("stderr", [`affiant mcp-proxy: the server wants to know you; open ${at.href}`]);
  return httpUpstream({
    url,
    headers: lower,
    maxBytes: maxMessageBytes,
    ...(flags.oauth ? { credentials: new OAuthCredentials({ serverUrl: url, file, onAuthorize }) } : {}),
  });
}

/** A setting that nothing would read is a mistake, and not to be passed over. */
function refuseUnused(flags: Readonly<Record<string, unknown>>, owner: string): void {
  const [name] = Object.entries(flags).find(([, value]) => value !== undefined) ?? [];
  if (name !== undefined) throw new AffiantError("ERR_INPUT_CONFIG", `${name} goes with ${owner}`);
}

function pairsOf(given: readonly string[] = [], separator: string, form: string): Record<string, string> {
  const pairs = given.map((text) => {
    const at = text.indexOf(separator);
    // What is given may be a secret: it is not shown.
    if (at < 1) throw new AffiantError("ERR_INPUT_CONFIG", `${form}: there is no "${separator}" in one of them`);
    const value = text.slice(at + 1);
    return [text.slice(0, at).trim(), separator === "=" ? value : value.trim()] as const;
  });
  return Object.fromEntries(pairs);
}
