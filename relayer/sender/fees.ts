/** What a transaction pays, wei per gas (EIP-1559). */
export interface Fees {
  readonly maxFeeWei: bigint;
  readonly priorityFeeWei: bigint;
}

export interface FeeCaps {
  readonly maxFeeWei: bigint;
  readonly maxPriorityFeeWei: bigint;
}

const gwei = 1_000_000_000n;

/** Room for the base fee to double (six full blocks) and a tip of 1 gwei, within the caps. */
export function firstFees(baseFeeWei: bigint, caps: FeeCaps): Fees {
  const priorityFeeWei = min(gwei, caps.maxPriorityFeeWei);
  return within({ maxFeeWei: baseFeeWei * 2n + priorityFeeWei, priorityFeeWei }, caps);
}

/**
 * Fees for a replacement: nodes demand 10 % more of both, this gives 12.5 %, and at least what a first attempt would.
 * @returns undefined if the caps leave no room for a replacement
 */
export function bumpedFees(before: Fees, baseFeeWei: bigint, caps: FeeCaps): Fees | undefined {
  const first = firstFees(baseFeeWei, caps);
  const bumped = {
    maxFeeWei: max(raise(before.maxFeeWei), first.maxFeeWei),
    priorityFeeWei: max(raise(before.priorityFeeWei), first.priorityFeeWei),
  };
  const fits = bumped.maxFeeWei <= caps.maxFeeWei && bumped.priorityFeeWei <= caps.maxPriorityFeeWei;
  return fits ? bumped : undefined;
}

function within(fees: Fees, caps: FeeCaps): Fees {
  const maxFeeWei = min(fees.maxFeeWei, caps.maxFeeWei);
  return { maxFeeWei, priorityFeeWei: min(min(fees.priorityFeeWei, caps.maxPriorityFeeWei), maxFeeWei) };
}

function raise(wei: bigint): bigint {
  return (wei * 1125n) / 1000n + 1n;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
