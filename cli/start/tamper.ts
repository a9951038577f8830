import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { ChainProvider } from "../../agent/chain/chainProvider.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { readEvidence } from "../../protocol/evidence/readEvidence.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { RunningSystem } from "../../orchestrator/start/system.ts";
import type { Incumbent } from "../../orchestrator/state/records.ts";

/** What became of an agent whose program was changed while it ran. Blocks of the local chain. */
export interface TamperStory {
  readonly agent: string;
  readonly did: string;
  readonly changedAtBlock: number;
  readonly quarantinedAtBlock: number;
  readonly convictedAtBlock: number;
  readonly replacedBy: { readonly folder: string; readonly did: string; readonly atBlock: number };
  /** From the change to the quarantine. */
  readonly caughtAfterMs: number;
}

/** The story, and what the evidence says of it. */
export interface TamperVerdict extends TamperStory {
  /** Acts of the changed program, by its own entries: after the change, and after it was caught. */
  readonly actsBeforeCaught: number;
  readonly actsAfterCaught: number;
}

const timeoutMs = 180_000;

/**
 * Does what an intruder would: changes a line of an agent's program where it is installed, and has the program started
 * anew. Then waits until the system has dealt with it.
 */
export async function tamper(
  system: RunningSystem,
  agent: string,
  stop: AbortSignal,
  onNews: (news: string) => void,
): Promise<TamperStory> {
  const victim = system.programOf(agent);
  const before = holderOf(system, agent);
  const provider = new ChainProvider({ url: system.endpoints.rpcUrl, chainId: system.deployment.chainId });
  try {
    const changedAtBlock = await provider.getBlockNumber();
    const beganAtMs = Date.now();
    appendFileSync(victim.path, "\n// A line that nobody enrolled.\n");
    process.kill(victim.pid, "SIGKILL");
    onNews(`${agent} was changed in block ${changedAtBlock}`);
    let caughtAfterMs: number | undefined;
    while (Date.now() < beganAtMs + timeoutMs) {
      stop.throwIfAborted();
      const past = system.history.find(({ folder }) => folder === before.folder);
      if (past?.quarantinedAtBlock !== undefined) caughtAfterMs ??= Date.now() - beganAtMs;
      const now = holderOf(system, agent);
      if (past?.state === "convicted" && now.state === "attested" && now.folder !== before.folder && system.quiet()) {
        return {
          agent,
          did: before.did ?? "",
          changedAtBlock,
          quarantinedAtBlock: past.quarantinedAtBlock ?? past.convictedAtBlock ?? 0,
          convictedAtBlock: past.convictedAtBlock ?? 0,
          replacedBy: { folder: now.folder, did: now.did ?? "", atBlock: await provider.getBlockNumber() },
          caughtAfterMs: caughtAfterMs ?? Date.now() - beganAtMs,
        };
      }
      await sleep(100, undefined, { signal: stop });
    }
  } finally {
    provider.destroy();
  }
  throw new AffiantError("ERR_UNAVAILABLE_PROCESS", `${agent} was changed, and was not replaced in time`);
}

/** What the evidence says: an entry that names a block was signed after it. */
export function judgeTamper(story: TamperStory, evidence: Uint8Array): TamperVerdict {
  const acts = readEvidence(evidence)
    .entries.map(({ leaf }) => decodeLeaf(leaf).claims)
    .filter(({ iss, kind }) => iss === story.did && kind === "act");
  const after = acts.filter(({ nb }) => nb.blockNumber > story.quarantinedAtBlock).length;
  const since = acts.filter(({ nb }) => nb.blockNumber >= story.changedAtBlock).length;
  return { ...story, actsBeforeCaught: since - after, actsAfterCaught: after };
}

function holderOf(system: RunningSystem, agent: string): Incumbent {
  const holder = system.history.findLast((one) => one.agent === agent);
  if (holder) return holder;
  throw new AffiantError("ERR_INPUT_CONFIG", `--tamper names no agent of the pipeline: ${agent}`);
}
