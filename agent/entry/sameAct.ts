import type { Act } from "./signEntry.ts";
import type { JournalEntry } from "../journal/journal.ts";
import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { toCanonicalJson } from "../../protocol/json/canonical.ts";
import { jsonOf } from "../../protocol/json/jsonOf.ts";

/**
 * Whether an act that comes under a known idempotency key is the one that was recorded under it. Payloads are compared
 * as far as the journal still has them. The same key for something else is a mistake that would lose an act in silence.
 * @throws AffiantError ERR_CONFLICT_IDEMPOTENCY_REUSED
 */
export function assertSameAct(act: Act, recorded: JournalEntry): void {
  const { claims } = decodeLeaf(recorded.leaf);
  const differs = [
    claims.act === act.act ? [] : ["act"],
    claims.kind === (act.kind ?? "act") ? [] : ["kind"],
    claims.thread === act.thread ? [] : ["thread"],
    claims.ctr === act.ctr ? [] : ["ctr"],
    claims.everyBlocks === act.everyBlocks ? [] : ["everyBlocks"],
    recorded.disclosures.map(decodeDisclosure).flatMap(({ name, value }) => {
      const given = act[name];
      return given !== undefined && toCanonicalJson(jsonOf(given)) === toCanonicalJson(value) ? [] : [name];
    }),
  ].flat();
  if (differs.length === 0) return;
  throw new AffiantError(
    "ERR_CONFLICT_IDEMPOTENCY_REUSED",
    `entry ${recorded.seq} was recorded under the same idempotency key with another ${differs.join(", ")}`,
    { hint: "Give each act a key of its own.", details: { seq: recorded.seq, differs } },
  );
}
