import { join } from "node:path";

import type { ProgramSpec } from "../process/childProcess.ts";
import type { Layout } from "./layout.ts";

const root = join(import.meta.dirname, "../..");

/** The chain of local runs. Tools know this id as "a development chain". */
export const localChainId = 31_337;

/** Blocks on top of a transaction's (and with it) after which the relayer calls it final. The local chain mines them at once. */
const confirmations = 3;

export function chainProgram(layout: Layout, port: number, funded: readonly string[]): ProgramSpec {
  return {
    name: "chain",
    argv: [join(root, "orchestrator/chain/main.ts")],
    env: {
      AFFIANT_CHAIN_DIR: layout.chainDir,
      AFFIANT_CHAIN_PORT: `${port}`,
      AFFIANT_CHAIN_ID: `${localChainId}`,
      AFFIANT_CHAIN_FUNDED: funded.join(","),
    },
    logPath: layout.log("chain"),
    folder: layout.dataDir,
  };
}

export function relayerProgram(layout: Layout, port: number, rpcUrl: string, origin: string): ProgramSpec {
  return {
    name: "relayer",
    argv: [join(root, "relayer/main.ts")],
    env: {
      AFFIANT_RPC_URL: rpcUrl,
      AFFIANT_DATA_DIR: layout.relayerDir,
      AFFIANT_HOST: "127.0.0.1",
      AFFIANT_PORT: `${port}`,
      AFFIANT_DEPLOYMENT: layout.deployment,
      AFFIANT_LOG_ORIGIN: origin,
      AFFIANT_SENDER_KEY_FILE: layout.senderKey,
      AFFIANT_NOTE_KEY_FILE: layout.noteKey,
      AFFIANT_ANCHOR_INTERVAL_MS: "2500",
      // A record bounds what is below it in time: when an agent loses trust or a contract is revoked, what was done before
      // can be told from what was done after only by a record in between.
      AFFIANT_ANCHOR_RECORD_EVERY: "1",
      AFFIANT_CONFIRMATIONS: `${confirmations}`,
      AFFIANT_POLL_INTERVAL_MS: "200",
    },
    logPath: layout.log("relayer"),
    folder: layout.dataDir,
  };
}

export function attestationProgram(
  layout: Layout,
  port: number,
  rpcUrl: string,
  relayerUrl: string,
  roundBlocks: number,
): ProgramSpec {
  return {
    name: "attestation",
    argv: [join(root, "attestation/service/main.ts")],
    env: {
      AFFIANT_RPC_URL: rpcUrl,
      AFFIANT_RELAYER_URL: relayerUrl,
      AFFIANT_DEPLOYMENT: layout.deployment,
      AFFIANT_DATA_DIR: layout.attestationDir,
      AFFIANT_HOST: "127.0.0.1",
      AFFIANT_PORT: `${port}`,
      AFFIANT_ATTESTATION_ROUND_BLOCKS: `${roundBlocks}`,
      AFFIANT_ATTESTATION_HELD_ROUNDS: "1",
      // All wrappers of a local run are on this machine.
      AFFIANT_ALLOW_PRIVATE: "1",
      AFFIANT_POLL_INTERVAL_MS: "250",
      AFFIANT_LOG_LEVEL: "warn",
    },
    logPath: layout.log("attestation"),
    folder: layout.dataDir,
  };
}
