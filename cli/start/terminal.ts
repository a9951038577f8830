import { isTerminal, type Output, paint, printLines, rewriteLine } from "../../host/terminal/print.ts";
import type { Progress } from "../../orchestrator/start/progress.ts";

/**
 * Progress for a person: one line a stage. On a terminal the line of the stage under way is rewritten in place; in a
 * file or a pipe each stage is written once, when it is done.
 */
export class TerminalProgress implements Progress {
  readonly #to: Output;
  readonly #inPlace: boolean;
  #stage = "";
  #news = "";
  #beganAtMs = 0;

  constructor(to: Output) {
    this.#to = to;
    this.#inPlace = isTerminal(to);
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
    this.#line(`${paint.good("✓")} ${outcome} ${paint.dim(`${seconds.toFixed(1)} s`)}`);
  }

  note(text: string): void {
    this.#line(`${paint.warn("!")} ${text}`);
    this.#redraw();
  }

  /** Takes the unfinished stage's line away, before something else is printed. */
  clear(): void {
    if (this.#inPlace) rewriteLine(this.#to, "");
    this.#stage = "";
  }

  #line(text: string): void {
    if (this.#inPlace) rewriteLine(this.#to, "");
    printLines(this.#to, [`  ${text}`]);
  }

  #redraw(): void {
    if (!this.#inPlace || this.#stage === "") return;
    const news = this.#news === "" ? "" : `: ${this.#news}`;
    rewriteLine(this.#to, `  ${paint.dim("▸")} ${this.#stage}${news}`);
  }
}

/** `[#####.....] 5 of 10` */
export function bar(done: number, total: number): string {
  const width = 24;
  const filled = total === 0 ? width : Math.floor((done / total) * width);
  return `[${"#".repeat(filled)}${".".repeat(width - filled)}] ${done} of ${total}`;
}
