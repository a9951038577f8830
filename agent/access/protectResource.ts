/** The resource server's side, for agents that serve others. */
export { ChainView } from "../../host/access/chainView.ts";
export { type ProofMemory, SqliteProofMemory } from "../../host/access/proofMemory.ts";
export {
  type AccessEvent,
  type AccessVerdict,
  protectResource,
  type ProtectOptions,
  type ResourceGuard,
} from "../../host/access/protectResource.ts";
