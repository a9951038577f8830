import { join, resolve } from "node:path";

/** Where things are in a data folder. Agents keep theirs in `agents/<name>/` (agent/keys/agentFolder.ts). */
export interface Layout {
  readonly dataDir: string;
  readonly chainDir: string;
  readonly mnemonic: string;
  readonly deployment: string;
  readonly relayerDir: string;
  readonly senderKey: string;
  readonly noteKey: string;
  /** The relayer's operator is who runs this pipeline. */
  readonly operatorToken: string;
  readonly endpoints: string;
  readonly evidence: string;
  readonly attestationDir: string;
  /** The orchestrator's own memory, tickets and keys. */
  readonly orchestratorDir: string;
  log(process: string): string;
}

export function layoutOf(dataDir: string): Layout {
  const root = resolve(dataDir);
  return {
    dataDir: root,
    chainDir: join(root, "chain"),
    mnemonic: join(root, "chain/mnemonic"),
    deployment: join(root, "deployment.json"),
    relayerDir: join(root, "relayer"),
    senderKey: join(root, "relayer/sender.key"),
    noteKey: join(root, "relayer/note.key"),
    operatorToken: join(root, "relayer/operator.token"),
    endpoints: join(root, "endpoints.json"),
    evidence: join(root, "evidence.jsonl"),
    attestationDir: join(root, "attestation"),
    orchestratorDir: join(root, "orchestrator"),
    log: (process) => join(root, "logs", `${process}.log`),
  };
}
