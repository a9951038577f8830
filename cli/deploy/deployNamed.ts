import { join } from "node:path";
import { formatEther, formatUnits, getAddress, isAddress, parseUnits } from "ethers";

import { ask, printLines } from "../../host/terminal/print.ts";
import type { DeploymentCost } from "../../orchestrator/deploy/estimateCost.ts";
import {
  type DeploymentPace,
  deployToNetwork,
  type NetworkDeployed,
} from "../../orchestrator/deploy/deployToNetwork.ts";
import type { RoleHolders } from "../../orchestrator/deploy/runModule.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { columns, type Outcome, table } from "../output.ts";
import { type Hardhat, openNetwork, root, type SignerService } from "./networks.ts";

/** As they stand on a command line, Commander's or Hardhat's. */
export interface DeployFlags {
  readonly network?: string | undefined;
  readonly yes?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  readonly keys?: string | undefined;
  readonly artifacts?: string | undefined;
  readonly deployments?: string | undefined;
  readonly journals?: string | undefined;
  readonly attestationService?: string | undefined;
  readonly orchestrator?: string | undefined;
  readonly upgrader?: string | undefined;
  readonly guardian?: string | undefined;
  readonly upgraderDelay?: string | undefined;
  readonly blockTime?: string | undefined;
  readonly confirmations?: string | undefined;
  readonly maxFee?: string | undefined;
  readonly signer?: string | undefined;
  readonly from?: string | undefined;
}

/** Blocks that a deployment has to lie deep. Reorganisations of the proof-of-stake chains are rarely deeper than one. */
const defaultConfirmations = 5;

/** `affiant deploy` and `npx hardhat deploy`: one function behind both. */
export async function deployNamed(hardhat: Hardhat, flags: DeployFlags): Promise<Outcome> {
  const name = flags.network;
  if (name === undefined) throw new AffiantError("ERR_INPUT_CONFIG", "no network is named", { hint: "Give --network" });
  const network = await openNetwork(hardhat, name, serviceOf(flags));
  let cost: DeploymentCost | undefined;
  let pace: DeploymentPace | undefined;
  const deployed = await deployToNetwork({
    network: name,
    chainId: network.chainId,
    rpc: network.rpc,
    account: await network.account(),
    scratch: await network.scratch(),
    deploymentsDir: flags.deployments ?? join(root, "deployments"),
    journalsDir: flags.journals ?? join(root, "ignition/deployments"),
    artifactsDir: flags.artifacts,
    circuitKeysDir: flags.keys,
    holders: holdersOf(flags),
    confirmations: whole("--confirmations", flags.confirmations, defaultConfirmations),
    pollMs: 1_000,
    feeBumpAfterMs: 3 * 60_000,
    maxFeePerGasLimit: flags.maxFee === undefined ? undefined : parseUnits(flags.maxFee, "gwei"),
    blockSec: flags.blockTime === undefined ? undefined : seconds("--block-time", flags.blockTime),
    confirm: async (found, foundPace) => {
      [cost, pace] = [found, foundPace];
      say([...formatCost(found), ...formatPace(foundPace)]);
      return flags.dryRun === true ? false : await agreed(flags.yes === true);
    },
    onSent: (what, hash) => say([`sent ${what}  ${hash}`]),
    onWait: (depth) => say([`waiting: ${depth === 0 ? "not all is mined" : `${depth} blocks deep`}`]),
  });
  return deployed
    ? outcomeOf(deployed)
    : { data: { sent: false, cost: inDecimal(cost), pace: inDecimal(pace) }, lines: ["Nothing was sent."] };
}

/** Progress goes to stderr: stdout is the result. */
function say(lines: readonly string[]): void {
  printLines("stderr", lines);
}

async function agreed(yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY) {
    throw new AffiantError("ERR_INPUT_CONFIG", "there is nobody to ask, and nothing was sent", { hint: "Give --yes" });
  }
  return /^y(es)?$/i.test((await ask("Send them? (yes/no) ")).trim());
}

function formatCost(cost: DeploymentCost): string[] {
  const { transactions, gas, baseFee, priorityFee, expectedWei, neededWei, balanceWei } = cost;
  return [
    `${transactions.length} transactions, tried out on a chain in memory:`,
    ...table(
      ["  transaction", "gas"],
      transactions.map((transaction) => [`  ${transaction.what}`, `${transaction.gas}`]),
    ),
    ...columns([
      ["gas", `${gas}`],
      ["fees now", `${formatUnits(baseFee, "gwei")} gwei, and ${formatUnits(priorityFee, "gwei")} gwei priority`],
      ["cost if they stay", `${formatEther(expectedWei)} ETH`],
      ["must be there", `${formatEther(neededWei)} ETH (fees may double on the way)`],
      ["balance", `${formatEther(balanceWei)} ETH`],
    ]),
  ];
}

/** What was chosen in time, in the chain's blocks. */
function formatPace({ blockSec, lengths }: DeploymentPace): string[] {
  const inTime = (blocks: number): string => {
    const sec = blocks * blockSec;
    if (sec < 120) return `${Math.round(sec)} s`;
    return sec < 7_200 ? `${Math.round(sec / 60)} min` : `${(sec / 3_600).toFixed(1)} h`;
  };
  return [
    `Delays, with a block every ${Number(blockSec.toFixed(3))} s:`,
    ...table(
      ["  delay", "blocks", "about"],
      Object.entries(lengths).map(([name, blocks]: [string, number]) => [`  ${name}`, `${blocks}`, inTime(blocks)]),
    ),
  ];
}

function outcomeOf({ deployment, path, transactions }: NetworkDeployed): Outcome {
  const spent = transactions.reduce((sum, { gasUsed, effectiveGasPrice }) => sum + gasUsed * effectiveGasPrice, 0n);
  const gas = transactions.reduce((sum, { gasUsed }) => sum + gasUsed, 0n);
  const rows = transactions.map(({ what, gasUsed, effectiveGasPrice, blockNumber, hash }) => [
    what,
    `${gasUsed}`,
    formatUnits(effectiveGasPrice, "gwei"),
    `${blockNumber}`,
    hash,
  ]);
  const made = transactions.length === 0 ? ["Everything was there already; nothing was sent."] : [];
  return {
    data: { deployment, path, gas: `${gas}`, spentWei: `${spent}`, transactions: transactions.map(inDecimal) },
    lines: [
      ...made,
      ...(rows.length > 0 ? [...table(["transaction", "gas", "gwei", "block", "hash"], rows), ""] : []),
      ...(rows.length > 0 ? [`${gas} gas, ${formatEther(spent)} ETH`, ""] : []),
      ...columns(Object.entries(deployment.contracts).map(([contract, { address }]) => [contract, address])),
      "",
      `Addresses: ${path} (set AFFIANT_DEPLOYMENT to it)`,
      `Sources:   npx hardhat ignition verify chain-${deployment.chainId}`,
    ],
  };
}

function inDecimal(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (_key, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner)),
  );
}

function holdersOf(flags: DeployFlags): RoleHolders {
  return {
    attestationService: address("--attestation-service", flags.attestationService),
    orchestrator: address("--orchestrator", flags.orchestrator),
    upgrader: address("--upgrader", flags.upgrader),
    guardian: address("--guardian", flags.guardian),
    upgraderDelaySec: flags.upgraderDelay === undefined ? undefined : whole("--upgrader-delay", flags.upgraderDelay, 0),
  };
}

function serviceOf({ signer, from }: DeployFlags): SignerService | undefined {
  if (signer === undefined && from === undefined) return undefined;
  const account = address("--from", from);
  if (signer === undefined || account === undefined) {
    throw new AffiantError("ERR_INPUT_CONFIG", "--signer and --from belong together");
  }
  return { url: signer, address: account };
}

function address(flag: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (!isAddress(value)) throw new AffiantError("ERR_INPUT_CONFIG", `${flag} is not an address`);
  return getAddress(value);
}

function seconds(flag: string, value: string): number {
  if (!/^\d{1,4}(\.\d{1,6})?$/.test(value))
    throw new AffiantError("ERR_INPUT_CONFIG", `${flag} is no number of seconds`);
  return Number(value);
}

function whole(flag: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!/^\d{1,9}$/.test(value)) throw new AffiantError("ERR_INPUT_CONFIG", `${flag} is not a whole number`);
  return Number(value);
}
