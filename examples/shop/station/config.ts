import { AffiantError } from "../../../protocol/errors/affiantError.ts";

import { type Grant } from "../contracts/grant.ts";

/** What an agent process is told by the orchestrator. */
export interface StationConfig {
  readonly name: string;
  readonly dataDir: string;
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  readonly deploymentPath: string;
  readonly policyDir: string;
  readonly port: number;
  /** Name of the group whose key the agents talk under; without one they talk in the clear. */
  readonly group?: string;
  /** Where the other agents of the pipeline listen, by name. */
  readonly peers: Readonly<Record<string, string>>;
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
  return {
    name: text("AFFIANT_AGENT_NAME"),
    dataDir: text("AFFIANT_DATA_DIR"),
    relayerUrl: text("AFFIANT_RELAYER_URL"),
    rpcUrl: text("AFFIANT_RPC_URL"),
    deploymentPath: text("AFFIANT_DEPLOYMENT"),
    policyDir: text("AFFIANT_POLICY_DIR"),
    port: Number(text("AFFIANT_PORT")),
    ...(env["AFFIANT_GROUP"] ? { group: env["AFFIANT_GROUP"] } : {}),
    peers: JSON.parse(text("AFFIANT_PEERS")) as Record<string, string>,
    grants: JSON.parse(text("AFFIANT_GRANTS")) as readonly Grant[],
  };
}
