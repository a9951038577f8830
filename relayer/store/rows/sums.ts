import type { JournalKey } from "./journalKey.ts";

/** Rows of one group: how many, and the sum of what each adds, modulo 2^256. */
export interface Sum {
  readonly count: number;
  readonly sum: bigint;
}

export type Sums = Readonly<Record<string, Sum>>;

const modulus = 1n << 256n;
export const emptySum: Sum = { count: 0, sum: 0n };

/** Adds rows to a group and takes rows from it. Which rows are in a group decides its sum, their order does not. */
export class SumChange {
  readonly #groups = new Map<string, { count: number; sum: bigint }>();
  readonly #key: JournalKey;

  constructor(key: JournalKey) {
    this.#key = key;
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0;
  }

  add(group: string, digest: Uint8Array): void {
    this.#move(group, 1, this.#key.element(group, digest));
  }

  take(group: string, digest: Uint8Array): void {
    this.#move(group, -1, -this.#key.element(group, digest));
  }

  appliedTo(sums: Sums): Sums {
    const applied: Record<string, Sum> = { ...sums };
    for (const [group, change] of this.#groups) {
      const { count, sum } = applied[group] ?? emptySum;
      applied[group] = { count: count + change.count, sum: BigInt.asUintN(256, sum + change.sum) };
    }
    return applied;
  }

  clear(): void {
    this.#groups.clear();
  }

  #move(group: string, count: number, element: bigint): void {
    const known = this.#groups.get(group);
    if (known) {
      known.count += count;
      known.sum = (known.sum + element) % modulus;
    } else {
      this.#groups.set(group, { count, sum: element });
    }
  }
}

export function encodeSums(sums: Sums): Buffer {
  return Buffer.from(
    JSON.stringify(Object.entries(sums).map(([group, { count, sum }]) => [group, count, sum.toString(16)])),
  );
}

/** Of what {@link encodeSums} wrote; its bytes come out of a seal. */
export function decodeSums(bytes: Uint8Array): Sums {
  const rows = JSON.parse(Buffer.from(bytes).toString("utf8")) as [string, number, string][];
  return Object.fromEntries(rows.map(([group, count, sum]) => [group, { count, sum: BigInt(`0x${sum}`) }]));
}

export function sameSum(a: Sum | undefined, b: Sum | undefined): boolean {
  const [one, other] = [a ?? emptySum, b ?? emptySum];
  return one.count === other.count && one.sum === other.sum;
}
