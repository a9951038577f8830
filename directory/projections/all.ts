import { agents } from "./agents.ts";
import { attestation } from "./attestation.ts";
import { cards } from "./cards.ts";
import { contracts } from "./contracts.ts";
import { documents } from "./documents.ts";
import { equivocations } from "./equivocations.ts";
import { erc8004 } from "./erc8004.ts";
import { governance } from "./governance.ts";
import { groups } from "./groups.ts";
import { keys } from "./keys.ts";
import { logs } from "./logs.ts";
import { policies } from "./policies.ts";
import type { Projection } from "./projection.ts";
import { rounds } from "./rounds.ts";

/** All of the state, in the order of its tables. */
export const projections: readonly Projection[] = [
  agents,
  attestation,
  cards,
  contracts,
  documents,
  equivocations,
  erc8004,
  governance,
  groups,
  keys,
  logs,
  policies,
  rounds,
];

/** What stored state was folded with: of another version it is folded anew. */
export const projectionVersions = projections.map(({ name, version }) => `${name}:${version}`).join(",");
