import type { RoundState } from "../../attestation/service/registry.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { EpochState } from "../conductor/conductor.ts";
import type { Pipeline } from "../descriptor/pipeline.ts";
import type { LaterServices } from "../later/doorbells.ts";
import type { Incumbent, Records } from "../state/records.ts";
import type { Endpoints } from "./endpoints.ts";
import type { Layout } from "./layout.ts";

export interface SystemOptions {
  readonly dataDir: string;
  readonly pipeline: Pipeline;
  /** Ports on the loopback interface; 0 = any free one. */
  readonly relayerPort: number;
  readonly rpcPort: number;
  /** What children may inherit a little of (PATH and the like). */
  readonly environment: NodeJS.ProcessEnv;
  /** Of the agents' keys, if they are to be encrypted. */
  readonly passphraseFile?: string;
  /** What is opened when it is first asked for. */
  readonly later?: LaterServices;
  /** For programs that never ask for their group's key, 0: nobody waits to hear that they have it. Default 60,000. */
  readonly acknowledgedWithinMs?: number;
  /** Ends an attempt that is under way; what was started by then is stopped again. */
  readonly stop: AbortSignal;
  /** Told when a process cannot be kept running. */
  readonly onBroken: (error: AffiantError) => void;
  /** Told when somebody asked for the end (`affiant down`). */
  readonly onDown?: () => void;
}

export interface RunningAgent {
  readonly name: string;
  readonly role: string;
  readonly did: string;
  readonly url: string;
  /** The policy that it says is in force. */
  readonly policy: {
    readonly name: string;
    readonly policyHash: string;
    readonly version: number;
    readonly sinceBlock: number;
  };
  readonly site: string;
  /** Counts the identities that held this place, from 1. */
  readonly generation: number;
}

export interface RunningSystem {
  readonly layout: Layout;
  readonly deployment: Deployment;
  readonly endpoints: Endpoints;
  readonly pipeline: Pipeline;
  /** Who holds the places of the pipeline now. */
  readonly agents: readonly RunningAgent[];
  /** Names of those who did not come up in this start. */
  readonly failed: readonly string[];
  /** Everyone who ever held one. */
  readonly history: readonly Incumbent[];
  readonly orchestrator: { readonly did: string; readonly policy: RunningAgent["policy"] };
  /** Where the services that come later are reached, by name. */
  readonly later: Readonly<Record<string, string>>;
  readonly records: Records;
  round(): Promise<RoundState | null>;
  epochs(): Promise<readonly EpochState[]>;
  /** Whether nothing is under way: nobody is being restarted, attested or replaced. */
  quiet(): boolean;
  /** Where the program of an agent is installed, and its process. @throws AffiantError ERR_INPUT_CONFIG for another name */
  programOf(agent: string): { readonly path: string; readonly pid: number };
  /** Process ids by name. */
  pids(): Readonly<Record<string, number>>;
  /** Ends every process, the last started first, and gives the data folder back. */
  stop(): Promise<void>;
}
