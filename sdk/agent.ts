/** An agent that signs what it does, calls others under contracts, and answers calls: for Node. */
export { type Agent, type AgentSettings, type ProvedIdentity } from "../agent/agent.ts";
export { type RecordedAct } from "../agent/entry/recorder.ts";
export { type CallAgentOptions, callAgent } from "../agent/calls/callAgent.ts";
export { type CallAnswer, type CallRecord, type CallRecorder } from "../agent/calls/callRecord.ts";
export { hostGuard } from "../agent/calls/hostGuard.ts";
export { ChainRevocations } from "../agent/calls/chainRevocations.ts";
export { type CallVerdict, Guard, type GuardOptions } from "../agent/calls/guard.ts";
export { type ReplayStore, SqliteReplayStore } from "../agent/calls/replayStore.ts";
export { CachedRevocations, type RevocationFinding, type RevocationSource } from "../agent/calls/revocations.ts";
export {
  type AcceptedCall,
  type CallHandler,
  guarded,
  serveCall,
  type ServeCallOptions,
} from "../agent/calls/serveCall.ts";
export { ChainProvider, type ChainProviderOptions } from "../agent/chain/chainProvider.ts";
export { type Act } from "../agent/entry/signEntry.ts";
export { type LoggedIn, login, type LoginOptions } from "../agent/access/login.ts";
export { groth16Login, type LoginProof, schnorrLogin, signedLogin } from "../agent/access/loginProofs.ts";
export {
  type AccessEvent,
  type AccessVerdict,
  ChainView,
  type ProofMemory,
  protectResource,
  type ProtectOptions,
  type ResourceGuard,
  SqliteProofMemory,
} from "../agent/access/protectResource.ts";
export { exportEvidence, type ExportOptions, type ExportSummary } from "../agent/export/exportEvidence.ts";
export { type AgentFacts } from "../agent/keys/agentFolder.ts";
export { createAgentKeys, type CreateAgentKeysOptions } from "../agent/keys/keystore.ts";
export { openAgent, type OpenAgentOptions } from "../agent/openAgent.ts";
export { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
export { verifyNative } from "../protocol/ed25519/nodeVerify.ts";
