import type { ChainEvent, Value } from "../events/event.ts";

/** One row of projected state. */
export type Row = Readonly<Record<string, Value>>;

/** What an event makes of one row: (row, event) → row, without looking at anything else. `undefined`: there is none. */
export interface Change {
  /** Parts joined by `/`, each without one; numbers by {@link ordinal}, so that rows stand in their order. */
  readonly key: string;
  readonly to: (row: Row | undefined) => Row | undefined;
}

/**
 * A part of the state: a table whose rows come from events and from nothing else. Pure: no clock, no I/O, no state of its
 * own, so that the same events make the same rows wherever they are folded.
 */
export interface Projection {
  readonly name: string;
  /** Raised whenever the same events would make other rows: stored state of another version is folded anew. */
  readonly version: number;
  /** By `contract.Event`. */
  readonly on: Readonly<Record<string, (event: ChainEvent) => readonly Change[]>>;
}

/** A whole number as text that sorts as the number does. */
export function ordinal(value: Value | undefined): string {
  return textOf(value).padStart(16, "0");
}

/** Sets members of a row, and makes it where there is none. */
export function set(key: string, members: Row): Change {
  return { key, to: (row) => ({ ...row, ...members }) };
}

/** The same for a row that must be there: an event about something that never began leaves nothing behind. */
export function update(key: string, change: (row: Row) => Row): Change {
  return { key, to: (row) => (row === undefined ? undefined : change(row)) };
}

export function without(row: Row, ...names: readonly string[]): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}

export function textOf(value: Value | undefined): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw new RangeError("not a plain value of an event");
}

export function numberOf(value: Value | undefined): number {
  return typeof value === "number" ? value : Number(textOf(value));
}

export function listOf(value: Value | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

export const zeroAddress = `0x${"00".repeat(20)}`;
