import { accessSync, constants } from "node:fs";
import { join } from "node:path";

import type { Command } from "commander";

import type { Deployment } from "../../protocol/deployment.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { type Environment, requireDeployment } from "../environment.ts";
import { type Finding, wrong } from "./finding.ts";
import { dataFolder, keys, measuring, nodeVersion, packages, port } from "./machine.ts";
import { chain, relayer } from "./services.ts";

const root = join(import.meta.dirname, "../..");

export function doctorCommand(): Command {
  return command(
    "doctor",
    "Look at Node, packages, the data folder, keys, ports, the chain, the relayer and the clock, and say what is wrong and how " +
      "it is mended. Changes nothing. Exit code 1 if something is wrong.",
    "all",
    ["affiant doctor", "affiant doctor --rpc https://rpc.example --deployment deployment.json --json"],
  ).action(
    run<CommonFlags, []>(async ({ environment }) => {
      const findings = await examine(environment);
      const width = Math.max(...findings.map(({ what }) => what.length));
      return {
        data: { findings },
        lines: findings.flatMap(({ what, state, says, mend }) => [
          `${{ well: "ok  ", wrong: "!!  ", unknown: "--  " }[state]}${what.padEnd(width)}  ${says}`,
          ...(mend === undefined ? [] : [`${" ".repeat(width + 6)}${mend}`]),
        ]),
        ok: findings.every(({ state }) => state !== "wrong"),
      };
    }),
  );
}

async function examine(environment: Environment): Promise<readonly Finding[]> {
  const { dataDir, rpcUrl, relayerUrl } = environment;
  const { deployment, fault } = deploymentOf(environment);
  const portOf = (url: string | undefined) => (url && URL.canParse(url) ? Number(new URL(url).port) : undefined);
  const [relayerUp, onChain] = await Promise.all([
    relayer(relayerUrl),
    chain(rpcUrl, deployment, Math.floor(Date.now() / 1000)),
  ]);
  const chainUp = onChain[0]?.state === "well";
  return [
    nodeVersion(process.versions.node),
    packages(root),
    measuring(process.platform),
    ...dataFolder(dataDir, canWrite),
    keys(dataDir),
    await port(8787, "the relayer", portOf(relayerUrl) === 8787 && relayerUp.state === "well"),
    await port(8545, "the local chain", portOf(rpcUrl) === 8545 && chainUp),
    ...onChain,
    ...fault,
    relayerUp,
  ];
}

function deploymentOf(environment: Environment): { deployment?: Deployment; fault: readonly Finding[] } {
  if (environment.deploymentPath === undefined) return { fault: [] };
  try {
    return { deployment: requireDeployment(environment), fault: [] };
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    return { fault: [wrong("deployment", error.message, "Give --deployment, or start what made it once more")] };
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
