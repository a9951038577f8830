import type { Finding, Rule } from "./findings.ts";

/** Findings that were looked at, and why they may stay. Each must still be found. */
export interface Accepted {
  readonly rule: Rule;
  /** Of `Contract.function`. */
  readonly place: RegExp;
  readonly detail: RegExp;
  readonly why: string;
}

export const accepted: readonly Accepted[] = [
  {
    rule: "reads-environment",
    place: /^GovernanceManager\./,
    detail: /^block\.timestamp$/,
    why: "OpenZeppelin's AccessManager: its delays are days, and a block producer moves them by seconds",
  },
  {
    rule: "hands-over-control",
    place: /^GovernanceManager\.(execute|updateAuthority)$/,
    detail: /^(call|setAuthority)$/,
    why: "OpenZeppelin's AccessManager: to the target that the caller may call, after its delay, with the call entered before",
  },
  {
    rule: "reads-environment",
    place: /^GovernanceManager\.execute$/,
    detail: /^msg\.value$/,
    why: "passed on to the target as it came",
  },
  {
    rule: "silent-write",
    place: /^GovernanceManager\.multicall$/,
    detail: /^$/,
    why: "OpenZeppelin's Multicall: the functions of this contract that it calls emit theirs",
  },
  {
    rule: "hands-over-control",
    place: /^GovernanceManager\.multicall$/,
    detail: /^delegatecall$/,
    why: "OpenZeppelin's Multicall: to this contract's own functions, each of which checks the caller",
  },
  {
    rule: "open-to-all",
    place: /^\w+\.initialize$/,
    detail: /^$/,
    why: "once, in the transaction that creates the proxy",
  },
  {
    rule: "open-to-all",
    place: /^Attestation(Registry|Desk)\.(drawRound|voidRound|closeRound|expel|prune)$/,
    detail: /^$/,
    why: "what it does follows from the secret, the block number and the agent's own state; nobody may hold it up",
  },
  {
    rule: "open-to-all",
    place: /^AttestationRegistry\.fallback$/,
    detail: /^$/,
    why: "to AttestationDesk, which is part of the code, runs under the same roles and on the same layout of storage (ADR 8)",
  },
  {
    rule: "open-to-all",
    place: /^KeyEscrow\.releaseRecovery$/,
    detail: /^$/,
    why: "the trustees agreed and the delay is over; the requester is asked about again",
  },
  {
    rule: "open-to-all",
    place: /^LogAnchor\.keep$/,
    detail: /^$/,
    why: "makes a record of what the operator anchored",
  },
  {
    rule: "open-to-all",
    place: /^VerifierRegistry\.activate$/,
    detail: /^$/,
    why: "what was scheduled by the role, after its delay, with the code that was announced",
  },
  {
    rule: "silent-write",
    place: /^AttestationRegistry\.fallback$/,
    detail: /^$/,
    why: "it only reads (ADR 8)",
  },
  {
    rule: "hands-over-control",
    place: /./,
    detail: /^consumeScheduledOp$/,
    why: "the AccessManager, which the deployment chose, before anything is written",
  },
  {
    rule: "hands-over-control",
    place: /\.upgradeToAndCall$/,
    detail: /^delegatecall$/,
    why: "OpenZeppelin's UUPS, behind the delayed upgrader role",
  },
  {
    rule: "hands-over-control",
    place: /^AttestationRegistry\.fallback$/,
    detail: /^delegatecall$/,
    why: "to an immutable address that this code was deployed with (ADR 8)",
  },
  {
    rule: "reads-environment",
    place: /./,
    detail: /^block\.chainid$/,
    why: "EIP-712's domain, so that no signature serves two chains",
  },
  {
    rule: "reads-environment",
    place:
      /Signed$|^AttestationDesk\.enrol$|\.(add|revoke)Delegate$|\.setAttribute$|^AgentRegistry\.proveKeyOwnership$/,
    detail: /^block\.timestamp$/,
    why: "deadlines of requests and ERC-1056's validity, both in hours; order of acts is by block number",
  },
  {
    rule: "reads-environment",
    place: /^VerifierRegistry\.(schedule|activate)$/,
    detail: /^block\.timestamp$/,
    why: "a delay of two days, of which a producer can shift seconds",
  },
  {
    rule: "reads-environment",
    place: /^AttestationRegistry\.drawRound$/,
    detail: /^blockhash$/,
    why: "hashed with a secret that was committed to before, so that no producer alone chooses (docs/attestation.md)",
  },
  {
    rule: "reads-environment",
    place: /\.upgradeToAndCall$/,
    detail: /^msg\.value$/,
    why: "OpenZeppelin refuses ether that comes with no call",
  },
  {
    rule: "packed-dynamic",
    place: /^VerifierRegistry$/,
    detail: /^VerifierRegistry$/,
    why: "the calldata of a verifier, not a hash; both lengths were checked before (_checkForm)",
  },
];

export function isAccepted({ rule, place, detail }: Finding, known: Accepted): boolean {
  return known.rule === rule && known.place.test(place) && known.detail.test(detail);
}
