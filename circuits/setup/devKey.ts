import { type MemoryFile, powersOfTau, type SnarkjsVerificationKey, zKey } from "snarkjs";

import { withWorkers } from "../curve.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** 2^11 constraints; the smallest phase 1 that holds our circuits. */
export const devPower = 11;
/** SHA-256 is applied 2^10 times to the beacon: the least that snarkjs takes. It delays nobody, and need not. */
const devIterationsExponent = 10;
/** ASCII "DEV_INSECURE: everybody knows the secrets of this key", so that the key says so itself. */
const devBeacon = Buffer.from("DEV_INSECURE: everybody knows the secrets of this key").toString("hex");

export interface ProvingKey {
  readonly zkey: Uint8Array;
  readonly vkey: SnarkjsVerificationKey;
}

/**
 * The phase 1 and phase 2 of development, from public beacons alone: the same bytes on every machine, at any number of
 * cores, so that CI can compare them. Anyone can compute its secrets and forge proofs.
 * @throws AffiantError ERR_INPUT_CEREMONY if the circuit is too large
 */
export async function devProvingKey(r1cs: Uint8Array, power = devPower): Promise<ProvingKey> {
  return withWorkers(async (curve) => {
    const [fresh, beaconed, prepared, initial, final] = Array.from({ length: 5 }, (): MemoryFile => ({ type: "mem" }));
    if (!fresh || !beaconed || !prepared || !initial || !final) throw new TypeError("unreachable");
    await powersOfTau.newAccumulator(curve, power, fresh);
    await powersOfTau.beacon(fresh, beaconed, "DEV_INSECURE", devBeacon, devIterationsExponent);
    await powersOfTau.preparePhase2(beaconed, prepared);
    const circuitHash = await zKey.newZKey(r1cs, prepared, initial);
    if (circuitHash === -1) {
      throw new AffiantError("ERR_INPUT_CEREMONY", `the circuit does not fit into 2^${power} constraints`);
    }
    await zKey.beacon(initial, final, "DEV_INSECURE", devBeacon, devIterationsExponent);
    if (!final.data) throw new TypeError("snarkjs wrote no key");
    return { zkey: final.data, vkey: await zKey.exportVerificationKey(final) };
  });
}
