import { readFile } from "node:fs/promises";
import { join } from "node:path";

import {
  type ArtifactResolver,
  deploy,
  type DeploymentParameters,
  type DeploymentResult,
  DeploymentResultType,
  trackTransaction,
  wipe,
} from "@nomicfoundation/ignition-core";

import Affiant from "../../ignition/modules/affiant.ts";
import type { DeployedLengths } from "../../protocol/attestation/schedule.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Artifact, artifactResolver } from "./artifacts.ts";
import type { DeployProvider } from "./deployProvider.ts";
import type { SentTransactions } from "./sentTransactions.ts";

/** Who gets a role in the deployment; the deployer where nobody is named. */
export interface RoleHolders {
  readonly attestationService?: string | undefined;
  readonly orchestrator?: string | undefined;
  readonly upgrader?: string | undefined;
  readonly guardian?: string | undefined;
  /** Seconds between the announcement of an upgrade and its earliest effect; 0 unless given. */
  readonly upgraderDelaySec?: number | undefined;
}

export interface ModuleRun {
  readonly provider: DeployProvider;
  readonly deployer: string;
  readonly sent: SentTransactions;
  readonly artifacts: ReadonlyMap<string, Artifact>;
  readonly artifactsDir?: string | undefined;
  readonly holders?: RoleHolders | undefined;
  /** Delays in blocks; those of a chain with a block every 12 seconds unless given. */
  readonly lengths?: DeployedLengths | undefined;
  /** Where Ignition keeps its journal; without it a crash begins anew. */
  readonly journalDir?: string | undefined;
  readonly pollMs: number;
  /** How long a transaction may wait before its fees are raised by a tenth. */
  readonly feeBumpAfterMs: number;
  /** Never pay more, wei a gas. */
  readonly maxFeePerGasLimit?: bigint | undefined;
}

/**
 * Runs the module, or what is left of it, to its end. One confirmation is enough here: the caller waits for more, and
 * `DeployProvider` puts back what a reorganisation takes.
 * @returns addresses by Ignition's ids of the contracts
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if the chain does not take a transaction; running again goes on from there.
 *   ERR_CONFLICT_CHAIN if the journal tells of another deployment than this one
 */
export async function runModule(run: ModuleRun): Promise<ReadonlyMap<string, string>> {
  const { journalDir, artifacts, artifactsDir, provider, deployer } = run;
  const resolver = artifactResolver(artifacts, artifactsDir);
  if (journalDir !== undefined) await enterUnrecorded(run, journalDir, resolver);
  const attempt = (): Promise<DeploymentResult> =>
    deploy({
      provider,
      artifactResolver: resolver,
      ignitionModule: Affiant,
      deploymentParameters: parametersOf({ ...run.holders, ...run.lengths }),
      accounts: [deployer],
      deploymentDir: journalDir,
      maxFeePerGasLimit: run.maxFeePerGasLimit,
      config: {
        requiredConfirmations: 1,
        blockPollingInterval: run.pollMs,
        retryInterval: run.pollMs,
        timeBeforeBumpingFees: run.feeBumpAfterMs,
        maxFeeBumps: 20,
      },
    });
  try {
    let result = await attempt();
    if (result.type === DeploymentResultType.PREVIOUS_RUN_ERROR && journalDir !== undefined) {
      // What failed then was refused in simulation, before anything was sent: it may be tried again.
      for (const id of Object.keys(result.errors)) await wipe(journalDir, resolver, id);
      result = await attempt();
    }
    if (result.type !== DeploymentResultType.SUCCESSFUL_DEPLOYMENT) throw failureOf(result);
    return new Map(Object.values(result.contracts).map(({ id, address }) => [id, address]));
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the deployment stopped: ${words}`, {
      cause,
      ...(journalDir === undefined ? {} : { hint: "The same command goes on from there" }),
    });
  }
}

function parametersOf(parameters: RoleHolders & Partial<DeployedLengths>): DeploymentParameters {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return { Affiant: Object.fromEntries(given) as Record<string, string | number> };
}

/**
 * What a crash left between Ignition's intention and its note of the transaction. If it was signed, it is shown to Ignition
 * and not made a second time; if not, it was never sent, since signed bytes are on disk before that, and it begins anew.
 */
async function enterUnrecorded(run: ModuleRun, journalDir: string, resolver: ArtifactResolver): Promise<void> {
  const { provider, sent } = run;
  if (sent.all.length > 0) await provider.heal();
  for (const [futureId, nonce] of await unrecordedIn(journalDir)) {
    const [first] = sent.withNonce(nonce);
    if (first) await trackTransaction(journalDir, first.hash, provider, 1);
    else await wipe(journalDir, resolver, futureId);
  }
}

/** The futures whose transaction was intended and not noted, with its nonce. */
async function unrecordedIn(journalDir: string): Promise<ReadonlyMap<string, number>> {
  const text = await readFile(join(journalDir, "journal.jsonl"), "utf8").catch(() => "");
  const open = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const { type, futureId = "", nonce } = JSON.parse(line) as { type: string; futureId?: string; nonce?: number };
    if (type === "TRANSACTION_PREPARE_SEND" && nonce !== undefined) open.set(futureId, nonce);
    if (type === "TRANSACTION_SEND" || type === "WIPE_APPLY") open.delete(futureId);
  }
  return open;
}

function failureOf(
  result: Exclude<DeploymentResult, { type: DeploymentResultType.SUCCESSFUL_DEPLOYMENT }>,
): AffiantError {
  if (result.type === DeploymentResultType.EXECUTION_ERROR) {
    const failed = result.failed.map(({ futureId, error }) => `${futureId}: ${error}`);
    const late = result.timedOut.map(({ futureId }) => `${futureId} was not mined in time`);
    return new AffiantError("ERR_UNAVAILABLE_CHAIN", `the deployment stopped: ${[...failed, ...late].join("; ")}`);
  }
  const errors = Object.entries(result.errors).map(([id, words]) => `${id}: ${words.join(", ")}`);
  return new AffiantError("ERR_CONFLICT_CHAIN", `the journal and this deployment do not agree: ${errors.join("; ")}`, {
    hint: "It was begun with other sources, roles or keys; finish it with those, or move its folder away",
  });
}
