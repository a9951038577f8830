import type { Curve } from "snarkjs";

import { curves } from "./snarkjsBuild.ts";

/** Where snarkjs keeps the one curve that every call uses. It makes one with a worker a core if there is none. */
interface CurveHolder {
  curve_bn128?: Curve | null;
}

/**
 * Runs `task` with snarkjs confined to this thread, and takes no worker with it when it ends. Left alone, snarkjs starts a
 * worker a core on its first call and keeps the process alive by them.
 */
export async function withSingleThread<Result>(task: (curve: Curve) => Promise<Result>): Promise<Result> {
  const holder = globalThis as CurveHolder;
  const before = holder.curve_bn128;
  const curve = await curves.getCurveFromName("bn128", { singleThread: true });
  holder.curve_bn128 = curve;
  try {
    return await task(curve);
  } finally {
    holder.curve_bn128 = before ?? null;
  }
}

/** Confines snarkjs to this thread for good: for worker threads of ours, of which there are as many as we want. */
export async function confineToThread(): Promise<Curve> {
  const curve = await curves.getCurveFromName("bn128", { singleThread: true });
  (globalThis as CurveHolder).curve_bn128 = curve;
  return curve;
}

/** Runs `task` with snarkjs' own workers, a thread a core, and ends them afterwards. */
export async function withWorkers<Result>(task: (curve: Curve) => Promise<Result>): Promise<Result> {
  const curve = await curves.getCurveFromName("bn128");
  try {
    return await task(curve);
  } finally {
    await curve.terminate();
  }
}
