/** Refusals that were not entered one by one. */
export interface CountedRefusals {
  readonly calls: number;
  /** Unix seconds: of the first and the last of them. */
  readonly fromSec: number;
  readonly toSec: number;
}

/** An hour's. */
export interface RefusalLimit {
  readonly entries: number;
  /** Of the calls that are entered. */
  readonly bytes: number;
}

export interface RefusalLimits {
  /** For all together who hold no contract of ours. Default 60 entries, 1 MiB. */
  readonly strangers?: RefusalLimit;
  /** For each to whom we issued one, and all whom they passed it on to. Default 240 entries, 4 MiB. */
  readonly holder?: RefusalLimit;
}

const windowSec = 3_600;

/**
 * How many refused calls are entered one by one. A refusal is an entry, on disk and for ever, and whoever has a key, or a copy of
 * a call that was made, can have as many refused as they like: beyond this they are counted, and the count is entered when the
 * hour is over. Who holds no contract of ours uses up nobody's share but other strangers'.
 */
export class RefusalBudget {
  readonly #nowSec: () => number;
  readonly #limits: Required<RefusalLimits>;
  readonly #entered = new Map<string, RefusalLimit>();
  #untilSec = 0;
  #counting: CountedRefusals | undefined;
  #due: CountedRefusals | undefined;

  constructor(nowSec: () => number, limits: RefusalLimits = {}) {
    this.#nowSec = nowSec;
    this.#limits = { strangers: { entries: 60, bytes: 1 << 20 }, holder: { entries: 240, bytes: 4 << 20 }, ...limits };
  }

  /**
   * Whether a refused call is entered; otherwise it is counted.
   * @param holder to whom we issued the contract at the root of the call's chain; undefined if none of ours was shown
   * @param bytes of the call
   */
  admits(holder: string | undefined, bytes: number): boolean {
    this.#roll();
    const name = holder ?? "";
    const limit = holder === undefined ? this.#limits.strangers : this.#limits.holder;
    const before = this.#entered.get(name) ?? { entries: 0, bytes: 0 };
    const entered = { entries: before.entries + 1, bytes: before.bytes + bytes };
    if (entered.entries <= limit.entries && entered.bytes <= limit.bytes) {
      this.#entered.set(name, entered);
      return true;
    }
    const nowSec = this.#nowSec();
    this.#counting = { calls: 1, fromSec: nowSec, toSec: nowSec, ...grown(this.#counting, nowSec) };
    return false;
  }

  /** What was counted in an hour that is over, once: whoever takes it enters it, or gives it back. */
  takeDue(): CountedRefusals | undefined {
    this.#roll();
    const due = this.#due;
    this.#due = undefined;
    return due;
  }

  giveBack(counted: CountedRefusals): void {
    this.#due = joined(counted, this.#due);
  }

  #roll(): void {
    const nowSec = this.#nowSec();
    if (nowSec < this.#untilSec) return;
    this.#untilSec = nowSec + windowSec;
    this.#entered.clear();
    if (this.#counting) this.#due = joined(this.#counting, this.#due);
    this.#counting = undefined;
  }
}

function grown(counted: CountedRefusals | undefined, nowSec: number): Partial<CountedRefusals> {
  return counted ? { calls: counted.calls + 1, fromSec: counted.fromSec, toSec: nowSec } : {};
}

function joined(one: CountedRefusals, other: CountedRefusals | undefined): CountedRefusals {
  if (!other) return one;
  return {
    calls: one.calls + other.calls,
    fromSec: Math.min(one.fromSec, other.fromSec),
    toSec: Math.max(one.toSec, other.toSec),
  };
}
