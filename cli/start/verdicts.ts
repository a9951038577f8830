import { open, readFile, rename } from "node:fs/promises";

import { auditEvidence } from "../../auditor/audit.ts";
import { RpcChain } from "../../auditor/chain/rpcChain.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { exportEvidence, type ExportSummary } from "../../agent/export/exportEvidence.ts";
import { Journal } from "../../agent/journal/journal.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { orchestratorName } from "../../orchestrator/self/orchestratorAgent.ts";
import type { RunningSystem } from "../../orchestrator/start/system.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";

/** Writes the evidence of all agents into one file, whole or not at all. Waits until everything in it is anchored. */
export async function writeEvidenceFile(
  system: RunningSystem,
  onProgress: (stage: "anchor" | "entries", done: number, total: number) => void,
): Promise<ExportSummary> {
  const { dataDir, evidence } = system.layout;
  const { orchestrator, history } = system;
  const everyone = [
    ...history.map(({ folder, did }) => ({ name: folder, did })),
    { name: orchestratorName, ...orchestrator },
  ];
  const agents = everyone.flatMap(({ name, did }) =>
    did === undefined ? [] : [{ name, did: did as EthrDid, journal: new Journal(agentFolder(dataDir, name).journal) }],
  );
  const file = await open(`${evidence}.new`, "w", 0o600);
  try {
    const operatorToken = (await readFile(system.layout.operatorToken, "utf8")).trim();
    const relayer = new RelayerClient({ url: system.endpoints.relayerUrl, operatorToken });
    const summary = await exportEvidence(
      { agents, relayer, deployment: system.deployment, onProgress },
      async (bytes) => {
        await file.writeFile(bytes);
      },
    );
    await rename(`${evidence}.new`, evidence);
    return summary;
  } finally {
    await file.close();
    for (const { journal } of agents) journal.close();
  }
}

/** Audits the file as a stranger would: from its bytes and an RPC endpoint, with the addresses of this deployment. */
export async function auditFile(path: string, rpcUrl: string, deployment: Deployment): Promise<AuditReport> {
  const chain = await RpcChain.open(rpcUrl);
  try {
    return await auditEvidence(await readFile(path), {
      chain,
      contracts: trusted(deployment),
      keyEscrow: deployment.contracts.keyEscrow.address.toLowerCase() as Hex,
      verify: verifyNative,
    });
  } finally {
    chain.close();
  }
}

function trusted({ contracts }: Deployment) {
  const lower = (address: string) => address.toLowerCase() as Hex;
  return {
    agentRegistry: lower(contracts.agentRegistry.address),
    attestationRegistry: lower(contracts.attestationRegistry.address),
    contractRegistry: lower(contracts.contractRegistry.address),
    logAnchor: lower(contracts.logAnchor.address),
    policyRegistry: lower(contracts.policyRegistry.address),
  };
}
