import type { ChainEvent } from "../events/event.ts";
import type { Change, Projection, Row } from "../projections/projection.ts";
import { rowName, type RowRef, type RowVersion } from "../store/store.ts";
import { canonicalText } from "./canonicalText.ts";

/** The values of rows before the first of the events; see `DirectoryStore.rows`. */
export type LoadRows = (refs: readonly RowRef[]) => Promise<ReadonlyMap<string, string>>;

interface Held {
  readonly ref: RowRef;
  row: Row | undefined;
  text: string | null;
}

/**
 * Folds events into rows: what each row became, once a block in which it changed. All that is read is asked for at once.
 * @param events in chain order, after all that is in the rows already
 */
export async function fold(
  projections: readonly Projection[],
  events: readonly ChainEvent[],
  load: LoadRows,
): Promise<readonly RowVersion[]> {
  const planned = plan(projections, events);
  const held = new Map<string, Held>();
  for (const { name, ref } of planned) held.set(name, { ref, row: undefined, text: null });
  const before = await load(Array.from(held.values(), ({ ref }) => ref));
  for (const [name, text] of before) {
    const row = held.get(name);
    if (row) [row.row, row.text] = [JSON.parse(text) as Row, text];
  }
  const versions = new Map<string, RowVersion>();
  for (const { name, change, blockNumber } of planned) {
    const row = held.get(name) as Held;
    const next = change.to(row.row);
    if (next === row.row) continue;
    const text = next === undefined ? null : canonicalText(next);
    row.row = next;
    if (text === row.text) continue;
    row.text = text;
    versions.set(`${name}\n${blockNumber}`, { ...row.ref, blockNumber, value: text });
  }
  return [...versions.values()];
}

interface Planned {
  readonly name: string;
  readonly ref: RowRef;
  readonly change: Change;
  readonly blockNumber: number;
}

function plan(projections: readonly Projection[], events: readonly ChainEvent[]): readonly Planned[] {
  const planned: Planned[] = [];
  for (const event of events) {
    const { blockNumber } = event;
    const id = `${event.contract}.${event.name}`;
    for (const { name: projection, on } of projections) {
      for (const change of on[id]?.(event) ?? []) {
        const ref = { projection, key: change.key };
        planned.push({ name: rowName(ref), ref, change, blockNumber });
      }
    }
  }
  return planned;
}
