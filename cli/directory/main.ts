/** A directory as a process of its own: settings from the environment, until it is told to stop. */
import { once } from "node:events";

import { readDirectoryConfig } from "../../directory/config.ts";
import { startDirectory } from "../../directory/startDirectory.ts";
import { printJson } from "../../host/terminal/print.ts";
import { cardLookUp } from "./lookUp.ts";

const config = readDirectoryConfig(process.env);
const directory = await startDirectory(config, {
  lookUp: cardLookUp(config.allowPrivate),
  onTrouble: (what, error) => printJson("stderr", { trouble: what, message: (error as Error).message }),
});
printJson("stdout", { ready: true, url: directory.url });
await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name)));
await directory.close();
