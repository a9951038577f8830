/** Checks an evidence file against a chain, trusting nobody: for Node and browsers. */
export { type AuditOptions, type AuditProgress, auditEvidence } from "../auditor/audit.ts";
export { type ChainReader } from "../auditor/chain/chainReader.ts";
export { RpcChain } from "../auditor/chain/rpcChain.ts";
export { type TrustedContracts } from "../auditor/checks/chain.ts";
export { type AuditCode } from "../auditor/codes.ts";
export { auditExitCode } from "../auditor/exitCode.ts";
export { type AuditReport } from "../auditor/report/auditReport.ts";
export { formatAuditReport } from "../auditor/report/formatAuditReport.ts";
export { type CheckName, type Verdict } from "../auditor/verdict.ts";
