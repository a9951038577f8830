import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Deployment, parseDeployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Everything an operator of the attestation service can set. */
export interface ServiceConfig {
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  readonly dataDir: string;
  readonly passphrase: string | undefined;
  /** Carries the service's calls; undefined: its account pays for them. */
  readonly relayerUrl: string | undefined;
  readonly host: string;
  readonly port: number;
  /** Where wrappers reach the service, if not where it listens. */
  readonly publicUrl: string | undefined;
  /** Blocks from the opening of one round to the opening of the next. */
  readonly roundBlocks: number;
  /** Rounds wait for the first `POST /v1/attestation/rounds`. */
  readonly heldRounds: boolean;
  readonly pollIntervalMs: number;
  readonly graceBlocks: number;
  readonly stuckAfterMs: number;
  readonly verifyTimeoutMs: number;
  /** Asks wrappers also on this machine and in private networks: where they listen is their own word. */
  readonly allowPrivate: boolean;
  /** Names by which a proxy on this machine passes requests on, beside that of the public URL. */
  readonly names: readonly string[];
  readonly logLevel: string;
}

type Env = Readonly<Record<string, string | undefined>>;

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];

/**
 * The one place of the service that looks at the environment (attestation/README.md has the table).
 * @throws AffiantError ERR_INPUT_CONFIG whose `details.complaints` names every bad value; ERR_INPUT_DEPLOYMENT
 */
export function readServiceConfig(env: Env = process.env): ServiceConfig {
  const complaints: string[] = [];
  const text = (name: string): string | undefined => env[name]?.trim() || undefined;
  const needed = (name: string): string => {
    if (text(name) === undefined) complaints.push(`${name} is not set`);
    return text(name) ?? "";
  };
  const url = (name: string, value = text(name)): string | undefined => {
    if (value !== undefined && !/^https?:\/\/\S+$/.test(value)) complaints.push(`${name} holds no http(s) URL`);
    return value?.replace(/\/+$/, "");
  };
  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = text(name) ?? String(fallback);
    if (/^\d+$/.test(value) && Number(value) >= min && Number(value) <= max) return Number(value);
    complaints.push(`${name} must be a whole number from ${min} to ${max}, not "${value}"`);
    return fallback;
  };
  const read = (name: string, path: string): string => {
    try {
      return path === "" ? "" : readFileSync(path, "utf8");
    } catch {
      complaints.push(`${name} names a file that cannot be read: ${path}`);
      return "";
    }
  };
  const flag = (name: string): boolean => {
    const value = text(name) ?? "0";
    if (value !== "0" && value !== "1") complaints.push(`${name} must be 0 or 1, not "${value}"`);
    return value === "1";
  };
  const names = (text("AFFIANT_ALLOWED_HOSTS") ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (!names.every((name) => /^[a-z0-9.-]+$/i.test(name))) {
    complaints.push("AFFIANT_ALLOWED_HOSTS holds something that is no host name");
  }
  const passphraseFile = text("AFFIANT_PASSPHRASE_FILE");
  const deploymentText = read("AFFIANT_DEPLOYMENT", needed("AFFIANT_DEPLOYMENT"));
  const logLevel = text("AFFIANT_LOG_LEVEL") ?? "info";
  if (!logLevels.includes(logLevel)) complaints.push(`AFFIANT_LOG_LEVEL must be one of ${logLevels.join(", ")}`);
  const config = {
    // The relayer takes several endpoints; one is enough here.
    rpcUrl: url("AFFIANT_RPC_URL", needed("AFFIANT_RPC_URL").split(",")[0]?.trim()) ?? "",
    dataDir: text("AFFIANT_DATA_DIR") ?? join("data", "attestation"),
    passphrase: passphraseFile
      ? read("AFFIANT_PASSPHRASE_FILE", passphraseFile).replace(/\r?\n$/, "")
      : text("AFFIANT_PASSPHRASE"),
    relayerUrl: url("AFFIANT_RELAYER_URL"),
    host: text("AFFIANT_HOST") ?? "127.0.0.1",
    port: whole("AFFIANT_PORT", 8789, 0, 65_535),
    publicUrl: url("AFFIANT_ATTESTATION_PUBLIC_URL"),
    roundBlocks: whole("AFFIANT_ATTESTATION_ROUND_BLOCKS", 300, 0, 1_000_000),
    heldRounds: flag("AFFIANT_ATTESTATION_HELD_ROUNDS"),
    pollIntervalMs: whole("AFFIANT_POLL_INTERVAL_MS", 1_000, 20, 60_000),
    graceBlocks: whole("AFFIANT_ATTESTATION_GRACE_BLOCKS", 10, 0, 100_000),
    stuckAfterMs: whole("AFFIANT_ATTESTATION_STUCK_AFTER_MS", 180_000, 1_000, 86_400_000),
    verifyTimeoutMs: whole("AFFIANT_ATTESTATION_VERIFY_TIMEOUT_MS", 45_000, 100, 600_000),
    allowPrivate: flag("AFFIANT_ALLOW_PRIVATE"),
    names,
    logLevel,
  };
  if (complaints.length > 0) {
    throw new AffiantError("ERR_INPUT_CONFIG", complaints.join("; "), {
      details: { complaints },
      hint: "attestation/README.md lists every setting",
    });
  }
  return { ...config, deployment: parseDeployment(deploymentText) };
}
