import { readFileSync } from "node:fs";
import { join } from "node:path";

import { AffiantError } from "../protocol/errors/affiantError.ts";

/** Everything an operator can set. Times in milliseconds, sizes in bytes unless the name says otherwise. */
export interface RelayerConfig {
  readonly rpcUrls: readonly string[];
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly deploymentFile: string;
  readonly logOrigin: string;
  readonly senderKeyFile: string;
  readonly noteKeyFile: string;
  readonly anchorIntervalMs: number;
  readonly anchorMaxEntries: number;
  /** Blocks on top of (and with) a transaction's block until it counts as final. */
  readonly confirmations: number;
  /** How many blocks the not-before block of an entry may lie behind the head. */
  readonly maxBlockAge: number;
  readonly pollIntervalMs: number;
  readonly queueLimit: number;
  readonly commitMaxEntries: number;
  readonly commitWaitMs: number;
  readonly verifyThreads: number;
  /** Threads that check zero-knowledge proofs; started when the first one comes. */
  readonly proofThreads: number;
  /** Proofs being checked or waiting for it, at most. */
  readonly proofLimit: number;
  /** Folder of the circuits' keys: the export of a ceremony, or the development keys of this checkout. */
  readonly circuitKeysDir: string | undefined;
  readonly bodyLimitBytes: number;
  /** Requests of one address a minute; 0 = no limit. */
  readonly rateLimitPerMinute: number;
  /** Sponsored transactions of one agent a day; 0 = no limit. */
  readonly requestQuotaPerDay: number;
  /** Gas that one agent may spend a day through sponsored requests; 0 = no limit. */
  readonly requestGasPerDay: number;
  readonly maxFeeGwei: number;
  readonly maxPriorityFeeGwei: number;
  readonly gasLimitPerCall: number;
  /** Blocks that a transaction may wait before its fee is raised. */
  readonly bumpAfterBlocks: number;
  readonly logLevel: LogLevel;
}

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

type Env = Readonly<Record<string, string | undefined>>;

/** Reads one environment; remembers every complaint so that an operator sees all of them at once. */
class EnvReader {
  readonly complaints: string[] = [];
  readonly #env: Env;

  constructor(env: Env) {
    this.#env = env;
  }

  text(name: string, fallback?: string): string {
    const value = this.#env[name]?.trim();
    if (value) return value;
    if (fallback === undefined) this.complaints.push(`${name} is not set`);
    return fallback ?? "";
  }

  whole(name: string, fallback: number, min: number, max: number): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      this.complaints.push(`${name} must be a whole number from ${min} to ${max}, not "${text}"`);
      return fallback;
    }
    return value;
  }

  decimal(name: string, fallback: number, max: number): number {
    const text = this.text(name, String(fallback));
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value <= 0 || value > max) {
      this.complaints.push(`${name} must be a number above 0 and up to ${max}, not "${text}"`);
      return fallback;
    }
    return value;
  }

  choice<T extends string>(name: string, fallback: T, choices: readonly T[]): T {
    const text = this.text(name, fallback);
    const value = choices.find((choice) => choice === text);
    if (value === undefined) this.complaints.push(`${name} must be one of ${choices.join(", ")}, not "${text}"`);
    return value ?? fallback;
  }

  urls(name: string): readonly string[] {
    const urls = this.text(name)
      .split(",")
      .map((url) => url.trim())
      .filter((url) => url !== "");
    for (const url of urls) {
      const scheme = URL.canParse(url) ? new URL(url).protocol : "";
      // The address may carry an access token: the complaint must not repeat it.
      if (scheme !== "http:" && scheme !== "https:")
        this.complaints.push(`${name} holds something that is no http(s) URL`);
    }
    return urls;
  }

  origin(name: string, fallback: string): string {
    const origin = this.text(name, fallback);
    if (!/^[!-*,-~]{1,128}$/.test(origin) || origin.includes("://")) {
      this.complaints.push(`${name} must be a schema-less URL such as log.example/agents, without blanks or "+"`);
    }
    return origin;
  }
}

/**
 * The one place of the relayer that looks at the environment (docs/relayer.md has the table).
 * @throws AffiantError ERR_INPUT_CONFIG whose `details.complaints` names every bad value
 */
export function readRelayerConfig(env: Env = process.env): RelayerConfig {
  const reader = new EnvReader(env);
  const dataDir = reader.text("AFFIANT_DATA_DIR", "data/relayer");
  const config: RelayerConfig = {
    rpcUrls: reader.urls("AFFIANT_RPC_URL"),
    dataDir,
    host: reader.text("AFFIANT_HOST", "127.0.0.1"),
    port: reader.whole("AFFIANT_PORT", 8787, 0, 65_535),
    deploymentFile: reader.text("AFFIANT_DEPLOYMENT"),
    logOrigin: reader.origin("AFFIANT_LOG_ORIGIN", "localhost/affiant"),
    senderKeyFile: reader.text("AFFIANT_SENDER_KEY_FILE", join(dataDir, "sender.key")),
    noteKeyFile: reader.text("AFFIANT_NOTE_KEY_FILE", join(dataDir, "note.key")),
    anchorIntervalMs: reader.whole("AFFIANT_ANCHOR_INTERVAL_MS", 60_000, 100, 86_400_000),
    anchorMaxEntries: reader.whole("AFFIANT_ANCHOR_MAX_ENTRIES", 10_000, 1, 100_000_000),
    confirmations: reader.whole("AFFIANT_CONFIRMATIONS", 12, 1, 10_000),
    maxBlockAge: reader.whole("AFFIANT_MAX_BLOCK_AGE", 50_400, 1, 1_000_000),
    pollIntervalMs: reader.whole("AFFIANT_POLL_INTERVAL_MS", 1_000, 20, 60_000),
    queueLimit: reader.whole("AFFIANT_QUEUE_LIMIT", 8_192, 1, 1_000_000),
    commitMaxEntries: reader.whole("AFFIANT_COMMIT_MAX_ENTRIES", 256, 1, 4_096),
    commitWaitMs: reader.whole("AFFIANT_COMMIT_WAIT_MS", 5, 0, 1_000),
    verifyThreads: reader.whole("AFFIANT_VERIFY_THREADS", 2, 1, 64),
    proofThreads: reader.whole("AFFIANT_PROOF_THREADS", 2, 1, 64),
    proofLimit: reader.whole("AFFIANT_PROOF_LIMIT", 256, 1, 100_000),
    circuitKeysDir: reader.text("AFFIANT_CIRCUIT_KEYS_DIR", "") || undefined,
    bodyLimitBytes: reader.whole("AFFIANT_BODY_LIMIT_BYTES", 20_000_000, 1_000, 1_000_000_000),
    rateLimitPerMinute: reader.whole("AFFIANT_RATE_LIMIT_PER_MINUTE", 0, 0, 100_000_000),
    requestQuotaPerDay: reader.whole("AFFIANT_REQUEST_QUOTA_PER_DAY", 1_000, 0, 100_000_000),
    requestGasPerDay: reader.whole("AFFIANT_REQUEST_GAS_PER_DAY", 300_000_000, 0, 1e15),
    maxFeeGwei: reader.decimal("AFFIANT_MAX_FEE_GWEI", 200, 1e6),
    maxPriorityFeeGwei: reader.decimal("AFFIANT_MAX_PRIORITY_FEE_GWEI", 5, 1e6),
    gasLimitPerCall: reader.whole("AFFIANT_GAS_LIMIT_PER_CALL", 3_000_000, 21_000, 1_000_000_000),
    bumpAfterBlocks: reader.whole("AFFIANT_BUMP_AFTER_BLOCKS", 3, 1, 10_000),
    logLevel: reader.choice("AFFIANT_LOG_LEVEL", "info", logLevels),
  };
  checkReadable(config.deploymentFile, reader.complaints);
  if (reader.complaints.length > 0) {
    throw new AffiantError("ERR_INPUT_CONFIG", reader.complaints.join("; "), {
      details: { complaints: reader.complaints },
      hint: "docs/relayer.md lists every setting",
    });
  }
  return config;
}

function checkReadable(file: string, complaints: string[]): void {
  if (file === "") return;
  try {
    readFileSync(file);
  } catch {
    complaints.push(`AFFIANT_DEPLOYMENT names a file that cannot be read: ${file}`);
  }
}
