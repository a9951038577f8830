import { readFileSync } from "node:fs";

import { type Deployment, parseDeployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ProgramOptions } from "../../attestation/wrap/supervisedProgram.ts";

/** What a wrapper's process is told by the orchestrator. */
export interface WrapperConfig {
  /** Folder of the agent's keys, journal and books below `<dataDir>/agents/`. */
  readonly folder: string;
  readonly dataDir: string;
  readonly relayerUrl: string;
  readonly rpcUrl: string;
  readonly deployment: Deployment;
  readonly policyDir: string;
  readonly passphrase: string | undefined;
  /** Where challenges are answered. */
  readonly port: number;
  /** Where the attestation service listens. */
  readonly serviceUrl: string;
  /** Of this version: used once. */
  readonly ticketFile: string;
  readonly wrappingFile: string;
  /** m of the version, if it is enrolled: a program that measures otherwise is held at once. */
  readonly measurement: Hex | undefined;
  readonly root: string;
  readonly include: readonly string[];
  readonly command: ProgramOptions["command"];
  readonly restart: Pick<ProgramOptions, "maxRestarts" | "restartDelayMs" | "stableAfterMs">;
  /** What the program gets. */
  readonly programEnvironment: Readonly<Record<string, string>>;
}

/** Reads the environment of a wrapper: the only place where it is read. @throws AffiantError ERR_INPUT_CONFIG */
export function readWrapperConfig(env: NodeJS.ProcessEnv): WrapperConfig {
  const text = (name: string): string => {
    const value = env[name];
    if (!value) throw new AffiantError("ERR_INPUT_CONFIG", `${name} is not set; the orchestrator starts this program`);
    return value;
  };
  const json = <T>(name: string): T => JSON.parse(text(name)) as T;
  const passphraseFile = env["AFFIANT_PASSPHRASE_FILE"];
  return {
    folder: text("AFFIANT_AGENT_FOLDER"),
    dataDir: text("AFFIANT_DATA_DIR"),
    relayerUrl: text("AFFIANT_RELAYER_URL"),
    rpcUrl: text("AFFIANT_RPC_URL"),
    deployment: parseDeployment(readFileSync(text("AFFIANT_DEPLOYMENT"), "utf8")),
    policyDir: text("AFFIANT_POLICY_DIR"),
    passphrase: passphraseFile ? readFileSync(passphraseFile, "utf8").replace(/\r?\n$/, "") : undefined,
    port: Number(text("AFFIANT_WRAP_PORT")),
    serviceUrl: text("AFFIANT_WRAP_SERVICE"),
    ticketFile: text("AFFIANT_WRAP_TICKET"),
    wrappingFile: text("AFFIANT_WRAP_FILE"),
    measurement: env["AFFIANT_WRAP_MEASUREMENT"] as Hex | undefined,
    root: text("AFFIANT_WRAP_ROOT"),
    include: json("AFFIANT_WRAP_INCLUDE"),
    command: json("AFFIANT_WRAP_COMMAND"),
    restart: json("AFFIANT_WRAP_RESTART"),
    programEnvironment: Object.fromEntries(
      Object.entries(env).filter((entry): entry is [string, string] => {
        return entry[1] !== undefined && !entry[0].startsWith("AFFIANT_WRAP_");
      }),
    ),
  };
}
