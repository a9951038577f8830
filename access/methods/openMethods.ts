import type { LoginMethodName } from "../../protocol/access/names.ts";
import type { Standings } from "../../host/access/standing.ts";
import type { AccessSettings } from "../settings.ts";
import { didSig } from "./didSig.ts";
import type { LoginMethod } from "./loginMethod.ts";
import { schnorr } from "./schnorr.ts";

export interface OpenMethods {
  readonly methods: ReadonlyMap<LoginMethodName, LoginMethod>;
  close(): Promise<void>;
}

/** All methods that this server takes. */
export function openMethods(_settings: AccessSettings, standings: Standings): Promise<OpenMethods> {
  const all = [didSig(standings), schnorr(standings)];
  return Promise.resolve({ methods: new Map(all.map((one) => [one.name, one])), close: () => Promise.resolve() });
}
