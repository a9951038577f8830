import { measure as identity } from "./identity.ts";
import { measure as log } from "./log.ts";
import { type MeasureGas } from "./row.ts";

/** Every topic that `npm run gas` measures. A room adds its module here. */
export const topics: Readonly<Record<string, MeasureGas>> = { identity, log };
