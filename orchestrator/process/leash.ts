/**
 * Loaded into every child (`node --import`) before its program: when the parent is gone, however it went (Ctrl-C, crash,
 * SIGKILL), the channel to it closes, and the child ends as if it had been asked to. Without this a killed parent
 * would leave processes behind that hold ports and write to files the next start is using.
 */
import { isMainThread } from "node:worker_threads";

import { joinFolder } from "./folderLock.ts";

/** Enough for a program to finish what it is writing. */
const graceMs = 8_000;

if (isMainThread && process.channel) {
  process.once("disconnect", () => {
    setTimeout(() => process.exit(1), graceMs).unref();
    process.kill(process.pid, "SIGTERM");
  });
  // The channel must not keep a program alive that has nothing left to do.
  process.channel.unref();
  const dataDir = process.env["AFFIANT_LEASH_FOLDER"];
  const lock = dataDir === undefined ? undefined : joinFolder(dataDir);
  // Held to the very end; the listener also keeps the lock from being collected as garbage.
  process.once("exit", () => lock?.release());
}
