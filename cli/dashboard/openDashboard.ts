import { readAgents } from "../agentNames.ts";
import { keyEscrowOf, trusted } from "../audit.ts";
import { type Environment, readEnvironment, requireDeployment } from "../environment.ts";
import { dashboardParts, pageParts } from "../../dashboard/build/bundle.ts";
import { evidencePage } from "../../dashboard/build/evidencePage.ts";
import { type OpenDashboard, serveDashboard } from "../../dashboard/server/serveDashboard.ts";
import { SystemReader } from "./readSystem.ts";

/** The dashboard of the system that an environment names, with the evidence page for its chain. */
export function openDashboard(environment: Environment, port: number): Promise<OpenDashboard> {
  const reader = new SystemReader(environment);
  let parts: ReturnType<typeof dashboardParts> | undefined;
  return serveDashboard({
    port,
    parts: () => (parts ??= dashboardParts()),
    read: () => reader.read(),
    evidencePage: async () => {
      const deployment = environment.deploymentPath === undefined ? undefined : requireDeployment(environment);
      return evidencePage(await pageParts(), {
        language: "en",
        rpcUrl: environment.rpcUrl ?? null,
        contracts: deployment ? trusted(deployment) : null,
        keyEscrow: deployment ? keyEscrowOf(deployment) : null,
        names: await readAgents(environment.dataDir),
        explorer: null,
      });
    },
  });
}

/** For `npm start`: the system of a data folder. */
export function openLaterDashboard(dataDir: string): Promise<OpenDashboard> {
  return openDashboard(readEnvironment({ data: dataDir }, {}), 0);
}
