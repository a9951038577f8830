import type { Command } from "commander";

import { command, type CommonFlags, run } from "../command.ts";
import type { DeployFlags } from "./deployNamed.ts";
import { deployOptions } from "./deployOptions.ts";

/** `affiant deploy`; `npx hardhat deploy` (hardhatTask.ts) takes the same and does the same. */
export function deployCommand(): Command {
  const made = command("deploy", "Put the contracts on a chain, or finish what an interrupted run began.", "local", [
    "affiant deploy --network sepolia --keys ceremony/keys --dry-run",
    "affiant deploy --network sepolia --keys ceremony/keys --guardian 0x…",
  ]).requiredOption("--network <name>", "a network of hardhat.config.ts");
  for (const { name, value, about } of deployOptions) {
    const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    made.option(value === undefined ? `--${flag}` : `--${flag} <${value}>`, about);
  }
  return made.action(
    run<CommonFlags & DeployFlags, []>(async (_session, flags) => {
      // Hardhat takes most of a second to load: only those who need it wait for it.
      const [{ loadHardhat }, { deployNamed }] = await Promise.all([
        import("./networks.ts"),
        import("./deployNamed.ts"),
      ]);
      return await deployNamed(await loadHardhat(), flags);
    }),
  );
}
