import { createPublicKey, verify } from "node:crypto";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

interface Sample {
  readonly leaf: string;
  readonly publicKey: Uint8Array;
}

/**
 * How many Ed25519 signatures `node:crypto` alone verifies a second on all cores: the bar that ingest is held to, over
 * the same bytes, in the same run; and the CPU time of one verification, which does not depend on who else is on the
 * machine.
 */
export async function verifyRate(
  samples: readonly Sample[],
  seconds: number,
): Promise<{ perSec: number; cpuSecEach: number }> {
  const before = process.cpuUsage();
  const counts = await Promise.all(
    Array.from({ length: availableParallelism() }, () => {
      const worker = new Worker(new URL(import.meta.url), { workerData: { samples, seconds } });
      return new Promise<number>((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });
    }),
  );
  const { user, system } = process.cpuUsage(before);
  const perSec = counts.reduce((sum, rate) => sum + rate, 0);
  return { perSec, cpuSecEach: (user + system) / 1e6 / (perSec * seconds) };
}

if (!isMainThread && parentPort) {
  const { samples, seconds } = workerData as { samples: readonly Sample[]; seconds: number };
  const work = samples.map(({ leaf, publicKey }) => {
    const at = leaf.lastIndexOf(".");
    const jwk = { kty: "OKP", crv: "Ed25519", x: Buffer.from(publicKey).toString("base64url") };
    return {
      key: createPublicKey({ key: jwk, format: "jwk" }),
      message: Buffer.from(leaf.slice(0, at), "latin1"),
      signature: Buffer.from(leaf.slice(at + 1), "base64url"),
    };
  });
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < seconds * 1_000) {
    for (const { key, message, signature } of work) {
      if (!verify(null, message, key, signature)) throw new Error("a sample does not verify");
      done++;
    }
  }
  parentPort.postMessage(done / ((performance.now() - started) / 1_000));
}
