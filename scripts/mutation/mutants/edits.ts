import type { MutationKind } from "./mutant.ts";

/** A replacement of bytes `start` to `end` of a source. */
export interface Edit {
  readonly kind: MutationKind;
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

/** A number in source form, one larger; hex numbers keep their length, since that is their type. */
export function oneMore(literal: string): string | undefined {
  if (/^[0-9][0-9_]*$/.test(literal)) return (BigInt(literal.replaceAll("_", "")) + 1n).toString();
  const [, digits] = /^0x([0-9a-fA-F]+)$/.exec(literal) ?? [];
  if (digits === undefined) return undefined;
  // An address has to carry a checksum.
  if (digits.length === 40) return undefined;
  const modulus = 1n << (4n * BigInt(digits.length));
  return `0x${((BigInt(literal) + 1n) % modulus).toString(16).padStart(digits.length, "0")}`;
}
