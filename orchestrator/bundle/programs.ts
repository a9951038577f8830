/** What is started as a process or as a thread of its own, relative to the root of the checkout. */
export const programs: readonly string[] = [
  "cli/start/main.ts",
  "cli/later/main.ts",
  "orchestrator/chain/main.ts",
  "orchestrator/wrapping/main.ts",
  "attestation/service/main.ts",
  "relayer/main.ts",
  "relayer/ingest/verifyWorker.ts",
  "relayer/policies/policyWorker.ts",
  "circuits/pool/proofWorker.ts",
];
