import { once } from "node:events";
import { join } from "node:path";

import type { Command } from "commander";

import { printJson, printLines } from "../../host/terminal/print.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { requireDeployment, requireRpcUrl } from "../environment.ts";
import { readAccessConfig } from "./config.ts";

interface ServeFlags extends CommonFlags {
  readonly config: string;
  readonly port: string;
  readonly issuer?: string;
}

export function accessServeCommand(): Command {
  return command(
    "serve",
    "Run the authorization server in this process until Ctrl-C: agents log in by their DID and get tokens for the resources that the " +
      "configuration names (docs/access.md).",
    "chain",
    ["affiant access serve --config access.json", "affiant access serve --config access.json --port 4200"],
  )
    .requiredOption("--config <file>", "resources with their scopes, what scopes ask of the chain, clients (JSON)")
    .option("--port <number>", "where to listen on 127.0.0.1; 0 = any free one", "4200")
    .option("--issuer <url>", "the address under which clients reach it, where a proxy stands in front")
    .action(
      run<ServeFlags, []>(async ({ environment, json }, { config, port, issuer }) => {
        // Loaded here: no other command should pay for an authorization server when it starts.
        const { serveAccess } = await import("../../access/openAccess.ts");
        const { agentClient } = await import("../../access/settings.ts");
        const { ChainView } = await import("../../host/access/chainView.ts");
        const deployment = requireDeployment(environment);
        const chain = new ChainView({ url: requireRpcUrl(environment), chainId: deployment.chainId });
        const { clients, ...rest } = readAccessConfig(config);
        const { circuitKeysDir, dataDir } = environment;
        const server = await serveAccess(
          {
            ...rest,
            clients: [agentClient, ...clients],
            dataDir: join(dataDir, "access"),
            deployment,
            chain,
            ...(issuer === undefined ? {} : { issuer }),
            ...(circuitKeysDir === undefined ? {} : { circuitKeysDir }),
          },
          { port: readPort(port) },
        );
        if (json) printJson("stdout", { ready: true, url: server.url });
        else printLines("stdout", [`authorization server at ${server.url}`]);
        const signal = await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name).then(() => name)));
        await server.close();
        chain.close();
        return { data: { ready: false, signal }, lines: [`authorization server ended (${signal})`] };
      }),
    );
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", "--port is a number below 65536");
}
