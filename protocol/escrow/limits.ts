/**
 * How long the lists are that the KeyEscrow takes in one call, so that each fits a transaction (EIP-7825: 16,777,216 gas).
 * `test/contracts/KeyEscrow.limits.test.ts` holds them to the contract.
 */
export const escrowLimits = {
  /** Agents that one call adds or removes. */
  batch: 150,
  /** Members of one epoch. */
  holders: 1_024,
  trustees: 64,
} as const;
