import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { printError, printOutcome } from "../output.ts";
import { type DeployFlags, deployNamed } from "./deployNamed.ts";
import type { Hardhat } from "./networks.ts";

/** `npx hardhat deploy --network sepolia`: what `affiant deploy` does. */
export default async function deployTask(flags: DeployFlags, hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    const { network } = hre.globalOptions;
    printOutcome(await deployNamed(hre as unknown as Hardhat, { ...flags, network }), false);
  } catch (error) {
    printError(error, false);
  }
}
