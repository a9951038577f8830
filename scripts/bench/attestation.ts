import { roundGas } from "./gas/attestation.ts";
import { type Bench, type BenchRow } from "./report.ts";
import { hypergeometricMiss, simulateMisses } from "./attestation/detection.ts";
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
    rows.push({ name: `its share of open, draw, close, ${size} agents`, value: Math.round(frame / size), unit: "gas" });
  }
  const rounds = options.simulatedRounds ?? 10_000;
  for (const verifiers of [1, 3]) {
    rows.push({
      name: `misses, 4 bad of 20, ${verifiers} verifier${verifiers === 1 ? "" : "s"}, ${rounds} rounds`,
      value: simulateMisses({ agents: 20, bad: 4, verifiers, rounds }) * 100,
      unit: "%",
      peer: { name: "hypergeometric", value: hypergeometricMiss(20, 4, verifiers) * 100, source: "run" },
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
      "ERC-8004's figure is that of the project's issue 7.",
    ],
  };
};
