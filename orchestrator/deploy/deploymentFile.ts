import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";

import { type Deployment, formatDeployment, parseDeployment } from "../../protocol/deployment.ts";

/**
 * @returns undefined if there is no file: nothing was deployed from here yet
 * @throws AffiantError ERR_INPUT_DEPLOYMENT if there is one that says something else
 */
export async function readDeploymentFile(path: string): Promise<Deployment | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return parseDeployment(text);
}

/** Writes it whole or not at all: half a file after a crash would send every program to the wrong address. */
export async function writeDeploymentFile(path: string, deployment: Deployment): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, "w");
  try {
    await file.writeFile(formatDeployment(deployment));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
