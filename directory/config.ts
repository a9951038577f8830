import { readFileSync } from "node:fs";

import { type Deployment, parseDeployment } from "../protocol/deployment.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import type { Erc8004Contracts } from "./events/contracts.ts";

/** What a directory is started with. */
export interface DirectoryConfig {
  /** JSON-RPC endpoints of one chain. What is taken over, all of them tell alike. */
  readonly rpcUrls: readonly string[];
  readonly deployment: Deployment;
  /** Store, cards, snapshots. */
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  /** Names by which a proxy on this machine passes requests on. */
  readonly names: readonly string[];
  /** How others reach it, where that is not where it listens. */
  readonly baseUrl: string | undefined;
  /** Where commands go; undefined: none are passed on. */
  readonly relayerUrl: string | undefined;
  /** Whether cards may be on this machine or in private networks. */
  readonly allowPrivate: boolean;
  readonly erc8004: Erc8004Contracts | undefined;
  /** A snapshot is written whenever so many blocks more are final; 0: never. */
  readonly snapshotEvery: number;
}

type Env = Readonly<Record<string, string | undefined>>;

/** @throws AffiantError ERR_INPUT_CONFIG naming the variable, ERR_INPUT_DEPLOYMENT */
export function readDirectoryConfig(env: Env): DirectoryConfig {
  const need = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") throw new AffiantError("ERR_INPUT_CONFIG", `${name} is not set`);
    return value;
  };
  const listOf = (name: string) =>
    (env[name] ?? "")
      .split(",")
      .map((one) => one.trim())
      .filter((one) => one !== "");
  const path = need("AFFIANT_DEPLOYMENT");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_CONFIG", `AFFIANT_DEPLOYMENT: ${path} cannot be read`, { cause });
  }
  need("AFFIANT_RPC_URL");
  const identity = env["AFFIANT_ERC8004_IDENTITY"];
  return {
    rpcUrls: listOf("AFFIANT_RPC_URL"),
    deployment: parseDeployment(text),
    dataDir: env["AFFIANT_DATA_DIR"] ?? "data/directory",
    host: env["AFFIANT_HOST"] ?? "127.0.0.1",
    port: wholeOf(env, "AFFIANT_PORT", 8790),
    names: listOf("AFFIANT_ALLOWED_HOSTS"),
    baseUrl: env["AFFIANT_PUBLIC_URL"]?.replace(/\/+$/, ""),
    relayerUrl: env["AFFIANT_RELAYER_URL"]?.replace(/\/+$/, ""),
    allowPrivate: env["AFFIANT_ALLOW_PRIVATE"] === "1",
    erc8004:
      identity === undefined
        ? undefined
        : {
            identity,
            reputation: env["AFFIANT_ERC8004_REPUTATION"],
            fromBlock: wholeOf(env, "AFFIANT_ERC8004_FROM_BLOCK", 0),
          },
    snapshotEvery: wholeOf(env, "AFFIANT_SNAPSHOT_EVERY_BLOCKS", 50_000),
  };
}

function wholeOf(env: Env, name: string, fallback: number): number {
  const value = env[name] ?? "";
  if (value === "") return fallback;
  if (!/^(?:0|[1-9]\d{0,11})$/.test(value)) throw new AffiantError("ERR_INPUT_CONFIG", `${name} is no whole number`);
  return Number(value);
}
