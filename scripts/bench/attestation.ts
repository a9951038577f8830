import { roundGas } from "./gas/attestation.ts";
import type { Bench, BenchRow } from "./report.ts";
import { collusions, hypergeometricMiss, simulateMisses } from "./attestation/detection.ts";
import { liveAttestation } from "./attestation/live.ts";

export interface AttestationBenchOptions {
  /** Sizes of the set at which gas is measured. */
  readonly sizes?: readonly number[];
  readonly simulatedRounds?: number;
}

/** Gas a target by size of the set, and how often colluding agents get past their verifiers. */
export async function run(options: AttestationBenchOptions = {}): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  const erc8004 = { name: "ERC-8004 validation request + response", value: 323_685, source: "published" } as const;
  for (const size of options.sizes ?? [10, 100, 1000]) {
    const { verdicts, frame } = await roundGas(size);
    const mean = verdicts.reduce((sum, gas) => sum + gas, 0) / verdicts.length;
    const name = `a target's verdicts, m = 3, ${size} agents`;
    rows.push({ name, value: Math.round(mean), unit: "gas", target: 150_000, peer: erc8004 });
    const all = Math.round(mean + frame / size);
    rows.push({
      name: `the same with its share of open, draw, close, ${size} agents`,
      value: all,
      unit: "gas",
      target: 150_000,
    });
  }
  const rounds = options.simulatedRounds ?? 10_000;
  const misses = simulateMisses(20, rounds, collusions);
  for (const [i, { bad, verifiers }] of collusions.entries()) {
    rows.push({
      name: `misses, ${bad} bad of 20, ${verifiers} verifier${verifiers === 1 ? "" : "s"}, ${rounds} rounds`,
      value: (misses[i] ?? 0) * 100,
      unit: "%",
      peer: { name: "hypergeometric", value: hypergeometricMiss(20, bad, verifiers) * 100, source: "run" },
    });
  }
  return rows;
}

export const bench: Bench = async (args) => {
  const sizes = args.filter((argument) => /^\d+$/.test(argument)).map(Number);
  // Programs can be measured on Linux only.
  const live = process.platform === "linux" ? await liveAttestation() : [];
  return {
    rows: [...(await run(sizes.length > 0 ? { sizes } : {})), ...live],
    notes: [
      "Detection: separate processes, rounds without a pause, a block a second; the time includes the rest of the round under way.",
      "Gas is that of whole transactions, through the proxy, of a target whose verifiers all pass it; mean of 12 targets.",
      "A miss: all verifiers drawn for a bad agent are bad themselves. Every bad agent of every simulated round counts.",
      "ERC-8004's figure is that of the project's issue 7. Quotes checked on chain cost 4 to 5 million gas (Automata DCAP), 493,000 to 522,000 as a SNARK; published figures.",
    ],
  };
};
