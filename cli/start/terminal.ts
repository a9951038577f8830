import type { Writable } from "node:stream";

import type { Paint } from "../../auditor/report/paint.ts";
import type { Progress } from "../../orchestrator/start/progress.ts";

/**
 * Progress for a person: one line a stage. On a terminal the line of the stage under way is rewritten in place; in a
 * file or a pipe each stage is written once, when it is done.
 */
export class TerminalProgress implements Progress {
  readonly #out: Writable;
  readonly #paint: Paint;
  readonly #inPlace: boolean;
  #stage = "";
  #news = "";
  #beganAtMs = 0;

  constructor(out: Writable & { isTTY?: boolean }, paint: Paint) {
    this.#out = out;
    this.#paint = paint;
    this.#inPlace = out.isTTY === true;
  }

  begin(what: string): void {
    this.#stage = what;
    this.#news = "";
    this.#beganAtMs = performance.now();
    this.#redraw();
  }

  update(news: string): void {
    if (news === this.#news) return;
    this.#news = news;
    this.#redraw();
  }

  done(outcome: string): void {
    const seconds = (performance.now() - this.#beganAtMs) / 1_000;
    this.#stage = "";
    this.#line(`${this.#paint.good("✓")} ${outcome} ${this.#paint.dim(`${seconds.toFixed(1)} s`)}`);
  }

  note(text: string): void {
    this.#line(`${this.#paint.warn("!")} ${text}`);
    this.#redraw();
  }

  /** Takes the unfinished stage's line away, before something else is printed. */
  clear(): void {
    if (this.#inPlace) this.#out.write("\r\u001b[K");
    this.#stage = "";
  }

  #line(text: string): void {
    this.#out.write(`${this.#inPlace ? "\r\u001b[K" : ""}  ${text}\n`);
  }

  #redraw(): void {
    if (!this.#inPlace || this.#stage === "") return;
    const news = this.#news === "" ? "" : `: ${this.#news}`;
    this.#out.write(`\r\u001b[K  ${this.#paint.dim("▸")} ${this.#stage}${news}`);
  }
}

/** `[#####.....] 5 of 10` */
export function bar(done: number, total: number): string {
  const width = 24;
  const filled = total === 0 ? width : Math.floor((done / total) * width);
  return `[${"#".repeat(filled)}${".".repeat(width - filled)}] ${done} of ${total}`;
}
