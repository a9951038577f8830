import { setTimeout as sleep } from "node:timers/promises";

import type { RegisterCall } from "../../../test/helpers/world/registerCall.ts";

/** An agent's client: it sends a call again, under its one key, until the relayer says that it has it. */
export class TortureClient {
  readonly call: RegisterCall;
  /** Every id that a 202 gave: one, if the relayer keeps its word. */
  readonly ids = new Set<string>();
  /** Answers that no relayer may give to this call. */
  readonly refusals: string[] = [];

  constructor(call: RegisterCall) {
    this.call = call;
  }

  /** @param url where the relayer is now; undefined while there is none */
  async submit(url: () => string | undefined, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const at = url();
      if (at !== undefined && (await this.submitOnce(at))) return;
      await sleep(30);
    }
  }

  /** @returns whether the relayer took it, or refused it for good */
  async submitOnce(url: string): Promise<boolean> {
    const { actor, target, data } = this.call;
    const headers = { "content-type": "application/json", "idempotency-key": actor.account.address };
    const body = JSON.stringify({ target, data });
    try {
      const response = await fetch(`${url}/v1/requests`, { method: "POST", headers, body });
      const text = await response.text();
      if (response.status === 202) this.ids.add((JSON.parse(text) as { id: string }).id);
      else if (response.status < 500 && response.status !== 429) this.refusals.push(`${response.status} ${text}`);
      else return false;
      return true;
    } catch {
      return false; // dead, or dying: the answer is unknown
    }
  }
}
