import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { parseDeployment, type Deployment } from "../protocol/deployment.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { readEndpoints } from "../agent/endpoints.ts";
import { readProfile } from "./profile.ts";

/** What the command line takes from the environment and the data folder. Flags win over both. */
export interface Environment {
  /** Absolute. */
  readonly dataDir: string;
  readonly passphrase: string | undefined;
  readonly relayerUrl: string | undefined;
  readonly rpcUrl: string | undefined;
  /** Where agents are found. */
  readonly directoryUrl: string | undefined;
  /** Absolute path of deployment.json. */
  readonly deploymentPath: string | undefined;
  /** Folder of the circuits' keys, where they are not the development ones of this checkout. */
  readonly circuitKeysDir: string | undefined;
  /** Secret of a ticket, where the relayer asks newcomers for one. */
  readonly admissionTicket: string | undefined;
  /** Whether URLs that others chose (cards, attestation services, wrappers) may lead to this machine and private networks. */
  readonly allowPrivate: boolean;
  /** Where cards on IPFS are asked for. */
  readonly ipfsGateway: string | undefined;
  /** Of the relayer that the data folder names: its operator may ask for anchors. */
  readonly operatorToken: string | undefined;
  /** Errors are shown with where they came up. */
  readonly debug: boolean;
  /** The relayer's keys, where they are not in its folder. */
  readonly noteKeyFile: string | undefined;
  readonly journalKeyFile: string | undefined;
  /** The same without what `npm start` left in the data folder: what somebody named on purpose. */
  readonly given: { readonly rpcUrl: string | undefined; readonly deploymentPath: string | undefined };
}

/** Flags that stand for values of the environment. */
export interface EnvironmentFlags {
  readonly data?: string;
  /** What `data` was called before. */
  readonly dataDir?: string;
  readonly relayer?: string;
  readonly rpc?: string;
  readonly deployment?: string;
  readonly profile?: string;
  readonly allowPrivate?: boolean;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The one place of the command line that looks at the environment (docs/cli.md has the table).
 * @throws AffiantError ERR_INPUT_CONFIG, ERR_INPUT_FILE
 */
export function readEnvironment(flags: EnvironmentFlags, env: Env = process.env): Environment {
  const profile = readProfile(
    flags.profile ?? (env["AFFIANT_PROFILE"] || undefined),
    env["AFFIANT_CONFIG"] || undefined,
  );
  const dataDir = resolve(flags.data ?? flags.dataDir ?? (env["AFFIANT_DATA_DIR"] || profile.data || "data"));
  const endpoints = readEndpoints(dataDir);
  // The relayer takes several endpoints; one is enough for a command.
  const given = flags.rpc ?? (env["AFFIANT_RPC_URL"]?.split(",")[0]?.trim() || undefined);
  const rpcUrl = given ?? profile.rpc;
  const deployment = flags.deployment ?? (env["AFFIANT_DEPLOYMENT"] || profile.deployment);
  const deploymentPath = deployment && resolve(deployment);
  const relayerUrl = flags.relayer ?? (env["AFFIANT_RELAYER_URL"] || profile.relayer || endpoints.relayerUrl);
  return {
    dataDir,
    passphrase: readPassphrase(env),
    relayerUrl,
    rpcUrl: rpcUrl ?? endpoints.rpcUrl,
    directoryUrl: env["AFFIANT_DIRECTORY_URL"] || endpoints.later?.["directory"],
    deploymentPath: deploymentPath ?? endpoints.deploymentPath,
    circuitKeysDir: env["AFFIANT_CIRCUIT_KEYS_DIR"] || undefined,
    admissionTicket: env["AFFIANT_ADMISSION_TICKET"] || undefined,
    operatorToken: readOperatorToken(
      env["AFFIANT_OPERATOR_TOKEN_FILE"] || undefined,
      // The relayer of this data folder is told its own token, and no other relayer is.
      relayerUrl === endpoints.relayerUrl ? join(dataDir, "relayer/operator.token") : undefined,
    ),
    allowPrivate: flags.allowPrivate ?? (readSwitch(env, "AFFIANT_ALLOW_PRIVATE") || endpoints.allowPrivate === true),
    ipfsGateway: env["AFFIANT_IPFS_GATEWAY"] || undefined,
    debug: isDebugging(env),
    noteKeyFile: env["AFFIANT_NOTE_KEY_FILE"] || undefined,
    journalKeyFile: env["AFFIANT_JOURNAL_KEY_FILE"] || undefined,
    given: { rpcUrl, deploymentPath },
  };
}

/** @throws AffiantError ERR_INPUT_FILE for a file that was named and is not there */
function readOperatorToken(named: string | undefined, own: string | undefined): string | undefined {
  if (named !== undefined) return readText(named).trim();
  return own !== undefined && existsSync(own) ? readText(own).trim() : undefined;
}

/** Asked before anything else is read: what is wrong with the rest is an error, too. */
export function isDebugging(env: Env = process.env): boolean {
  return Boolean(env["AFFIANT_DEBUG"]);
}

/**
 * The relayer's settings: the process's environment, completed with what the data folder says. Its own things are in
 * `<dataDir>/relayer`, where `npm start` keeps them as well.
 */
export function relayerEnvironment(environment: Environment, env: Env = process.env): Env {
  return {
    ...env,
    AFFIANT_DATA_DIR: join(environment.dataDir, "relayer"),
    AFFIANT_RPC_URL: env["AFFIANT_RPC_URL"] || environment.rpcUrl,
    AFFIANT_DEPLOYMENT: environment.deploymentPath,
  };
}

/** Where a relayer keeps its things: its own folder in the data folder, or the data folder itself. */
export function relayerFolder(dataDir: string): string {
  const own = join(dataDir, "relayer");
  return existsSync(join(own, "relayer.db")) ? own : dataDir;
}

const startHint = "npm start brings everything up and leaves its addresses in the data folder.";

/** @throws AffiantError ERR_INPUT_CONFIG if none is known */
export function requireRelayerUrl({ relayerUrl }: Environment): string {
  if (relayerUrl) return relayerUrl;
  throw new AffiantError("ERR_INPUT_CONFIG", "no relayer is known", {
    hint: `Give --relayer or AFFIANT_RELAYER_URL. ${startHint}`,
  });
}

/** @throws AffiantError ERR_INPUT_CONFIG if none is known */
export function requireRpcUrl({ rpcUrl }: Environment): string {
  if (rpcUrl) return rpcUrl;
  throw new AffiantError("ERR_INPUT_CONFIG", "no chain is known", {
    hint: `Give --rpc or AFFIANT_RPC_URL. ${startHint}`,
  });
}

/** @throws AffiantError ERR_INPUT_CONFIG if none is known, ERR_INPUT_FILE, ERR_INPUT_DEPLOYMENT */
export function requireDeployment({ deploymentPath }: Environment): Deployment {
  if (!deploymentPath) {
    throw new AffiantError("ERR_INPUT_CONFIG", "it is not known where the contracts are", {
      hint: `Give --deployment or AFFIANT_DEPLOYMENT (a deployment.json). ${startHint}`,
    });
  }
  return parseDeployment(readText(deploymentPath));
}

/** @throws AffiantError ERR_INPUT_CONFIG for anything but 0 and 1 */
function readSwitch(env: Env, name: string): boolean {
  const value = env[name] || "0";
  if (value !== "0" && value !== "1") throw new AffiantError("ERR_INPUT_CONFIG", `${name} must be 0 or 1`);
  return value === "1";
}

function readPassphrase(env: Env): string | undefined {
  const file = env["AFFIANT_PASSPHRASE_FILE"];
  if (file) return readText(file).replace(/\r?\n$/, "");
  return env["AFFIANT_PASSPHRASE"] || undefined;
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read (${(cause as NodeJS.ErrnoException).code})`, {
      cause,
    });
  }
}
