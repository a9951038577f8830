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

/** Code at an address, and how it came there. */
export interface DeployedCode {
  /** EIP-55. For a contract behind a proxy this is the proxy: the address that everybody uses. */
  readonly address: string;
  /** The block in which it was deployed: where to begin when reading its events. */
  readonly blockNumber: number;
  /** keccak256 of the code at `address` (of the proxy, if it is one), 32 bytes: tells a fresh chain from the right one. */
  readonly codeHash: Hex;
  /** The compiler's name of what was deployed there. */
  readonly contract?: string;
  readonly transactionHash?: Hex;
  /** By name, numbers as decimal text, bytes as hex. */
  readonly constructorArguments?: Readonly<Record<string, string>>;
}

export interface DeployedContract extends DeployedCode {
  /** What stood behind the proxy when it was made. An upgrade is on chain and not in this file. */
  readonly implementation?: DeployedCode;
  /** What the proxy's first call was given, by name. */
  readonly initializeArguments?: Readonly<Record<string, string>>;
}

export interface DeployedVerifier extends DeployedCode {
  /** The circuit's key in `VerifierRegistry`. */
  readonly circuitId: Hex;
  /** `DEV_INSECURE` on local chains alone, else `CEREMONY`. */
  readonly keyKind: string;
  /** SHA-256 of the verification key's file as its manifest names it, 64 digits of hex without prefix. */
  readonly verificationKeySha256: string;
}

/** Where the contracts are. Written by the deployment, read by every program: `deployments/<chainId>.json`. */
export interface Deployment {
  readonly chainId: number;
  readonly contracts: Readonly<Record<DeployedContractName, DeployedContract>>;
  /** The verifiers that were entered first, by circuit; the table on chain says which are in effect. */
  readonly verifiers?: Readonly<Record<string, DeployedVerifier>>;
  /** Contracts that only others call, by the compiler's name. */
  readonly parts?: Readonly<Record<string, DeployedCode>>;
  /** Who sent the transactions. EIP-55. */
  readonly deployer?: string;
}

/**
 * Reads the text of a deployment file strictly: nothing missing, nothing unknown. Files from before there were
 * constructor arguments, verifiers and parts are read as well.
 * @throws AffiantError ERR_INPUT_DEPLOYMENT naming the field
 */
export function parseDeployment(text: string): Deployment {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_DEPLOYMENT", "the deployment file is not JSON", { cause });
  }
  const root = objectWith(value, ["chainId", "contracts"], "the deployment", ["verifiers", "parts", "deployer"]);
  const { chainId, verifiers, parts, deployer } = root;
  check(isCount(chainId) && chainId > 0, "chainId is not a whole number from 1");
  const contracts = objectWith(root["contracts"], deployedContractNames, "contracts");
  const read = deployedContractNames.map((name) => [name, readContract(contracts[name], `contracts.${name}`)] as const);
  return {
    chainId,
    contracts: Object.fromEntries(read) as Record<DeployedContractName, DeployedContract>,
    ...(verifiers === undefined ? {} : { verifiers: eachOf(verifiers, "verifiers", readVerifier) }),
    ...(parts === undefined ? {} : { parts: eachOf(parts, "parts", (part, path) => readCode(part, path)) }),
    ...(deployer === undefined ? {} : { deployer: readAddress(deployer, "deployer") }),
  };
}

/** The text of a deployment file: indented, since people read it, and always the same for the same deployment. */
export function formatDeployment({ chainId, contracts, ...rest }: Deployment): string {
  const ordered = deployedContractNames.map((name) => [name, contracts[name]]);
  const { deployer, verifiers, parts } = rest;
  return `${JSON.stringify({ chainId, deployer, contracts: Object.fromEntries(ordered), verifiers, parts }, null, 2)}\n`;
}

const codeFields = ["address", "blockNumber", "codeHash"] as const;
const optionalCodeFields = ["contract", "transactionHash", "constructorArguments"] as const;

function readContract(value: unknown, path: string): DeployedContract {
  const { implementation, initializeArguments, ...code } = fieldsOf(value, path);
  return {
    ...readCode(code, path, ["implementation", "initializeArguments"]),
    ...(implementation === undefined ? {} : { implementation: readCode(implementation, `${path}.implementation`) }),
    ...(initializeArguments === undefined
      ? {}
      : { initializeArguments: eachOf(initializeArguments, `${path}.initializeArguments`, readText) }),
  };
}

function readVerifier(value: unknown, path: string): DeployedVerifier {
  const { circuitId, keyKind, verificationKeySha256, ...code } = fieldsOf(value, path);
  check(isHex(circuitId, 32), `${path}.circuitId is not 32 bytes of lower-case hex`);
  check(keyKind === "DEV_INSECURE" || keyKind === "CEREMONY", `${path}.keyKind is not a kind of key`);
  check(
    typeof verificationKeySha256 === "string" && /^[0-9a-f]{64}$/.test(verificationKeySha256),
    `${path}.verificationKeySha256 is not 64 digits of lower-case hex`,
  );
  return { ...readCode(code, path), circuitId, keyKind, verificationKeySha256 };
}

function readCode(value: unknown, path: string, optional: readonly string[] = []): DeployedCode {
  const fields = objectWith(value, codeFields, path, [...optionalCodeFields, ...optional]);
  const { address, blockNumber, codeHash, contract, transactionHash, constructorArguments } = fields;
  check(isCount(blockNumber), `${path}.blockNumber is not a whole number from 0`);
  check(isHex(codeHash, 32), `${path}.codeHash is not 32 bytes of lower-case hex`);
  const code = { address: readAddress(address, `${path}.address`), blockNumber, codeHash };
  check(transactionHash === undefined || isHex(transactionHash, 32), `${path}.transactionHash is not 32 bytes of hex`);
  return {
    ...code,
    ...(contract === undefined ? {} : { contract: readText(contract, `${path}.contract`) }),
    ...(transactionHash === undefined ? {} : { transactionHash }),
    ...(constructorArguments === undefined
      ? {}
      : { constructorArguments: eachOf(constructorArguments, `${path}.constructorArguments`, readText) }),
  };
}

function readAddress(value: unknown, path: string): string {
  check(typeof value === "string" && isAddress(value), `${path} is not an address`);
  return getAddress(value);
}

function readText(value: unknown, path: string): string {
  check(typeof value === "string", `${path} is not text`);
  return value;
}

function eachOf<T>(value: unknown, path: string, read: (value: unknown, path: string) => T): Record<string, T> {
  const entries = Object.entries(fieldsOf(value, path));
  return Object.fromEntries(entries.map(([name, inner]) => [name, read(inner, `${path}.${name}`)]));
}

function fieldsOf(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function objectWith(
  value: unknown,
  keys: readonly string[],
  what: string,
  optional: readonly string[] = [],
): Record<string, unknown> {
  const fields = fieldsOf(value, what);
  for (const key of keys) check(key in fields, `${what} lacks ${key}`);
  for (const key of Object.keys(fields)) {
    check(keys.includes(key) || optional.includes(key), `${what} holds an unknown ${key}`);
  }
  return fields;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_DEPLOYMENT", message);
}
