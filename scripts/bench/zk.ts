/** `npm run bench -- zk`: circuit size, proving, and the relayer's verifying, beside raw snarkjs and a plain circuit. */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { groth16 } from "snarkjs";

import { Prover } from "../../agent/proving/prover.ts";
import { readProvingArtifacts, readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { withWorkers } from "../../circuits/curve.ts";
import { fromSnarkjsProof } from "../../circuits/snarkjsProof.ts";
import { commitmentOf } from "../../protocol/zk/identityKey.ts";
import { ProofPool } from "../../circuits/pool/proofPool.ts";
import { type CircuitSize, sizeOf } from "../../circuits/setup/buildCircuit.ts";
import { compileCircuit, root } from "../../circuits/setup/compile.ts";
import { devProvingKey } from "../../circuits/setup/devKey.ts";
import { measure as measureGas } from "./gas/zk.ts";
import type { Bench, BenchRow } from "./report.ts";

const rounds = 12;
const verifications = 200;
const threads = 2;
const privateKey = 1234567890123456789012345678901234567890n;
const input = { privateKey, commitment: commitmentOf(privateKey), action: 42n };

export const bench: Bench = async () => {
  const plain = await buildPlain();
  const size = sizeOf(new Uint8Array(await compiledR1cs("circuits/key-ownership.circom")));
  return {
    rows: [
      constraintsRow(await size, plain.size),
      ...(await provingRows(plain)),
      ...(await verifyingRows()),
      ...(await gasRows()),
    ],
    notes: [
      "The plain circuit is scripts/bench/circuits/plain-key-ownership.circom: BabyPbk and Poseidon with no check of its own.",
      "Raw snarkjs: groth16.fullProve with its worker threads, files given by name. Medians, rounds interleaved.",
    ],
  };
};

interface Plain {
  readonly size: CircuitSize;
  readonly wasm: Uint8Array;
  readonly zkey: Uint8Array;
}

async function buildPlain(): Promise<Plain> {
  return withFolder(async (folder) => {
    const compiled = await compileCircuit("scripts/bench/circuits/plain-key-ownership.circom", folder);
    const r1cs = new Uint8Array(await readFile(compiled.r1cs));
    const { zkey } = await devProvingKey(r1cs, 10);
    return { size: await sizeOf(r1cs), wasm: new Uint8Array(await readFile(compiled.wasm)), zkey };
  });
}

function constraintsRow(ours: CircuitSize, plain: CircuitSize): BenchRow {
  const peer = { name: "plain BabyPbk + Poseidon", value: plain.constraints, source: "run" } as const;
  return { name: "constraints", value: ours.constraints, unit: "constraints", target: 1_800, peer };
}

async function provingRows(plain: Plain): Promise<BenchRow[]> {
  const coldStart = performance.now();
  const prover = await Prover.open("key-ownership");
  await prover.prove(input);
  const cold = (performance.now() - coldStart) / 1000;
  const folder = join(root, "circuits/generated");
  const files = [join(folder, "key-ownership.wasm"), join(folder, "key-ownership.zkey")] as const;
  const { privateKey: key, action } = input;
  const [ours, raw, prototype]: [number[], number[], number[]] = [[], [], []];
  await withWorkers(async () => {
    for (let i = -2; i < rounds; i++) {
      const times = [
        await timed(() => prover.prove(input)),
        await timed(() => groth16.fullProve(input, ...files)),
        await timed(() => groth16.fullProve({ privateKey: key, action }, plain.wasm, plain.zkey)),
      ] as const;
      // The first rounds warm everything up.
      if (i >= 0) [ours, raw, prototype].forEach((list, which) => list.push(times[which] ?? NaN));
    }
  });
  await prover.close();
  const warm = { name: "prove, warm, witness included", value: median(ours), unit: "s" };
  return [
    { ...warm, peer: { name: "raw snarkjs call", value: median(raw), source: "run" } },
    {
      ...warm,
      name: `${warm.name} (2)`,
      peer: { name: "plain circuit, raw snarkjs", value: median(prototype), source: "run" },
    },
    { name: "prove, cold start included", value: cold, unit: "s", target: 1.5 },
  ];
}

async function verifyingRows(): Promise<BenchRow[]> {
  const { wasm, zkey } = await readProvingArtifacts("key-ownership");
  const { verificationKey } = await readVerifyingArtifacts("key-ownership");
  const { proof, publicSignals, raw } = await withWorkers(async () => {
    const proved = await groth16.fullProve(input, wasm, zkey);
    const verify = () => groth16.verify(verificationKey, proved.publicSignals, proved.proof);
    await verify();
    const seconds = await timed(async () => {
      for (let i = 0; i < verifications / 4; i++) await verify();
    });
    return { ...proved, raw: verifications / 4 / seconds };
  });
  const pool = new ProofPool({ verificationKey, threads, limit: verifications });
  const signals = publicSignals.map(BigInt);
  const all = (count: number) =>
    Promise.all(Array.from({ length: count }, () => pool.verify(fromSnarkjsProof(proof), signals)));
  await all(threads);
  const seconds = await timed(async () => {
    if ((await all(verifications)).includes(false)) throw new Error("a good proof was refused");
  });
  await pool.close();
  const peer = { name: "raw snarkjs call", value: raw, source: "run" } as const;
  return [
    {
      name: `relayer verifies, ${threads} threads`,
      value: verifications / seconds,
      unit: "proofs/s",
      target: 40,
      peer,
    },
  ];
}

async function gasRows(): Promise<BenchRow[]> {
  const published = {
    "verify through the table": { name: "snarkjs template, 4 signals", value: 239_076, source: "published" },
    "prove key ownership": { name: "Semaphore validateProof", value: 288_798, source: "published" },
  } as const;
  const rows = await measureGas();
  return rows.map(({ name, gas, target }) => {
    const peer = name in published ? published[name as keyof typeof published] : undefined;
    return { name, value: gas, unit: "gas", ...(target && { target }), ...(peer && { peer }) };
  });
}

async function compiledR1cs(source: string): Promise<Uint8Array> {
  return withFolder(async (folder) => readFile((await compileCircuit(source, folder)).r1cs));
}

async function withFolder<Result>(use: (folder: string) => Promise<Result>): Promise<Result> {
  await mkdir(join(root, "circuits/build"), { recursive: true });
  const folder = await mkdtemp(join(root, "circuits/build/bench-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Seconds. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
