import { availableParallelism, loadavg } from "node:os";

import type { Progress } from "./progress.ts";

const firstWordMs = 30_000;

export interface PatienceOptions {
  /** Where more is to be read, for people. */
  readonly hint: string;
  readonly nowMs?: () => number;
  /** Of the machine: programs that want to run, and cores. */
  readonly busy?: () => { readonly load: number; readonly cores: number };
  /** Calls back again and again until it is told not to. */
  readonly every?: (work: () => void, ms: number) => () => void;
}

/**
 * Progress that does not stand still without a word: of a stage that takes long it says what is waited for, for how long, what
 * may be the reason, and what can be done. Nothing is given up for being slow.
 */
export function patient(progress: Progress, options: PatienceOptions): Progress {
  const { hint, nowMs = () => performance.now(), busy = machine, every = repeat } = options;
  let stop: (() => void) | undefined;
  let [stage, news, beganAtMs] = ["", "", 0];
  const speak = (): void => {
    const seconds = Math.round((nowMs() - beganAtMs) / 1_000);
    const { load, cores } = busy();
    const reason = load > 1.5 * cores ? `; this machine is busy (load ${load.toFixed(0)} on ${cores} cores)` : "";
    progress.note(`${stage}: waiting for ${seconds} s${news === "" ? "" : ` (${news})`}${reason}. ${hint}`);
  };
  return {
    begin(what) {
      stop?.();
      [stage, news, beganAtMs] = [what, "", nowMs()];
      stop = every(speak, firstWordMs);
      progress.begin(what);
    },
    update(text) {
      news = text;
      progress.update(text);
    },
    done(outcome) {
      stop?.();
      stop = undefined;
      progress.done(outcome);
    },
    note: (text) => progress.note(text),
    end() {
      stop?.();
      stop = undefined;
      progress.end?.();
    },
  };
}

function machine(): { load: number; cores: number } {
  return { load: loadavg()[0] ?? 0, cores: availableParallelism() };
}

function repeat(work: () => void, ms: number): () => void {
  const timer = setInterval(work, ms);
  timer.unref();
  return () => clearInterval(timer);
}
