import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { type LinearCombination, type MemoryFile, type R1cs, r1cs as r1csTools, wtns } from "snarkjs";

import { withSingleThread } from "../../circuits/curve.ts";
import { scalarFieldOrder as r } from "../../protocol/zk/fields.ts";
import { compileCircuit, root } from "../../circuits/setup/compile.ts";

/** A circuit compiled for a test: its constraints, and its wires by name. */
export interface TestCircuit {
  readonly r1cs: R1cs;
  /** Signal name, as `main.publicKey.x`, to wire; -1 where optimisation removed the signal. */
  readonly wireOf: ReadonlyMap<string, number>;
  /** The wires' values. Rejects where the circuit has no witness. */
  witness(input: Readonly<Record<string, bigint>>): Promise<bigint[]>;
}

/** @param source path relative to the root */
export async function compileForTest(source: string): Promise<TestCircuit> {
  await mkdir(join(root, "circuits/build"), { recursive: true });
  const folder = await mkdtemp(join(root, "circuits/build/test-"));
  try {
    const files = await compileCircuit(source, folder);
    const wasm = new Uint8Array(await readFile(files.wasm));
    const sym = await readFile(files.sym, "utf8");
    const wires = sym
      .trim()
      .split("\n")
      .map((line) => line.split(",") as [string, string, string, string]);
    return {
      r1cs: await withSingleThread(async () => r1csTools.exportJson(new Uint8Array(await readFile(files.r1cs)))),
      wireOf: new Map(wires.map(([, wire, , name]) => [name, Number(wire)])),
      witness: (input) => withSingleThread(() => witnessOf(input, wasm)),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function witnessOf(input: Readonly<Record<string, bigint>>, wasm: Uint8Array): Promise<bigint[]> {
  const file: MemoryFile = { type: "mem" };
  // The runtime prints what it throws as well.
  const { error: print } = console;
  console.error = () => undefined;
  try {
    await wtns.calculate(input, wasm, file);
  } finally {
    console.error = print;
  }
  return wtns.exportJson(file.data!);
}

/** The indices of the constraints A * B = C that the wires' values break. */
export function brokenConstraints({ constraints }: R1cs, wires: readonly bigint[]): readonly number[] {
  const sum = (combination: LinearCombination) =>
    Object.entries(combination).reduce((acc, [wire, factor]) => acc + BigInt(factor) * wires[Number(wire)]!, 0n);
  return constraints.flatMap(([a, b, c], index) => ((sum(a) * sum(b) - sum(c)) % r === 0n ? [] : [index]));
}
