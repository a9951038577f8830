import type { KeyDid } from "../../protocol/did/key.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { Ed25519Verify } from "../../protocol/ed25519/verify.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import type { Call } from "../../protocol/ucan/callMessage.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import { holderOf, verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import { judgeRevocation } from "./judgeRevocation.ts";
import { RefusalBudget, type RefusalLimits } from "./refusalBudget.ts";
import type { ReplayStore } from "./replayStore.ts";
import type { AgedFinding, CachedRevocations } from "./revocations.ts";

export interface GuardOptions {
  /** Who we are: calls made out to anybody else are refused, and so are those under any right but our own. */
  readonly executor: KeyDid;
  readonly replayStore: ReplayStore;
  readonly revocations: CachedRevocations;
  /** Unix seconds. */
  readonly nowSec: () => number;
  /** How far clocks may differ. */
  readonly clockSkewSec?: number;
  /** A call must expire at most this long from now, so that replays need not be remembered for ever. */
  readonly maxCallLifetimeSec?: number;
  readonly maxChainLength?: number;
  /** How many refused calls are entered one by one. */
  readonly refusals?: RefusalLimits;
  /** Default: node:crypto under our rule. */
  readonly verifySignature?: Ed25519Verify;
}

export type CallVerdict =
  | {
      readonly allowed: true;
      readonly chain: readonly Delegation[];
      /** What the chain said, and how old that answer is. Absent where we called ourselves and no contract is involved. */
      readonly revocation?: AgedFinding;
    }
  | {
      readonly allowed: false;
      readonly code: ErrorCode;
      readonly detail: string;
      readonly link?: number;
      /** Whether the call was shown to be its issuer's: if not, anybody may have written it. */
      readonly signed: boolean;
      /** To whom we issued the contract that was shown, and holds; absent for a stranger. */
      readonly holder?: string;
    };

/**
 * Decides on calls: contracts under our own right, then revocation on chain, then replay. The chain is asked, and a call
 * remembered as made, only where our own signature stands at the root.
 */
export class Guard {
  readonly #options: Required<Omit<GuardOptions, "maxChainLength" | "refusals">> & GuardOptions;
  /** Of what it refused. */
  readonly refusals: RefusalBudget;

  constructor(options: GuardOptions) {
    this.#options = { clockSkewSec: 5, maxCallLifetimeSec: 300, verifySignature: verifyNative, ...options };
    this.refusals = new RefusalBudget(options.nowSec, options.refusals);
  }

  /**
   * Never throws for what a caller sent; what it cannot decide (the chain does not answer) it refuses.
   * @param command the one that is executed; any that our contracts allow if it is not given
   */
  async judge({ invocation, delegations }: Call, command?: string): Promise<CallVerdict> {
    const { executor, clockSkewSec, maxChainLength, verifySignature } = this.#options;
    const nowSec = this.#options.nowSec();
    const terms = { owner: executor, executor, command, nowSec, clockSkewSec, maxChainLength, verifySignature };
    const verdict = verifyInvocation(invocation, delegations, terms);
    if (!verdict.allowed) return verdict;
    const refused = (grounds: Grounds) => refusal(grounds, holderOf(invocation, verdict.chain));
    const forgetAtSec = this.#lastUseOf(invocation.expiresAtSec, nowSec);
    if (forgetAtSec === undefined) {
      const detail = `the call does not expire within ${this.#options.maxCallLifetimeSec} seconds`;
      return refused({ code: "ERR_AUTH_CONTRACT_TIME", detail });
    }
    const revocation = await judgeRevocation(verdict.chain, this.#options.revocations, nowSec);
    if (!revocation.stands) return refused(revocation);
    // The caller's nonce is under its signature; another signature over the same task is still the same call.
    if (!(await this.#options.replayStore.claim(`${invocation.issuer} ${invocation.taskCid}`, forgetAtSec, nowSec))) {
      return refused({ code: "ERR_CONFLICT_REPLAY", detail: "a call with this nonce was accepted before" });
    }
    return { allowed: true, chain: verdict.chain, ...(revocation.finding ? { revocation: revocation.finding } : {}) };
  }

  #lastUseOf(expiresAtSec: number | null, nowSec: number): number | undefined {
    const { maxCallLifetimeSec, clockSkewSec } = this.#options;
    if (expiresAtSec === null || expiresAtSec > nowSec + maxCallLifetimeSec + clockSkewSec) return undefined;
    return expiresAtSec + clockSkewSec;
  }
}

interface Grounds {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly link?: number;
}

function refusal({ code, detail, link }: Grounds, holder: string): CallVerdict {
  return { allowed: false, signed: true, holder, code, detail, ...(link === undefined ? {} : { link }) };
}
