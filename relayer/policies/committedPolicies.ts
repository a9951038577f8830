import type { ContractReader } from "../chain/contracts.ts";
import type { HeadTracker } from "../chain/head.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** So many of an agent's versions are looked through, the newest first: an agent that goes back to an older one commits to it anew. */
const versionsBack = 8n;

/** What agents have committed to on chain: nothing else is kept here, so that what is kept was paid for. */
export class CommittedPolicies {
  readonly #policies: ContractReader;
  readonly #heads: Pick<HeadTracker, "poll">;

  constructor(policies: ContractReader, heads: Pick<HeadTracker, "poll">) {
    this.#policies = policies;
    this.#heads = heads;
  }

  /**
   * @param agent address; @param hash `0x…`, 32 bytes
   * @throws AffiantError ERR_CONFLICT_POLICY_UNCOMMITTED if it is none of the agent's last versions, ERR_UNAVAILABLE_CHAIN
   */
  async check(agent: string, hash: string): Promise<void> {
    await this.#heads.poll();
    const [count] = (await this.#policies.read("versionCount", [agent])) as [bigint];
    const oldest = count > versionsBack ? count - versionsBack + 1n : 1n;
    for (let version = count; version >= oldest; version--) {
      const [committed] = await this.#policies.read("versionAt", [agent, version]);
      if (committed === hash) return;
    }
    throw new AffiantError("ERR_CONFLICT_POLICY_UNCOMMITTED", "the agent has not committed to this policy", {
      hint: "Commit to it first, then leave the bundle.",
    });
  }
}
