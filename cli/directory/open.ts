import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { readDirectoryConfig } from "../../directory/config.ts";
import { startDirectory } from "../../directory/startDirectory.ts";
import { printJson } from "../../host/terminal/print.ts";
import type { LaterPlace, OpenLaterService } from "../../orchestrator/later/laterService.ts";
import { cardLookUp } from "./lookUp.ts";

/** Whoever asked first is answered with what there is after this. */
const patienceMs = 20_000;

/** The directory of a pipeline, opened when it is first asked for; told when it has read the chain. */
export async function openDirectory({ dataDir, endpoints, publicUrl }: LaterPlace): Promise<OpenLaterService> {
  const config = readDirectoryConfig({
    AFFIANT_RPC_URL: endpoints.rpcUrl,
    AFFIANT_DEPLOYMENT: endpoints.deploymentPath,
    AFFIANT_RELAYER_URL: endpoints.relayerUrl,
    AFFIANT_DATA_DIR: join(dataDir, "directory"),
    AFFIANT_PUBLIC_URL: publicUrl,
    AFFIANT_PORT: "0",
    AFFIANT_ALLOW_PRIVATE: "1",
  });
  const directory = await startDirectory(config, {
    lookUp: cardLookUp(config.allowPrivate),
    onTrouble: (what, error) => printJson("stderr", { trouble: what, message: (error as Error).message }),
  });
  await Promise.race([directory.ready, sleep(patienceMs, undefined, { ref: false })]);
  return { port: Number(new URL(directory.url).port), close: () => directory.close() };
}
