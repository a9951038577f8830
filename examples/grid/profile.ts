/**
 * How much a household takes hour by hour on a working day in January: the standard load profile H25 of BDEW (German
 * Association of Energy and Water Industries, 2025), as published in oemof/demandlib (`h25.csv`, column "Januar, WT"), its
 * quarter hours summed to hours. kWh of a group of households that takes 1,000,000 kWh a year.
 */
const januaryWorkday = [
  74.202, 63.785, 60.389, 59.857, 62.479, 71.108, 91.969, 99.991, 94.006, 90.78, 91.632, 100.498, 104.971, 104.059,
  101.617, 104.983, 119.928, 149.829, 166.54, 164.889, 150.461, 134.329, 118.786, 95.362,
] as const;

/** Wh that a household takes in an hour of the day. @param yearlyKwh what it takes in a year */
export function demandWh(hour: number, yearlyKwh: number): number {
  return Math.round(((januaryWorkday[hour] ?? 0) * yearlyKwh) / 1000);
}

/**
 * Wh that a roof of 5 kW gives in an hour: half a sine between 8 and 16 o'clock, a clear day in January. Made up, not
 * measured; only the hours of daylight are those of central Europe.
 */
export function offerWh(hour: number): number {
  const [rise, set, peakWh] = [8, 16, 2400];
  const middle = hour + 0.5;
  if (middle <= rise || middle >= set) return 0;
  return Math.round(peakWh * Math.sin((Math.PI * (middle - rise)) / (set - rise)));
}
