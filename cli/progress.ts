import { Presets, SingleBar } from "cli-progress";

/** A progress bar on stderr, or nothing where stderr is no terminal. */
export interface Progress {
  to(done: number): void;
  stop(): void;
}

export function progress(label: string, total: number, json: boolean): Progress {
  if (json || !process.stderr.isTTY || total === 0) return { to: () => undefined, stop: () => undefined };
  const format = `${label} {bar} {percentage}% | {value}/{total} | {eta_formatted} left`;
  const bar = new SingleBar(
    { format, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_grey,
  );
  bar.start(total, 0);
  return { to: (done) => bar.update(done), stop: () => bar.stop() };
}
