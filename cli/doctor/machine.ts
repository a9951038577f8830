import { existsSync, readdirSync, statfsSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";

import { type Finding, unknown, well, wrong } from "./finding.ts";

const needed = [22, 18] as const;
/** What a run of a few days takes, and some. */
const enoughBytes = 512 * 1024 * 1024;

export function nodeVersion(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
    ? well("Node", version)
    : wrong("Node", `${version} is too old`, `Install Node ${needed.join(".")} or newer`);
}

/** The folder, or where it would be made: whether it can be written and how much room there is. */
export function dataFolder(dataDir: string, canWrite: (path: string) => boolean): readonly Finding[] {
  let at = dataDir;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (!statSync(at).isDirectory()) return [wrong("data folder", `${at} is a file`, "Choose another one: --data DIR")];
  const { bavail, bsize } = statfsSync(at);
  const free = bavail * bsize;
  const inWords = `${Math.round(free / 1024 / 1024)} MB free`;
  return [
    canWrite(at)
      ? well("data folder", at === dataDir ? dataDir : `${dataDir} (not there yet)`)
      : wrong("data folder", `${at} cannot be written`, "Choose another one: --data DIR"),
    free >= enoughBytes
      ? well("disk", inWords)
      : wrong("disk", inWords, "Make room, or choose another folder: --data DIR"),
  ];
}

/** Files of keys below the data folder that others may read. */
export function keys(dataDir: string): Finding {
  if (process.platform === "win32") return unknown("keys", "file modes mean nothing on Windows");
  const secret = /(?:\.key|\.key\.json|keys\.json|mnemonic|\.token|wrapping\.json)$/;
  const found = existsSync(dataDir)
    ? readdirSync(dataDir, { recursive: true, encoding: "utf8" }).filter((name) => secret.test(name))
    : [];
  const open = found.filter((name) => {
    const stats = statSync(join(dataDir, name), { throwIfNoEntry: false });
    return stats?.isFile() && (stats.mode & 0o077) !== 0;
  });
  if (found.length === 0) return unknown("keys", "there are none in the data folder");
  return open.length === 0
    ? well("keys", `${found.length} files, readable for their owner alone`)
    : wrong(
        "keys",
        `others may read ${open.join(", ")}`,
        `chmod 600 ${open.map((name) => join(dataDir, name)).join(" ")}`,
      );
}

/** A port that nothing answers on, or that ours does. */
export async function port(number: number, what: string, usedByUs: boolean): Promise<Finding> {
  if (usedByUs) return well(`port ${number}`, `${what} of this data folder uses it`);
  const server = createServer();
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve).listen(number, "127.0.0.1", () => server.close(() => resolve(undefined)));
  });
  return error === undefined
    ? well(`port ${number}`, `free, for ${what}`)
    : wrong(
        `port ${number}`,
        `for ${what}: ${error.code === "EADDRINUSE" ? "another program uses it" : error.code}`,
        "Use another one, or 0 for any: --port, --rpc-port",
      );
}

/** Whether agents can be measured here at all. */
export function measuring(platform: NodeJS.Platform, hasProc = existsSync("/proc/self/maps")): Finding {
  return platform === "linux" && hasProc
    ? well("measuring", "running programs can be measured (/proc)")
    : wrong(
        "measuring",
        `there is no /proc on ${platform}`,
        "Agents here count as unmeasured, on local chains only; run them on Linux for more",
      );
}

export function packages(root: string): Finding {
  const missing = ["ethers", "@foundry-rs/anvil"].filter((name) => !existsSync(join(root, "node_modules", name)));
  if (missing.length > 0) return wrong("packages", `missing: ${missing.join(", ")}`, "npm ci");
  const built = existsSync(join(root, "protocol/generated/abi/AgentRegistry.ts"));
  return built
    ? well("packages", `installed, contracts built`)
    : wrong("packages", "the contracts are not built", "npm run build");
}
