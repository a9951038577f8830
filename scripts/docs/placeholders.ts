import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { GuideCommand } from "./readCommands.ts";
import type { Sandbox } from "./sandbox.ts";

/** Whose key a guide's reader would put where it says `did:key:z6Mk…`. */
const grantees: Readonly<Record<string, string>> = {
  "docs/contracts.md": "order",
  "docs/guides/agent-developer.md": "order",
  "examples/guarded-endpoint/README.md": "buyer",
};

interface Endpoints {
  readonly rpcUrl: string;
  readonly relayerUrl: string;
  readonly agents?: Readonly<Record<string, string>>;
}

/**
 * A command with what its reader would fill in, and with ports that are free here in place of the documented ones. What
 * it would leave under /tmp goes with the sandbox: the next run, from another checkout, must not find it.
 * @throws Error if something is left to fill in
 */
export async function fillPlaceholders({ file, text }: GuideCommand, sandbox: Sandbox): Promise<string> {
  let filled = text
    .replace(/^npm start$/, "npm start -- --port 0 --rpc-port 0")
    .replace(/^(node .*\/server\.ts)$/, "$1 data 0")
    .replace(/^(node .*\/serve\.ts)$/, "$1 0")
    .replaceAll(" /tmp/", ` ${sandbox.folder}/tmp/`);
  const endpoints = await readEndpoints(sandbox);
  if (endpoints) {
    filled = filled
      .replaceAll("http://127.0.0.1:8545", endpoints.rpcUrl)
      .replaceAll("http://127.0.0.1:8787", endpoints.relayerUrl)
      .replaceAll("http://127.0.0.1:PORT", endpoints.agents?.["order"] ?? "http://127.0.0.1:PORT");
  }
  const [guarded] = /http:\/\/127\.0\.0\.1:\d+(?=\/charge)/.exec(sandbox.printed) ?? [];
  if (guarded !== undefined) filled = filled.replaceAll("http://127.0.0.1:3000", guarded);
  if (filled.includes("did:key:z6Mk…")) {
    filled = filled.replaceAll("did:key:z6Mk…", await keyOf(grantees[file], sandbox));
  }
  const [left] = /…|\b(?:PORT|NAME|FILE|FOLDER|URL|DID)\b/.exec(filled) ?? [];
  if (left !== undefined) throw new Error(`nobody fills in ${left} (scripts/docs/placeholders.ts)`);
  return filled;
}

async function readEndpoints(sandbox: Sandbox): Promise<Endpoints | undefined> {
  try {
    return JSON.parse(await readFile(join(sandbox.folder, "data/endpoints.json"), "utf8")) as Endpoints;
  } catch {
    return undefined;
  }
}

async function keyOf(name: string | undefined, sandbox: Sandbox): Promise<string> {
  if (name === undefined) throw new Error("nobody says whose key is meant (scripts/docs/placeholders.ts)");
  const printed = await sandbox.run(`node cli/affiant.js agent show ${name} --json`);
  return (JSON.parse(printed.slice(printed.indexOf("{"))) as { signingKey: string }).signingKey;
}
