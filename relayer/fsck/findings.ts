import type { ErrorCode } from "../../protocol/errors/codes.ts";

/** One thing that is wrong with what is stored. */
export interface Fault {
  /** E.g. `entry 17`, `tile 1/0`, `checkpoint 256`, `file checkpoint.0`. */
  readonly place: string;
  readonly what: string;
  /** True for what can be computed from the leaves, and so be put right. */
  readonly derived: boolean;
  /** Where the relayer itself refuses it: under this code. */
  readonly code?: ErrorCode;
}

/** Most faults that are listed: one flipped byte can spoil everything above it. */
const maxListed = 1_000;

/** Collects faults, and how those in derived data are put right. */
export class Findings {
  readonly faults: Fault[] = [];
  readonly repairs: (() => unknown)[] = [];
  count = 0;

  /** Something that only a backup brings back. */
  fault(place: string, what: string, code?: ErrorCode): void {
    this.#add({ place, what, derived: false, ...(code === undefined ? {} : { code }) });
  }

  /** @param repair writes what it should be */
  derived(place: string, what: string, repair: () => unknown): void {
    this.#add({ place, what, derived: true });
    this.repairs.push(repair);
  }

  get hasUnderived(): boolean {
    return this.#underived > 0;
  }

  #underived = 0;

  #add(fault: Fault): void {
    this.count++;
    if (!fault.derived) this.#underived++;
    if (this.faults.length < maxListed) this.faults.push(fault);
  }
}
