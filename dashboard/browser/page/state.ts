import { computed, signal } from "@preact/signals";

import { type Filter, noFilter, testOf } from "../../model/query.ts";
import { nameOf } from "../../model/names.ts";
import type { ActDetail, Overview, Request, Response } from "../../model/messages.ts";
import type { Row } from "../../model/row.ts";
import { embeddedCedar, settings, startWorker } from "./embedded.ts";

export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

export interface LoadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly rpcUrl: string | null;
}

export type Phase = "empty" | "checking" | "done" | "failed";

/** All that the page knows. Opening a file empties it first: nothing of one file is ever shown beside another. */
export const phase = signal<Phase>("empty");
export const file = signal<LoadedFile | null>(null);
export const progress = signal<Progress | null>(null);
export const failure = signal<{ readonly code: string; readonly message: string } | null>(null);
/** Why the chain that was named was not heard. */
export const silence = signal<string | null>(null);
export const overview = signal<Overview | null>(null);
export const rows = signal<readonly Row[]>([]);
export const detail = signal<ActDetail | null>(null);

export const tabs = ["acts", "rules", "calls", "trust", "checks", "summary"] as const;
export type Tab = (typeof tabs)[number];
export const groupings = ["log", "agent", "thread"] as const;
export type Grouping = (typeof groupings)[number];

export const tab = signal<Tab>("acts");
export const filter = signal<Filter>(noFilter);
export const grouping = signal<Grouping>("log");
/** The entry that is looked at, by its id: what a link names. */
export const selected = signal<string | null>(null);

export const called = (did: string): string => nameOf(settings.names, did);

export const shown = computed<readonly Row[]>(() => {
  const test = testOf(filter.value, called);
  const fitting = isFiltered(filter.value) ? rows.value.filter(test) : rows.value;
  if (grouping.value === "log") return fitting;
  const key = grouping.value === "agent" ? (row: Row) => row.agent : (row: Row) => row.thread ?? "";
  return [...Map.groupBy(fitting, key).values()].flat();
});

export function isFiltered(value: Filter): boolean {
  return Object.values(value).some((part) => part !== undefined && part !== "");
}

let worker: Worker | undefined;
let generation = 0;

function clear(): void {
  worker?.terminate();
  worker = undefined;
  progress.value = null;
  failure.value = null;
  silence.value = null;
  overview.value = null;
  rows.value = [];
  detail.value = null;
  selected.value = null;
  filter.value = noFilter;
}

export function close(): void {
  generation++;
  clear();
  file.value = null;
  phase.value = "empty";
}

/** Checks a file in a worker of its own. A later file ends the check of an earlier one. */
export async function open(loaded: LoadedFile): Promise<void> {
  const mine = ++generation;
  const asked = { entry: selected.value, filter: filter.value };
  const hadFile = file.value !== null;
  clear();
  // A link says what is to be looked at before its file is read.
  if (!hadFile) {
    selected.value = asked.entry;
    filter.value = asked.filter;
  }
  file.value = loaded;
  phase.value = "checking";
  try {
    const started = await startWorker();
    if (mine !== generation) return started.terminate();
    worker = started;
    started.onmessage = ({ data }: MessageEvent<Response>) => {
      if (mine === generation) take(data);
    };
    started.onerror = (event) => {
      if (mine === generation) take({ type: "failed", code: "ERR_INTERNAL_PAGE", message: event.message });
    };
    const { contracts, keyEscrow, names } = settings;
    const { bytes, rpcUrl } = loaded;
    const request: Request = { type: "audit", bytes, cedar: embeddedCedar(), rpcUrl, contracts, keyEscrow, names };
    started.postMessage(request);
  } catch (error) {
    if (mine !== generation) return;
    take({
      type: "failed",
      code: "ERR_INTERNAL_PAGE",
      message: error instanceof Error ? error.message : String(error),
    });
  }
}

let arriving: Row[] = [];

function take(response: Response): void {
  switch (response.type) {
    case "preview":
      rows.value = response.rows;
      return;
    case "progress":
      progress.value = response;
      return;
    case "overview":
      arriving = [];
      overview.value = response.overview;
      return;
    case "rows":
      for (const row of response.rows) arriving.push(row);
      return;
    case "done":
      rows.value = arriving;
      arriving = [];
      phase.value = "done";
      lookAt(selected.value);
      return;
    case "silent":
      silence.value = response.message;
      return;
    case "detail":
      if (response.detail.record.entryId === selected.value) detail.value = response.detail;
      return;
    case "failed":
      clear();
      failure.value = response;
      phase.value = "failed";
  }
}

/** Asks for what is behind an act. */
export function lookAt(entryId: string | null): void {
  selected.value = entryId;
  if (detail.value?.record.entryId !== entryId) detail.value = null;
  if (entryId === null || phase.value !== "done" || detail.value) return;
  const row = rows.value.find((one) => one.entryId === entryId);
  if (row) worker?.postMessage({ type: "detail", n: row.n } satisfies Request);
}
