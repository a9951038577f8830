/**
 * Wakes those who do work; it holds no work. What there is to do stands in the journal and in the log, so a wake that is lost
 * costs time and nothing else, and a wake too many finds nothing to do.
 */
export interface WorkQueue {
  /**
   * From now on this process does the tasks of a name: one at a time, and a wake that comes meanwhile is followed by
   * another. Work that throws is tried again, later each time.
   */
  serve(name: TaskName, work: Work): void;
  /** Ends `serve` once the task that runs has ended. */
  leave(name: TaskName): Promise<void>;
  /** Has a task done soon by whoever serves it, in whichever process; wakes that wait are one. */
  wake(name: TaskName, delayMs?: number): void;
  /** The same for this process alone, for what it learns by itself (a new block). */
  wakeHere(name: TaskName): void;
  /** Wakes a task again and again. Called by who serves it. */
  repeat(name: TaskName, everyMs: number): void;
  /** What must be woken after wakes were lost is for the journal to say. */
  onLost(rebuild: () => void): void;
  status(): QueueStatus;
  depth(): Promise<number | undefined>;
  close(): Promise<void>;
}

export type Work = () => Promise<void>;

/** `lane-0x…`: a pass of a lane. `anchor`: a round of anchoring. `sweep`: a look for jobs that nobody was woken for. */
export type TaskName = `lane-${string}` | "anchor" | "sweep";

export interface QueueStatus {
  readonly backend: "embedded" | "redis";
  /** False while Redis does not answer: this process goes on from the journal by itself. */
  readonly connected: boolean;
  /** What an operator should mend. */
  readonly troubles: readonly string[];
}

export function laneTask(address: string): TaskName {
  return `lane-${address.toLowerCase()}`;
}

/** Milliseconds before the n-th try again (n from 1). */
export function backOffMs(failures: number): number {
  return Math.min(30_000, 250 * 2 ** Math.min(failures - 1, 10));
}
