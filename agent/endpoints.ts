import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { AffiantError } from "../protocol/errors/affiantError.ts";

/** Where a running system is: `<data folder>/endpoints.json`, as `npm start` leaves it. */
export interface Endpoints {
  readonly relayerUrl?: string;
  readonly rpcUrl?: string;
  /** Absolute. */
  readonly deploymentPath?: string;
  /** All of it is on this machine: what is fetched for agents may be there too. */
  readonly allowPrivate?: boolean;
  /** Services that open when they are asked for, by name: `directory`. */
  readonly later?: Readonly<Record<string, string>>;
}

/**
 * @returns nothing where there is no such file
 * @throws AffiantError ERR_INPUT_FILE for one that is not JSON
 */
export function readEndpoints(dataDir: string): Endpoints {
  const path = join(dataDir, "endpoints.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return {};
  }
  try {
    const { deploymentPath, ...endpoints } = JSON.parse(text) as Endpoints;
    return { ...endpoints, ...(deploymentPath && { deploymentPath: resolve(dataDir, deploymentPath) }) };
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is not JSON`, { cause });
  }
}
