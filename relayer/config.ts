import { readFileSync } from "node:fs";
import { join } from "node:path";

import { AffiantError } from "../protocol/errors/affiantError.ts";
import { type AdmissionMode, admissionModes } from "./admission/admission.ts";
import { type Env, EnvReader, type Setting } from "./envReader.ts";

/** Everything an operator can set. Times in milliseconds, sizes in bytes unless the name says otherwise. */
export interface RelayerConfig {
  readonly rpcUrls: readonly string[];
  readonly dataDir: string;
  readonly host: string;
  readonly port: number;
  readonly deploymentFile: string;
  readonly logOrigin: string;
  /** Key of the log's operator, which anchors; the first lane of sponsored requests. */
  readonly senderKeyFile: string;
  /** Keys of further lanes, which carry sponsored requests beside the first. */
  readonly laneKeyFiles: readonly string[];
  /** Transactions of one lane that may wait to be mined at once. */
  readonly laneInFlight: number;
  /** JSON-RPC calls that travel in one HTTP request, at most; 1 = no batches. */
  readonly rpcBatchLimit: number;
  readonly noteKeyFile: string;
  /** The secret that the rows of the database are digested under. */
  readonly journalKeyFile: string;
  readonly anchorIntervalMs: number;
  readonly anchorMaxEntries: number;
  /** Every how manieth anchor becomes a record of the contract; the others only move its latest root. */
  readonly anchorRecordEvery: number;
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
  /** How long a request may take to arrive. */
  readonly requestTimeoutSec: number;
  /** Requests of one address a minute, over all processes that share a Redis; 0 = no limit. */
  readonly rateLimitPerMinute: number;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Names by which a proxy on this machine passes requests on; a relayer on loopback serves no other `Host`. */
  readonly allowedHosts: readonly string[];
  /** New entries of one agent a minute; 0 = no limit. */
  readonly agentRateLimitPerMinute: number;
  /** Sponsored transactions of one agent a day; 0 = no limit. */
  readonly requestQuotaPerDay: number;
  /** Gas that one agent may spend a day through sponsored requests; 0 = no limit. */
  readonly requestGasPerDay: number;
  /** Sponsored transactions of all agents a day; 0 = no limit. */
  readonly budgetRequestsPerDay: number;
  /** Gas that all agents together may spend a day; 0 = no limit. */
  readonly budgetGasPerDay: number;
  /** What a newcomer needs. */
  readonly admission: AdmissionMode;
  /** Addresses that are admitted, one a line; undefined: none are listed. */
  readonly admissionFile: string | undefined;
  /** Bearer token of the operator; made if absent. */
  readonly operatorTokenFile: string;
  readonly maxFeeGwei: number;
  readonly maxPriorityFeeGwei: number;
  readonly gasLimitPerCall: number;
  /** Blocks that a transaction may wait before its fee is raised. */
  readonly bumpAfterBlocks: number;
  readonly logLevel: LogLevel;
  /** `relayer` writes the log, one a data folder; a `worker` beside it takes requests and drives lanes. */
  readonly role: Role;
  /** Wakes across processes; undefined: this process is alone on its folder. May hold a password. */
  readonly redisUrl: string | undefined;
  /** Start with a Redis that forgets. */
  readonly redisAllowUnsafe: boolean;
  /** How long a process that is silent keeps the lanes it leads. */
  readonly leaseMs: number;
  /** How long requests under way may take when the relayer ends. */
  readonly shutdownMs: number;
  /** Where traces go (OTLP over HTTP); undefined: none are made. */
  readonly traces: TraceSettings | undefined;
}

export interface TraceSettings {
  /** Full address, with `/v1/traces`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** Share of the requests that came without a sampled trace of their own, 0 to 1. */
  readonly ratio: number;
}

/** `npm run gas` measures what anchoring costs with it. */
export const defaultRecordEvery = 16;

export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export const roles = ["relayer", "worker"] as const;
export type Role = (typeof roles)[number];

/**
 * The one place of the relayer that looks at the environment (docs/relayer.md has the table).
 * @throws AffiantError ERR_INPUT_CONFIG whose `details.complaints` names every bad value
 */
export function readRelayerConfig(env: Env = process.env): RelayerConfig {
  const reader = new EnvReader(env);
  const config = readAll(reader);
  checkReadable(config.deploymentFile, reader.complaints);
  if (reader.complaints.length > 0) {
    throw new AffiantError("ERR_INPUT_CONFIG", reader.complaints.join("; "), {
      details: { complaints: reader.complaints },
      hint: "docs/relayer.md lists every setting",
    });
  }
  return config;
}

/** Every setting there is, in the order of the guide. */
export function relayerSettings(): readonly Setting[] {
  const reader = new EnvReader({});
  readAll(reader);
  return reader.settings;
}

function readAll(reader: EnvReader): RelayerConfig {
  const dataDir = reader.text("AFFIANT_DATA_DIR", "data/relayer");
  return {
    ...readQueue(reader),
    rpcUrls: reader.urls("AFFIANT_RPC_URL"),
    dataDir,
    host: reader.text("AFFIANT_HOST", "127.0.0.1"),
    port: reader.whole("AFFIANT_PORT", 8787, 0, 65_535),
    deploymentFile: reader.text("AFFIANT_DEPLOYMENT"),
    logOrigin: reader.origin("AFFIANT_LOG_ORIGIN", "localhost/affiant"),
    senderKeyFile: reader.text("AFFIANT_SENDER_KEY_FILE", join(dataDir, "sender.key")),
    laneKeyFiles: reader.list("AFFIANT_LANE_KEY_FILES"),
    laneInFlight: reader.whole("AFFIANT_LANE_IN_FLIGHT", 64, 1, 10_000),
    rpcBatchLimit: reader.whole("AFFIANT_RPC_BATCH_LIMIT", 50, 1, 1_000),
    noteKeyFile: reader.text("AFFIANT_NOTE_KEY_FILE", join(dataDir, "note.key")),
    journalKeyFile: reader.text("AFFIANT_JOURNAL_KEY_FILE", join(dataDir, "journal.key")),
    anchorIntervalMs: reader.whole("AFFIANT_ANCHOR_INTERVAL_MS", 60_000, 100, 86_400_000),
    anchorMaxEntries: reader.whole("AFFIANT_ANCHOR_MAX_ENTRIES", 10_000, 1, 100_000_000),
    anchorRecordEvery: reader.whole("AFFIANT_ANCHOR_RECORD_EVERY", defaultRecordEvery, 1, 1_000_000),
    confirmations: reader.whole("AFFIANT_CONFIRMATIONS", 12, 1, 10_000),
    maxBlockAge: reader.whole("AFFIANT_MAX_BLOCK_AGE", 50_400, 1, 1_000_000),
    pollIntervalMs: reader.whole("AFFIANT_POLL_INTERVAL_MS", 1_000, 20, 60_000),
    queueLimit: reader.whole("AFFIANT_QUEUE_LIMIT", 8_192, 1, 1_000_000),
    commitMaxEntries: reader.whole("AFFIANT_COMMIT_MAX_ENTRIES", 256, 1, 4_096),
    commitWaitMs: reader.whole("AFFIANT_COMMIT_WAIT_MS", 2, 0, 1_000),
    verifyThreads: reader.whole("AFFIANT_VERIFY_THREADS", 2, 1, 64),
    proofThreads: reader.whole("AFFIANT_PROOF_THREADS", 2, 1, 64),
    proofLimit: reader.whole("AFFIANT_PROOF_LIMIT", 256, 1, 100_000),
    circuitKeysDir: reader.text("AFFIANT_CIRCUIT_KEYS_DIR", "") || undefined,
    bodyLimitBytes: reader.whole("AFFIANT_BODY_LIMIT_BYTES", 1_048_576, 1_000, 1_000_000_000),
    requestTimeoutSec: reader.whole("AFFIANT_REQUEST_TIMEOUT_SEC", 30, 5, 3_600),
    rateLimitPerMinute: reader.whole("AFFIANT_RATE_LIMIT_PER_MINUTE", 6_000, 0, 100_000_000),
    trustedProxies: reader.networks("AFFIANT_TRUSTED_PROXIES"),
    allowedHosts: reader.hostNames("AFFIANT_ALLOWED_HOSTS"),
    agentRateLimitPerMinute: reader.whole("AFFIANT_AGENT_RATE_LIMIT_PER_MINUTE", 6_000, 0, 100_000_000),
    requestQuotaPerDay: reader.whole("AFFIANT_REQUEST_QUOTA_PER_DAY", 1_000, 0, 100_000_000),
    requestGasPerDay: reader.whole("AFFIANT_REQUEST_GAS_PER_DAY", 300_000_000, 0, 1e15),
    budgetRequestsPerDay: reader.whole("AFFIANT_BUDGET_REQUESTS_PER_DAY", 10_000, 0, 1e9),
    budgetGasPerDay: reader.whole("AFFIANT_BUDGET_GAS_PER_DAY", 3_000_000_000, 0, 1e15),
    ...readAdmission(reader),
    operatorTokenFile: reader.text("AFFIANT_OPERATOR_TOKEN_FILE", join(dataDir, "operator.token")),
    maxFeeGwei: reader.decimal("AFFIANT_MAX_FEE_GWEI", 200, 1e6),
    maxPriorityFeeGwei: reader.decimal("AFFIANT_MAX_PRIORITY_FEE_GWEI", 5, 1e6),
    gasLimitPerCall: reader.whole("AFFIANT_GAS_LIMIT_PER_CALL", 3_000_000, 21_000, 1_000_000_000),
    bumpAfterBlocks: reader.whole("AFFIANT_BUMP_AFTER_BLOCKS", 3, 1, 10_000),
    logLevel: reader.choice("AFFIANT_LOG_LEVEL", "info", logLevels),
    shutdownMs: reader.whole("AFFIANT_SHUTDOWN_MS", 10_000, 0, 600_000),
    traces: readTraces(reader),
  };
}

function readAdmission(reader: EnvReader): Pick<RelayerConfig, "admission" | "admissionFile"> {
  const admission = reader.choice("AFFIANT_ADMISSION", "open", admissionModes);
  const admissionFile = reader.text("AFFIANT_ADMISSION_FILE", "") || undefined;
  if (admission === "allow-list" && admissionFile === undefined) {
    reader.complaints.push("AFFIANT_ADMISSION=allow-list needs AFFIANT_ADMISSION_FILE");
  }
  if (admissionFile !== undefined) checkAddresses(admissionFile, reader.complaints);
  return { admission, admissionFile };
}

function checkAddresses(file: string, complaints: string[]): void {
  let lines: readonly string[];
  try {
    lines = readFileSync(file, "utf8")
      .split("\n")
      .map((line) => (line.split("#")[0] ?? "").trim());
  } catch {
    complaints.push(`AFFIANT_ADMISSION_FILE names a file that cannot be read: ${file}`);
    return;
  }
  const wrong = lines.findIndex((line) => line !== "" && !/^0x[0-9a-fA-F]{40}$/.test(line));
  if (wrong >= 0) complaints.push(`AFFIANT_ADMISSION_FILE holds no address in line ${wrong + 1}`);
}

function readQueue(reader: EnvReader): Pick<RelayerConfig, "role" | "redisUrl" | "redisAllowUnsafe" | "leaseMs"> {
  const role = reader.choice("AFFIANT_ROLE", "relayer", roles);
  const redisUrl = reader.url("REDIS_URL", ["redis:", "rediss:"]);
  if (role === "worker" && redisUrl === undefined) {
    reader.complaints.push("AFFIANT_ROLE=worker needs REDIS_URL: a process without it must be alone on its folder");
  }
  return {
    role,
    redisUrl,
    redisAllowUnsafe: reader.choice("AFFIANT_REDIS_ALLOW_UNSAFE", "0", ["0", "1"]) === "1",
    leaseMs: reader.whole("AFFIANT_LEASE_MS", 10_000, 300, 600_000),
  };
}

/** The names are OpenTelemetry's own, so that what is set for a whole machine holds here too. */
function readTraces(reader: EnvReader): TraceSettings | undefined {
  const schemes = ["http:", "https:"];
  const base = reader.url("OTEL_EXPORTER_OTLP_ENDPOINT", schemes);
  const exact = reader.url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", schemes);
  const headers = reader.pairs("OTEL_EXPORTER_OTLP_HEADERS");
  const serviceName = reader.text("OTEL_SERVICE_NAME", "affiant-relayer");
  const ratio = reader.decimal("OTEL_TRACES_SAMPLER_ARG", 1, 1);
  const url = exact ?? (base === undefined ? undefined : `${base.replace(/\/+$/, "")}/v1/traces`);
  return url === undefined ? undefined : { url, headers, serviceName, ratio };
}

function checkReadable(file: string, complaints: string[]): void {
  if (file === "") return;
  try {
    readFileSync(file);
  } catch {
    complaints.push(`AFFIANT_DEPLOYMENT names a file that cannot be read: ${file}`);
  }
}
