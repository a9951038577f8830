import type { CheckName, Outcome, Verdict } from "../../auditor/verdict.ts";
import { worstOf } from "../../auditor/report/actRecord.ts";

/** The line of proof, from who acted to where it stands for good. */
export const rungNames = ["identity", "policy", "attestation", "contract", "act", "inclusion", "anchor"] as const;
export type RungName = (typeof rungNames)[number];

const checksOf: Readonly<Record<RungName, readonly CheckName[]>> = {
  identity: ["issuer", "signing-key"],
  policy: ["policy-bundle", "policy-in-force"],
  attestation: ["attestation", "group-key"],
  contract: ["call", "call-pair"],
  act: ["entry", "signature", "disclosures", "sequence", "not-before", "not-after", "clock", "heartbeat"],
  inclusion: ["inclusion", "checkpoint", "completeness"],
  anchor: ["anchor", "log", "equivocation", "operator", "chain", "contracts"],
};

export interface Rung {
  readonly name: RungName;
  /** `absent`: nothing of the kind is claimed, so nothing is proven of it. */
  readonly state: Outcome | "absent";
  readonly verdicts: readonly Verdict[];
}

/**
 * The rungs of one act.
 * @param own verdicts about the act
 * @param shared verdicts about the file, the log, its policies and the agent
 */
export function ladderOf(own: readonly Verdict[], shared: readonly Verdict[]): readonly Rung[] {
  const all = [...own, ...shared];
  return rungNames.map((name) => {
    const verdicts = checksOf[name].flatMap((check) => all.filter((verdict) => verdict.check === check));
    return { name, state: verdicts.length === 0 ? "absent" : worstOf(verdicts), verdicts };
  });
}
