import { readFile } from "node:fs/promises";

import type { Command } from "commander";

import { paint } from "../host/terminal/print.ts";
import { command, type CommonFlags, run } from "./command.ts";
import { requireDeployment } from "./environment.ts";
import { type Progress, progress } from "./progress.ts";
import { auditEvidence } from "../auditor/audit.ts";
import { RpcChain } from "../auditor/chain/rpcChain.ts";
import { auditExitCode } from "../auditor/exitCode.ts";
import { verifyNative } from "../protocol/ed25519/nodeVerify.ts";
import { formatAuditReport } from "../auditor/report/formatAuditReport.ts";
import type { Hex } from "../protocol/encoding/hex.ts";
import type { Deployment } from "../protocol/deployment.ts";
import { AffiantError, isAffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly rpc?: string;
}

export function auditCommand(): Command {
  return command(
    "audit",
    "Check an evidence file: signatures, order, policies in force, inclusion, anchor, and every act against its policy. " +
      "The chain is asked only where you name it, since whom you ask is part of what you trust; without one the " +
      "report says what stays unproven. Exit codes: 0 everything is proven and every act conforms, 1 a verdict fails, " +
      "4 an act breaks a rule, 3 something stays unproven, 5 an act is undecidable; of those that apply the first.",
    "local",
    [
      "affiant audit evidence.jsonl --rpc http://127.0.0.1:8545",
      "affiant audit evidence.jsonl --rpc https://rpc.example --deployment deployment.json --json",
    ],
  )
    .argument("<file>")
    .option("--rpc <url>", "JSON-RPC endpoint of the chain (AFFIANT_RPC_URL)")
    .option("--deployment <file>", "a deployment.json whose contracts you trust (AFFIANT_DEPLOYMENT)")
    .action(
      run<Flags, [string]>(async ({ environment, json }, _flags, file) => {
        const bytes = await readFile(file).catch((cause: unknown) => {
          const { code } = cause as NodeJS.ErrnoException;
          throw new AffiantError("ERR_INPUT_FILE", `${file} cannot be read (${code})`, { cause });
        });
        const { rpcUrl, deploymentPath } = environment.given;
        const chain = rpcUrl === undefined ? undefined : await RpcChain.open(rpcUrl);
        const bars = new Map<string, Progress>();
        try {
          const report = await auditEvidence(bytes, {
            chain,
            contracts: deploymentPath === undefined ? undefined : trusted(requireDeployment(environment)),
            keyEscrow: deploymentPath === undefined ? undefined : keyEscrowOf(requireDeployment(environment)),
            verify: verifyNative,
            onProgress: ({ stage, done, total }) => {
              const bar = bars.get(stage) ?? progress(stage, total, json);
              bars.set(stage, bar);
              bar.to(done);
              if (done === total) bar.stop();
            },
          });
          const lines = formatAuditReport(report, { paint }).trimEnd().split("\n");
          if (!chain && environment.rpcUrl) {
            lines.push("", `The system that npm start brought up has its chain at --rpc ${environment.rpcUrl}`);
          }
          return { data: report, lines, exitCode: auditExitCode(report) };
        } finally {
          for (const bar of bars.values()) bar.stop();
          chain?.close();
        }
      }, exitCodeOf),
    );
}

/** Nothing fails because nobody answered; but nothing is proven either. */
function exitCodeOf(error: unknown): number | undefined {
  return isAffiantError(error, "ERR_UNAVAILABLE_CHAIN") ? 3 : undefined;
}

/** The contracts that a reader trusts, as the auditor takes them. */
export function trusted({ contracts }: Deployment) {
  const lower = (address: string): Hex => address.toLowerCase() as Hex;
  return {
    agentRegistry: lower(contracts.agentRegistry.address),
    attestationRegistry: lower(contracts.attestationRegistry.address),
    contractRegistry: lower(contracts.contractRegistry.address),
    logAnchor: lower(contracts.logAnchor.address),
    policyRegistry: lower(contracts.policyRegistry.address),
  };
}

export function keyEscrowOf({ contracts }: Deployment): Hex {
  return contracts.keyEscrow.address.toLowerCase() as Hex;
}
