import type { LoginMethodName } from "../../protocol/access/names.ts";
import type { Standings } from "../../host/access/standing.ts";
import type { AccessSettings } from "../settings.ts";
import { didSig } from "./didSig.ts";
import { groth16 } from "./groth16.ts";
import type { LoginMethod } from "./loginMethod.ts";
import { schnorr } from "./schnorr.ts";

export interface OpenMethods {
  readonly methods: ReadonlyMap<LoginMethodName, LoginMethod>;
  close(): Promise<void>;
}

/** All methods that this server takes. @throws AffiantError as {@link groth16} */
export async function openMethods(settings: AccessSettings, standings: Standings): Promise<OpenMethods> {
  const { deployment, circuitKeysDir, proofThreads: threads = 2 } = settings;
  const proofs = await groth16(standings, { chainId: deployment.chainId, threads, circuitKeysDir });
  const all: readonly LoginMethod[] = [didSig(standings), schnorr(standings), proofs];
  return { methods: new Map(all.map((one) => [one.name, one])), close: () => proofs.close() };
}
