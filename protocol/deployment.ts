import { getAddress, isAddress } from "ethers";

import { type Hex, isHex } from "./encoding/hex.ts";
import { AffiantError } from "./errors/affiantError.ts";

/** The contracts of one deployment, in the order in which they are deployed. */
export const deployedContractNames = [
  "accessManager",
  "verifierRegistry",
  "agentRegistry",
  "policyRegistry",
  "contractRegistry",
  "attestationRegistry",
  "keyEscrow",
  "logAnchor",
] as const;
export type DeployedContractName = (typeof deployedContractNames)[number];

export interface DeployedContract {
  /** EIP-55. For a contract behind a proxy this is the proxy: the address that everybody uses. */
  readonly address: string;
  /** The block in which it was deployed: where to begin when reading its events. */
  readonly blockNumber: number;
  /** keccak256 of the code at `address` (of the proxy, if it is one), 32 bytes: tells a fresh chain from the right one. */
  readonly codeHash: Hex;
}

/** Where the contracts are. Written by the deployment, read by every program: `deployment.json`. */
export interface Deployment {
  readonly chainId: number;
  readonly contracts: Readonly<Record<DeployedContractName, DeployedContract>>;
}

/**
 * Reads the text of a `deployment.json` strictly: nothing missing, nothing unknown.
 * @throws AffiantError ERR_INPUT_DEPLOYMENT naming the field
 */
export function parseDeployment(text: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_DEPLOYMENT", "the deployment file is not JSON", { cause });
  }
  const root = objectWith(value, ["chainId", "contracts"], "the deployment");
  const chainId = root["chainId"];
  check(isCount(chainId) && chainId > 0, "chainId is not a whole number from 1");
  const contracts = objectWith(root["contracts"], deployedContractNames, "contracts");
  const read = deployedContractNames.map((name) => [name, readContract(contracts[name], `contracts.${name}`)] as const);
  return { chainId, contracts: Object.fromEntries(read) as Record<DeployedContractName, DeployedContract> };
}

/** The text of a `deployment.json`: indented, since people read it, and always the same for the same deployment. */
export function formatDeployment(deployment: Deployment): string {
  const contracts = deployedContractNames.map((name) => {
    const { address, blockNumber, codeHash } = deployment.contracts[name];
    return [name, { address, blockNumber, codeHash }];
  });
  return `${JSON.stringify({ chainId: deployment.chainId, contracts: Object.fromEntries(contracts) }, null, 2)}\n`;
}

function readContract(value: unknown, path: string): DeployedContract {
  const fields = objectWith(value, ["address", "blockNumber", "codeHash"], path);
  const { address, blockNumber, codeHash } = fields;
  check(typeof address === "string" && isAddress(address), `${path}.address is not an address`);
  check(isCount(blockNumber), `${path}.blockNumber is not a whole number from 0`);
  check(isHex(codeHash, 32), `${path}.codeHash is not 32 bytes of lower-case hex`);
  return { address: getAddress(address), blockNumber, codeHash };
}

function objectWith(value: unknown, keys: readonly string[], what: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is not a JSON object`);
  const fields = value as Record<string, unknown>;
  for (const key of keys) check(key in fields, `${what} lacks ${key}`);
  for (const key of Object.keys(fields)) check(keys.includes(key), `${what} holds an unknown ${key}`);
  return fields;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_DEPLOYMENT", message);
}
