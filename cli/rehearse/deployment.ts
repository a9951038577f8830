import { join } from "node:path";

import { readDeploymentFile } from "../../orchestrator/deploy/deploymentFile.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { affiant } from "./affiant.ts";
import { type TestnetName, testnets } from "./options.ts";

export interface DeployRehearsal {
  readonly network: TestnetName;
  readonly rpcUrl: string;
  readonly deployerKey: string;
  readonly guardian: string;
  readonly folder: string;
  readonly keysDir: string;
  readonly artifactsDir: string;
  /** The first run ends without a warning after so many transactions. */
  readonly killAfter: number;
  readonly onLine: (line: string) => void;
}

export interface Deployed {
  readonly deployment: Deployment;
  readonly path: string;
}

/** `affiant deploy`, killed on its way and begun again. */
export async function rehearseDeployment(rehearsal: DeployRehearsal): Promise<Deployed> {
  const { network, rpcUrl, deployerKey, guardian, folder, keysDir, artifactsDir, killAfter, onLine } = rehearsal;
  const prefix = network.toUpperCase();
  const env = { [`${prefix}_RPC_URL`]: rpcUrl, [`${prefix}_DEPLOYER_KEY`]: deployerKey };
  const deployments = join(folder, "deployments");
  const args = ["deploy", "--network", network, "--yes", "--json", "--guardian", guardian];
  // The blocks of a rehearsal come faster than the testnet's.
  args.push("--block-time", "12");
  args.push("--keys", keysDir, "--artifacts", artifactsDir);
  args.push("--deployments", deployments, "--journals", join(folder, "journals"));
  let sent = 0;
  const killWhen = (line: string): boolean => line.startsWith("sent ") && ++sent === killAfter;
  if ((await affiant(args, { env, onLine, killWhen })) !== undefined) {
    throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the deployment was to be killed, and was faster");
  }
  await affiant(args, { env, onLine });
  const path = join(deployments, `${testnets[network]}.json`);
  const deployment = await readDeploymentFile(path);
  if (!deployment) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the deployment wrote no file");
  return { deployment, path };
}
