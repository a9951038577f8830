import { join } from "node:path";

import type { Agent } from "../../agent/agent.ts";
import { createAgentKeys } from "../../agent/keys/keystore.ts";
import { openAgent, type OpenAgentOptions } from "../../agent/openAgent.ts";
import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { compilePolicy } from "../../protocol/policy/compile.ts";
import { evaluateAct } from "../../protocol/policy/evaluate.ts";
import type { CompiledPolicy } from "../../protocol/policy/compile.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { CommittedPolicy } from "../../agent/chain/registries.ts";
import type { StateFile } from "../state/stateFile.ts";

/** Name of the orchestrator's folder among those of the agents. */
export const orchestratorName = "orchestrator";

/** One of the orchestrator's own acts. */
export interface OrchestratorAct {
  readonly act: string;
  /** What it is about: one version of one identity, or the pipeline. Rules look at earlier acts of the same thread. */
  readonly thread: string;
  /** The same key is one act, however often it is asked for. */
  readonly key: string;
  readonly input: { readonly [key: string]: Json };
  readonly output?: Json;
}

/** An act in the orchestrator's memory: on disk before it is signed, so that the order of acts survives a crash. */
interface NotedAct extends OrchestratorAct {
  readonly order: number;
}

/**
 * The orchestrator as an agent: it has an identity, commits to a policy, asks it before it acts, and puts what it does
 * on record. Nobody else could say afterwards who was cut off by whom, and on what ground.
 */
export class OrchestratorAgent {
  readonly agent: Agent;
  readonly policy: CommittedPolicy & { readonly name: string };
  readonly #compiled: CompiledPolicy;
  readonly #state: StateFile;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(agent: Agent, policy: OrchestratorAgent["policy"], compiled: CompiledPolicy, state: StateFile) {
    this.agent = agent;
    this.policy = policy;
    this.#compiled = compiled;
    this.#state = state;
  }

  /** Makes or opens the identity, registers it, and commits to the policy; what was done before is found. */
  static async open(options: Omit<OpenAgentOptions, "name">, state: StateFile): Promise<OrchestratorAgent> {
    const bundle = await loadPolicyBundle(join(import.meta.dirname, "../policy"));
    const agent = await openOrCreate({ ...options, name: orchestratorName });
    await agent.register();
    const policy = { ...(await agent.commitPolicy(bundle)), name: bundle.name };
    return new OrchestratorAgent(agent, policy, compilePolicy(bundle), state);
  }

  /**
   * Puts an act on record, once for each key. @throws AffiantError ERR_AUTH_POLICY if the policy forbids it: then it must
   * not be done either, so this is asked before
   */
  record(act: OrchestratorAct): Promise<void> {
    const turn = this.#turn.then(() => this.#record(act));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.agent.close();
  }

  async #record({ act, thread, key, input: about, output = null }: OrchestratorAct): Promise<void> {
    // The policy names its threads by this field: what an entry claims beside its record decides nothing.
    const input = { ...about, subject: thread };
    const acts = this.#state.all<NotedAct>("act").map(([, noted]) => noted);
    const known = acts.find((noted) => noted.key === key);
    if (!known) {
      const before = acts.filter((noted) => noted.thread === thread).sort((a, b) => a.order - b.order);
      const judged = { act, seq: before.length, input, output, allDisclosed: true };
      const earlier = before.map((noted, seq) => ({
        act: noted.act,
        seq,
        input: noted.input,
        output: noted.output ?? null,
        allDisclosed: true,
      }));
      const { findings } = await evaluateAct(this.#compiled, this.agent.did, judged, earlier);
      const against = findings.find(({ outcome }) => outcome === "violated") ?? findings[0];
      if (against) {
        const verb = against.outcome === "violated" ? "forbids" : "cannot decide on";
        throw new AffiantError(
          "ERR_AUTH_POLICY",
          `the orchestrator's policy ${verb} ${act} of ${thread}: ${against.rule}`,
        );
      }
      this.#state.put("act", key, { act, thread, key, input, output, order: acts.length } satisfies NotedAct);
    }
    // What was noted first is what was done: asked again, it may look another way by now.
    const said = known ?? { input, output };
    await this.agent.record({ act, kind: "act", thread, input: said.input, output: said.output, idempotencyKey: key });
  }
}

async function openOrCreate(options: OpenAgentOptions): Promise<Agent> {
  const { dataDir, name, deployment, passphrase } = options;
  try {
    return await openAgent(options);
  } catch (error) {
    if (!isAffiantError(error, "ERR_NOT_FOUND_AGENT")) throw error;
    await createAgentKeys({ dataDir, name, chainId: deployment.chainId, passphrase });
    return openAgent(options);
  }
}
