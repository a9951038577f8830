import { measure as attestation } from "./attestation.ts";
import { measure as escrow } from "./escrow.ts";
import { measure as identity } from "./identity.ts";
import { measure as log } from "./log.ts";
import type { MeasureGas } from "./row.ts";
import { measure as zk } from "./zk.ts";

/** Every topic that `npm run gas` measures. A room adds its module here. */
export const topics: Readonly<Record<string, MeasureGas>> = { attestation, escrow, identity, log, zk };
