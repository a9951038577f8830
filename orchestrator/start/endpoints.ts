import { renameSync, rmSync, writeFileSync } from "node:fs";

/** `endpoints.json` in the data folder: how the command line finds the running system. Gone when it is stopped. */
export interface Endpoints {
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  readonly deploymentPath: string;
  /** Where each agent listens, by name. */
  readonly agents: Readonly<Record<string, string>>;
  /** All of it is on this machine: what commands fetch for its agents may be there too. */
  readonly allowPrivate: true;
  /** Where the services that come later are reached, by name. */
  readonly later?: Readonly<Record<string, string>>;
}

export function writeEndpoints(path: string, endpoints: Endpoints): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(endpoints, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function removeEndpoints(path: string): void {
  rmSync(path, { force: true });
}
