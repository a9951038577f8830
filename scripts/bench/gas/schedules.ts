/**
 * The prices under which gas is measured: those of today, and those of the next fork as Hardhat's simulated network knows
 * them (EIP-8037, EIP-7976; in review, so that figures of `amsterdam` may move with Hardhat's version).
 */
export const gasSchedules = ["osaka", "amsterdam"] as const;
export type GasSchedule = (typeof gasSchedules)[number];

/**
 * What a simulated network has to be told. Under `amsterdam` state is paid beside the gas that EIP-7825 caps, which the
 * simulation counts together: its cap is raised so that a contract can be deployed at all.
 */
export function overrideFor(schedule: GasSchedule): object {
  const room = { transactionGasCap: 1_000_000_000n, blockGasLimit: 1_000_000_000n };
  return { hardfork: schedule, ...(schedule === "amsterdam" ? room : {}) };
}
