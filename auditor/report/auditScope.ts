import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Evidence } from "../../protocol/evidence/types.ts";
import type { CompiledPolicy } from "../../protocol/policy/compile.ts";
import type { EntryFindings } from "../auditEntries.ts";
import type { Anchor } from "../chain/chainReader.ts";
import type { ContractCode } from "../checks/chain.ts";
import type { TreeHead } from "../checks/checkpoint.ts";
import type { Conformity } from "../conformity.ts";
import type { Verdict } from "../verdict.ts";

/** Everything that an audit found, before it is summed up. */
export interface AuditScope {
  readonly bytes: Uint8Array;
  readonly evidence: Evidence;
  readonly head: TreeHead | undefined;
  readonly operator: Hex | undefined;
  readonly anchor: Anchor | undefined;
  readonly contracts: readonly ContractCode[] | undefined;
  readonly contractsTrusted: boolean;
  readonly chainHead: { readonly blockNumber: number; readonly blockHash: Hex } | undefined;
  readonly findings: readonly EntryFindings[];
  readonly activeNow: ReadonlyMap<string, boolean | null>;
  readonly policies: ReadonlyMap<Hex, CompiledPolicy>;
  readonly verdicts: readonly Verdict[];
  readonly conformity: Conformity;
}
