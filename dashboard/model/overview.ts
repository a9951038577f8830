import type { DetailedAudit } from "../../auditor/audit.ts";
import type { ActRecord } from "../../auditor/report/actRecord.ts";
import type { Verdict } from "../../auditor/verdict.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import { readGroupKeyUse } from "../../protocol/escrow/groupKeyUse.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import { delegationInWords } from "../../protocol/ucan/words.ts";
import type { EpochUse, Overview, TrustPoint } from "./messages.ts";
import type { Problem } from "./row.ts";

/** @param named what an agent is called */
export function overviewOf(
  { report, acts, scope }: DetailedAudit,
  problems: readonly Problem[],
  named: (did: string) => string,
): Overview {
  const inWords = wordsWithNames(scope, named);
  const { verdicts, ...rest } = report;
  const lines = new Set(acts.map(({ line }) => line));
  return {
    report: rest,
    shared: verdicts.filter(({ subject }) => subject.line === undefined || !lines.has(subject.line)),
    problems,
    trust: trustOf(acts),
    epochs: epochsOf(acts),
    anchors: anchorsOf(acts),
    contracts: Object.fromEntries([...delegationsIn(scope)].map(([cid, delegation]) => [cid, inWords(delegation)])),
  };
}

/** A contract's words, with the names of agents in place of the keys that their entries in the file show to be theirs. */
export function wordsWithNames(
  scope: DetailedAudit["scope"],
  named: (did: string) => string,
): (delegation: Delegation) => string {
  const names = new Map<string, string>();
  for (const { entry, signatureHolds } of scope?.findings ?? []) {
    if (!signatureHolds) continue;
    const key = formatKeyDid(entry.decoded.publicKey);
    if (!names.has(key)) names.set(key, named(entry.decoded.claims.iss));
  }
  return (delegation) => delegationInWords(delegation).replace(/did:key:z\w+/g, (key) => names.get(key) ?? key);
}

/** The contracts of every call that its caller signed, by CID. */
export function delegationsIn(scope: DetailedAudit["scope"]): ReadonlyMap<string, Delegation> {
  const found = new Map<string, Delegation>();
  for (const { call } of scope?.findings ?? []) {
    for (const [cid, delegation] of call?.call.delegations ?? []) found.set(cid, delegation);
  }
  return found;
}

/** Where an agent's standing changes from one act to the next, and at its last one. */
function trustOf(acts: readonly ActRecord[]): TrustPoint[] {
  return [...Map.groupBy(acts, ({ agent }) => agent).values()].flatMap((own) => {
    const points = own.map(pointOf);
    return points.filter(({ state }, i) => i === 0 || i === points.length - 1 || points[i - 1]?.state !== state);
  });
}

function pointOf({ agent, notBefore, verdicts }: ActRecord): TrustPoint {
  const verdict = verdicts.find(({ check }) => check === "attestation");
  return { agent, block: notBefore.block, state: standingOf(verdict), detail: verdict?.detail ?? "" };
}

function standingOf(verdict: Verdict | undefined): TrustPoint["state"] {
  if (!verdict) return "unclaimed";
  return ({ holds: "attested", fails: "not trusted", unproven: "unproven" } as const)[verdict.outcome];
}

function epochsOf(acts: readonly ActRecord[]): EpochUse[] {
  const uses = new Map<string, EpochUse>();
  for (const { agent, notBefore, disclosed } of acts) {
    const use = groupKeyOf(disclosed.context);
    if (!use) continue;
    const key = `${use.group} ${use.epoch} ${agent}`;
    const known = uses.get(key);
    uses.set(key, {
      group: use.group,
      epoch: use.epoch,
      agent,
      firstBlock: Math.min(known?.firstBlock ?? notBefore.block, notBefore.block),
      lastBlock: Math.max(known?.lastBlock ?? notBefore.block, notBefore.block),
      acts: (known?.acts ?? 0) + 1,
    });
  }
  return [...uses.values()];
}

function groupKeyOf(context: Json | undefined) {
  try {
    return readGroupKeyUse(context);
  } catch {
    return undefined; // the verdict says what is wrong with it
  }
}

function anchorsOf(acts: readonly ActRecord[]): Overview["anchors"] {
  const blocks = new Map<number, number>();
  for (const { notAfter } of acts) if (notAfter) blocks.set(notAfter.block, (blocks.get(notAfter.block) ?? 0) + 1);
  return [...blocks].map(([block, entries]) => ({ block, entries })).toSorted((a, b) => a.block - b.block);
}
