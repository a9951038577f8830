import { attestationResults } from "../../protocol/attestation/types.ts";
import type { AttestationService, ServiceAlert } from "./attestationService.ts";
import type { RegistryReader } from "./registry.ts";
import type { SealedStore } from "./sealedStore.ts";

export interface IntroductionsOptions {
  readonly service: Pick<AttestationService, "introduce">;
  readonly registry: RegistryReader;
  readonly store: SealedStore;
  readonly onAlert: (alert: ServiceAlert) => void;
}

/** After so many time-outs an agent has to announce itself anew. */
const maxTries = 5;
const record = "introductions";

/**
 * The bootstrap chain of trust: agents that are enrolled, listen and wait to be verified for the first time, each by the
 * one before it. One after the other, in the order in which they came; the list outlives the process.
 */
export class Introductions {
  readonly #options: IntroductionsOptions;
  readonly #waiting: Map<string, number>;

  private constructor(options: IntroductionsOptions, waiting: readonly string[]) {
    this.#options = options;
    this.#waiting = new Map(waiting.map((agent) => [agent, 0]));
  }

  static async open(options: IntroductionsOptions): Promise<Introductions> {
    return new Introductions(options, (await options.store.get<string[]>(record)) ?? []);
  }

  get waiting(): readonly string[] {
    return [...this.#waiting.keys()];
  }

  async add(agent: string): Promise<void> {
    if (this.#waiting.has(agent)) return;
    this.#waiting.set(agent, 0);
    await this.#save();
  }

  /** Introduces who waits. @returns whether there was anybody */
  async step(): Promise<boolean> {
    const agents = this.waiting;
    for (const agent of agents) {
      if (await this.#introduce(agent)) await this.#remove(agent);
    }
    return agents.length > 0;
  }

  /** @returns whether it need not wait any longer, whatever came of it */
  async #introduce(agent: string): Promise<boolean> {
    const { service, registry, onAlert } = this.#options;
    if ((await registry.standing(agent)).status !== "enrolled") return true;
    const { result } = await service.introduce(agent);
    const said = attestationResults[result];
    if (said === "pass") return true;
    const tries = (this.#waiting.get(agent) ?? 0) + 1;
    this.#waiting.set(agent, tries);
    if (said === "timeout" && tries < maxTries) return false;
    onAlert({ kind: "not-introduced", round: 0, agent, detail: `the verifier of its introduction says ${said}` });
    return true;
  }

  #remove(agent: string): Promise<void> {
    this.#waiting.delete(agent);
    return this.#save();
  }

  #save(): Promise<void> {
    return this.#options.store.put(record, this.waiting);
  }
}
