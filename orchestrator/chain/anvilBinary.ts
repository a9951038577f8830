import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * The path of anvil itself. The package's own `anvil` command is a script that starts this file as a further process,
 * and killing the script would leave that one behind.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN on a system for which there is none
 */
export function anvilBinary(platform = process.platform, arch: string = process.arch): string {
  const cpu = arch === "x64" ? "amd64" : arch;
  const packageName = `@foundry-rs/anvil-${platform}-${cpu}`;
  const file = platform === "win32" ? "anvil.exe" : "anvil";
  try {
    const require = createRequire(import.meta.url);
    const path = join(dirname(require.resolve(`${packageName}/package.json`)), "bin", file);
    if (existsSync(path)) return path;
  } catch {
    // said below
  }
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `anvil, the local chain, is not installed for ${platform}-${cpu}`, {
    hint: "Run: npm ci (without --omit=optional)",
  });
}
