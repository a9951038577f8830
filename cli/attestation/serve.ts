import { once } from "node:events";
import { join } from "node:path";

import type { Command } from "commander";

import { printJson, printLines } from "../../host/terminal/print.ts";
import { readServiceConfig } from "../../attestation/service/config.ts";
import { command, type CommonFlags, run } from "../command.ts";
import type { Environment } from "../environment.ts";

export function serveCommand(): Command {
  return command(
    "serve",
    "Run the attestation service in this process until Ctrl-C: it enrols and introduces agents and holds the rounds. " +
      "Its settings are AFFIANT_… variables (attestation/README.md); what npm start left stands in for those not set.",
    "all",
    ["affiant attestation serve", "AFFIANT_ATTESTATION_ROUND_BLOCKS=50 affiant attestation serve --json"],
  ).action(
    run<CommonFlags, []>(async ({ environment, json }) => {
      // Loaded here: no other command should pay for an HTTP server when it starts.
      const { startService } = await import("../../attestation/service/startService.ts");
      const service = await startService(readServiceConfig(serviceEnvironment(environment)));
      const { url, account } = service;
      if (json) printJson("stdout", { ready: true, url, account });
      else printLines("stdout", [`attestation service at ${url}, account ${account}`]);
      const signal = await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name).then(() => name)));
      await service.close();
      return { data: { ready: false, signal }, lines: [`attestation service ended (${signal})`] };
    }),
  );
}

/** Its own things are in `<dataDir>/attestation`, beside the relayer's. */
function serviceEnvironment(environment: Environment, env = process.env): typeof env {
  const { dataDir, rpcUrl, relayerUrl, deploymentPath, allowPrivate } = environment;
  return {
    ...env,
    AFFIANT_DATA_DIR: join(dataDir, "attestation"),
    AFFIANT_RPC_URL: rpcUrl,
    AFFIANT_RELAYER_URL: relayerUrl,
    AFFIANT_DEPLOYMENT: deploymentPath,
    AFFIANT_ALLOW_PRIVATE: allowPrivate ? "1" : "0",
  };
}
