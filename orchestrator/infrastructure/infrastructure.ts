import type { PipelineAgent } from "../descriptor/pipeline.ts";

/** A program as it stands on a site, ready to be run there. */
export interface Installation {
  /** Absolute path of the copy's root: what is measured is named relative to it. */
  readonly root: string;
  readonly program: string;
  readonly policy: string;
  readonly include: readonly string[];
}

export interface InstallRequest {
  readonly agent: PipelineAgent;
  /** Folder of the descriptor: what is copied. */
  readonly source: string;
  readonly include: readonly string[];
  readonly site: string;
  /** Names what its sources are (`releaseOf`). */
  readonly release: string;
  /** Unique for each version of each identity, e.g. `payment-2.v1`. */
  readonly name: string;
}

/**
 * Where agents run: the one place at which a cluster, a fleet of machines or a cloud is put in. All that the orchestrator
 * asks of it is here.
 */
export interface Infrastructure {
  /** Which limits of the descriptor are enforced, and how; and which are not. For people. */
  readonly enforcement: readonly string[];
  /** Puts a program on a site, afresh: whatever stood there under that name is gone. */
  install(request: InstallRequest): Promise<Installation>;
  /** What was installed under a name, if it is still there. */
  find(request: InstallRequest): Installation | undefined;
  /** The command line that runs an installed program under its agent's limits. */
  commandOf(installation: Installation, agent: PipelineAgent): readonly [string, ...string[]];
}
