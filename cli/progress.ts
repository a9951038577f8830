import { Presets, SingleBar } from "cli-progress";

import { isTerminal } from "../host/terminal/print.ts";
import { escapeControls } from "../protocol/text/escapeControls.ts";

/** A progress bar on stderr, or nothing where stderr is no terminal. */
export interface Progress {
  to(done: number): void;
  stop(): void;
}

export function progress(label: string, total: number, json: boolean): Progress {
  if (json || !isTerminal("stderr") || total === 0) return { to: () => undefined, stop: () => undefined };
  const bar = barOnTerminal(
    `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`,
    Presets.shades_grey,
  );
  bar.start(total, 0);
  return { to: (done) => bar.update(done), stop: () => bar.stop() };
}

/** A bar on stderr. @param format text of ours; what it names of others is escaped like all that is printed */
export function barOnTerminal(format: string, preset = Presets.rect): SingleBar {
  const options = { format: escapeControls(format), stream: process.stderr, hideCursor: true, clearOnComplete: true };
  return new SingleBar(options, preset);
}
