import { readFileSync } from "node:fs";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";

import type { Grant } from "../contracts/grant.ts";

/** What an agent process is told by the orchestrator. */
export interface StationConfig {
  readonly name: string;
  /** Its folder below `agents/`: another one for each identity that holds the place. */
  readonly folder: string;
  readonly dataDir: string;
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  readonly deploymentPath: string;
  readonly policyDir: string;
  readonly port: number;
  /** Of its keys, if they are encrypted. */
  readonly passphrase: string | undefined;
  /** Where the other agents of the pipeline listen, by name. */
  readonly peers: Readonly<Record<string, string>>;
  /** Names of its groups, as the escrow knows them; it talks under the key of the first. Without one, in the clear. */
  readonly groups: readonly string[];
  /** How deep below the head the block lies that entries name: deeper than the chain is reorganised. */
  readonly notBeforeDepth: number;
  /** What this agent lets others do: the contracts of the descriptor in which it is `from`. */
  readonly grants: readonly Grant[];
}

/** Reads the environment of an agent process: the only place where it is read. @throws AffiantError ERR_INPUT_CONFIG */
export function readStationConfig(env: NodeJS.ProcessEnv): StationConfig {
  const text = (name: string): string => {
    const value = env[name];
    if (!value) throw new AffiantError("ERR_INPUT_CONFIG", `${name} is not set; the orchestrator starts this program`);
    return value;
  };
  const passphraseFile = env["AFFIANT_PASSPHRASE_FILE"];
  return {
    name: text("AFFIANT_AGENT_NAME"),
    folder: text("AFFIANT_AGENT_FOLDER"),
    dataDir: text("AFFIANT_DATA_DIR"),
    relayerUrl: text("AFFIANT_RELAYER_URL"),
    rpcUrl: text("AFFIANT_RPC_URL"),
    deploymentPath: text("AFFIANT_DEPLOYMENT"),
    policyDir: text("AFFIANT_POLICY_DIR"),
    port: Number(text("AFFIANT_PORT")),
    passphrase: passphraseFile ? readFileSync(passphraseFile, "utf8").replace(/\r?\n$/, "") : undefined,
    peers: JSON.parse(text("AFFIANT_PEERS")) as Record<string, string>,
    groups: JSON.parse(text("AFFIANT_GROUPS")) as readonly string[],
    // A killed local chain forgets its newest block.
    notBeforeDepth: Number(env["AFFIANT_NOT_BEFORE_DEPTH"] ?? 1),
    grants: JSON.parse(text("AFFIANT_GRANTS")) as readonly Grant[],
  };
}
