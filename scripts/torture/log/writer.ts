import { setTimeout as sleep } from "node:timers/promises";

import type { Receipt } from "../../../protocol/api/receipt.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import type { Actor } from "../../../test/helpers/world/actor.ts";
import type { Dice } from "../../../test/helpers/world/mutations.ts";
import { httpTo } from "../../../test/helpers/world/relayer.ts";

export interface Sent {
  readonly leaf: string;
  readonly entryId: Hex;
  /** Once it was acknowledged. */
  receipt?: Receipt;
}

/** Tries after which a relayer that is up should have taken an entry, whatever strikes it. */
const patience = 500;

type Answer = { readonly receipt: Receipt } | { readonly status: number; readonly code: string };

/** An agent as it should be: it sends its entries in order, the same bytes again until each is acknowledged. */
export class LogWriter {
  readonly actor: Actor;
  readonly sent: Sent[] = [];
  readonly violations: string[] = [];
  readonly #onAnswer: (isTaken: boolean) => void;

  constructor(actor: Actor, onAnswer: (isTaken: boolean) => void) {
    this.actor = actor;
    this.#onAnswer = onAnswer;
  }

  /** @param url of the relayer that is up; undefined while none is */
  async write(count: number, dice: Dice, url: () => string | undefined): Promise<void> {
    const nb = await this.actor.block();
    for (let left = count; left > 0;) {
      const size = Math.min(left, 1 + (dice.below(2) === 0 ? 0 : dice.below(20)));
      const some: Sent[] = Array.from({ length: size }, () => this.actor.signAt(nb, { thread: "t".repeat(60) }));
      this.sent.push(...some);
      for (let tries = 0; some.some(({ receipt }) => receipt === undefined);) {
        const to = url();
        if (to !== undefined && ++tries > patience) {
          this.violations.push(`entries were not taken in ${patience} tries`);
          return;
        }
        await this.#try(some, to);
      }
      left -= size;
    }
  }

  async #try(some: readonly Sent[], url: string | undefined): Promise<void> {
    let answers: readonly Answer[] | undefined;
    try {
      answers = url === undefined ? undefined : await send(url, some);
    } catch (error) {
      // The connection broke, perhaps in the middle of an answer; anything else is a broken promise of the API.
      if (!(error instanceof TypeError || error instanceof SyntaxError)) this.violations.push(String(error));
    }
    if (!answers) await sleep(20);
    answers?.forEach((answer, i) =>
      this.#hear(some[i] as Sent, answer, i === 0 || "receipt" in (answers[i - 1] ?? {})),
    );
  }

  /** @param isNext whether all before it was acknowledged: then there is no gap, and nobody else has its number */
  #hear(sent: Sent, answer: Answer, isNext: boolean): void {
    this.#onAnswer("receipt" in answer);
    if ("receipt" in answer) {
      const differs = sent.receipt && JSON.stringify(placeOf(sent.receipt)) !== JSON.stringify(placeOf(answer.receipt));
      if (differs) this.violations.push(`an entry of index ${sent.receipt?.index} got another receipt`);
      sent.receipt = answer.receipt;
    } else if (answer.status !== 503 && (isNext || sent.receipt)) {
      const which = sent.receipt ? "an acknowledged entry" : "the next entry of an agent";
      this.violations.push(`${which} was refused with ${answer.code}`);
    }
  }
}

/** What never changes of a receipt. */
export function placeOf({ index, size, checkpoint, proof }: Receipt): unknown[] {
  return [index, size, checkpoint, proof];
}

async function send(url: string, some: readonly Sent[]): Promise<Answer[]> {
  const http = httpTo(url);
  if (some.length === 1) {
    const { status, body } = await http.post("/v1/entries", { leaf: some[0]?.leaf });
    return [status < 300 ? { receipt: body as Receipt } : { status, code: (body as { code: string }).code }];
  }
  const { status, body } = await http.post("/v1/entries:batch", { entries: some.map(({ leaf }) => ({ leaf })) });
  if (status !== 200) return some.map(() => ({ status, code: (body as { code: string }).code }));
  const { results } = body as { results: { status: number; receipt?: Receipt; problem?: { code: string } }[] };
  return results.map((one) =>
    one.receipt ? { receipt: one.receipt } : { status: one.status, code: one.problem?.code ?? "nothing" },
  );
}
