import type { KeyDid } from "../did/key.ts";
import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import { isAffiantError } from "../errors/affiantError.ts";
import { commandCovers } from "./command.ts";
import type { Delegation } from "./delegation.ts";
import type { Invocation } from "./invocation.ts";
import { isSigned } from "./isSigned.ts";
import { firstUnmetStatement, statementText } from "./policy.ts";
import { StepBudget } from "./stepBudget.ts";

/** Whose right it is: one key, or those that one account has at a time. None of them: nobody's, and nothing is allowed. */
export type RightOwner = KeyDid | readonly KeyDid[];

export interface VerifyInvocationOptions {
  /**
   * Who owns the right that is used. It is told by whoever asks, who knows it from elsewhere (it is its own, or the chain
   * says so), and is never taken from what is verified: anybody can write a chain that begins with themselves.
   */
  readonly owner: RightOwner;
  /** The DID that is asked to execute. An invocation made out to anybody else is refused. */
  readonly executor: string;
  /** The verifier's time, Unix seconds. */
  readonly nowSec: number;
  /** The one command that is executed here; any that the contracts allow if it is not given. */
  readonly command?: string | undefined;
  /** Most links a chain may have. */
  readonly maxChainLength?: number | undefined;
  /** How far clocks may differ, in seconds; widens both ends of every time window. */
  readonly clockSkewSec?: number | undefined;
  /** Links with a null subject pass on whatever their holder gets. They are refused unless this says otherwise. */
  readonly allowPowerline?: boolean | undefined;
  readonly verifySignature?: Ed25519Verify | undefined;
}

export type InvocationFailure =
  | "ERR_AUTH_CONTRACT_MISSING"
  | "ERR_AUTH_CONTRACT_SIGNATURE"
  | "ERR_AUTH_CONTRACT_CHAIN"
  | "ERR_AUTH_CONTRACT_AUDIENCE"
  | "ERR_AUTH_CONTRACT_SCOPE"
  | "ERR_AUTH_CONTRACT_TIME"
  | "ERR_LIMIT_CALL_WORK";

export interface InvocationRefusal {
  readonly allowed: false;
  readonly code: InvocationFailure;
  readonly detail: string;
  /** Which link of the chain, from 0 at the owner; absent where the invocation itself is at fault. */
  readonly link?: number;
  /** Whether the call was shown to be its issuer's: if not, anybody may have written it. */
  readonly signed: boolean;
  /**
   * To whom the owner issued the first contract of the chain, where the owner's word was shown to stand behind all of it (the
   * owner, where it called itself); absent for everybody else.
   */
  readonly holder?: string;
}

export type InvocationVerdict = { readonly allowed: true; readonly chain: readonly Delegation[] } | InvocationRefusal;

type Fault = Omit<InvocationRefusal, "allowed" | "signed" | "holder">;

const defaultMaxChainLength = 8;

/**
 * Whether an invocation is allowed by the contracts it names: the caller's signature, an unbroken chain of principals from
 * the owner of the right to the caller, one subject throughout, every link's time and signature, and last, when it is clear
 * that the owner's own word stands behind all of it, the commands and policies of *every* link. An empty chain is the
 * owner's own call. Replay and revocation need memory and a chain; they are the caller's to check.
 * @param delegations by CID; links that the invocation does not name are ignored
 */
export function verifyInvocation(
  invocation: Invocation,
  delegations: ReadonlyMap<string, Delegation>,
  options: VerifyInvocationOptions,
): InvocationVerdict {
  const { maxChainLength = defaultMaxChainLength, verifySignature = verifyStrict } = options;
  const { length } = invocation.proofs;
  if (length > maxChainLength) {
    const detail = `the chain has ${length} links, ${maxChainLength} allowed`;
    return { allowed: false, signed: false, code: "ERR_AUTH_CONTRACT_CHAIN", detail };
  }
  if (!isSigned(invocation, verifySignature)) {
    const detail = "the call's signature does not verify";
    return { allowed: false, signed: false, code: "ERR_AUTH_CONTRACT_SIGNATURE", detail };
  }
  const chain: Delegation[] = [];
  const fault =
    checkParties(invocation, options) ??
    collect(chain, invocation, delegations) ??
    checkPrincipals(invocation, chain, options) ??
    checkTimes(invocation, chain, options) ??
    checkSignatures(chain, verifySignature);
  if (fault) return { allowed: false, signed: true, ...fault };
  const beyond = checkScope(invocation, chain);
  if (!beyond) return { allowed: true, chain };
  return { allowed: false, signed: true, holder: holderOf(invocation, chain), ...beyond };
}

/** Who answers to the owner for a call under a chain that holds: whoever got the first contract, or the owner. */
export function holderOf({ subject }: Invocation, [first]: readonly Delegation[]): string {
  return first?.audience ?? subject;
}

/** Who is asked for what, and whose right is used. */
function checkParties({ executor, command, subject }: Invocation, options: VerifyInvocationOptions): Fault | undefined {
  if (executor !== options.executor) return fault("ERR_AUTH_CONTRACT_AUDIENCE", `the call is addressed to ${executor}`);
  if (!isOwner(subject, options.owner)) {
    return fault("ERR_AUTH_CONTRACT_CHAIN", `the right that is used is ${subject}'s, not the owner's`);
  }
  if (options.command !== undefined && command !== options.command) {
    return fault("ERR_AUTH_CONTRACT_SCOPE", `${options.command} is executed here, not ${command}`);
  }
  return undefined;
}

function isOwner(did: string, owner: RightOwner): boolean {
  return typeof owner === "string" ? did === owner : (owner as readonly string[]).includes(did);
}

function collect(
  chain: Delegation[],
  { proofs }: Invocation,
  delegations: ReadonlyMap<string, Delegation>,
): Fault | undefined {
  for (const [link, cid] of proofs.entries()) {
    const delegation = delegations.get(cid);
    if (delegation?.envelope.cid !== cid) {
      return fault("ERR_AUTH_CONTRACT_MISSING", `the contract ${cid} was not presented`, link);
    }
    chain.push(delegation);
  }
  return undefined;
}

/** From the owner, who is the subject, by each link's audience to the caller. */
function checkPrincipals(
  invocation: Invocation,
  chain: readonly Delegation[],
  { allowPowerline = false }: VerifyInvocationOptions,
): Fault | undefined {
  let holder = invocation.subject;
  for (const [link, { issuer, subject, audience }] of chain.entries()) {
    if (issuer !== holder) {
      return fault("ERR_AUTH_CONTRACT_CHAIN", `issued by ${issuer}, but the right is ${holder}'s`, link);
    }
    if (subject === null ? link === 0 || !allowPowerline : subject !== invocation.subject) {
      return fault("ERR_AUTH_CONTRACT_CHAIN", `about ${subject ?? "any subject"}, not the one called`, link);
    }
    holder = audience;
  }
  if (invocation.issuer === holder) return undefined;
  return chain.length === 0
    ? fault("ERR_AUTH_CONTRACT_MISSING", "the caller is not the subject and names no contract")
    : fault("ERR_AUTH_CONTRACT_CHAIN", `the last contract is made out to ${holder}, not to the caller`);
}

function checkTimes(
  invocation: Invocation,
  chain: readonly Delegation[],
  { nowSec, clockSkewSec = 0 }: VerifyInvocationOptions,
): Fault | undefined {
  const expired = (expiresAtSec: number | null): boolean =>
    expiresAtSec !== null && nowSec >= expiresAtSec + clockSkewSec;
  if (expired(invocation.expiresAtSec)) return fault("ERR_AUTH_CONTRACT_TIME", "the call has expired");
  for (const [link, { expiresAtSec, notBeforeSec }] of chain.entries()) {
    if (expired(expiresAtSec)) return fault("ERR_AUTH_CONTRACT_TIME", "the contract has expired", link);
    if (notBeforeSec !== undefined && nowSec < notBeforeSec - clockSkewSec) {
      return fault("ERR_AUTH_CONTRACT_TIME", "the contract is not yet valid", link);
    }
  }
  return undefined;
}

function checkSignatures(chain: readonly Delegation[], verifySignature: Ed25519Verify): Fault | undefined {
  const link = chain.findIndex((delegation) => !isSigned(delegation, verifySignature));
  if (link < 0) return undefined;
  return fault("ERR_AUTH_CONTRACT_SIGNATURE", "the contract's signature does not verify", link);
}

/** All links share one budget, with what it took to read the tokens: the work grows with none of their products. */
function checkScope(invocation: Invocation, chain: readonly Delegation[]): Fault | undefined {
  const budget = new StepBudget();
  try {
    for (const { envelope } of [invocation, ...chain]) budget.spend(envelope.steps);
    for (const [link, { command, policy }] of chain.entries()) {
      if (!commandCovers(command, invocation.command)) {
        return fault("ERR_AUTH_CONTRACT_SCOPE", `${invocation.command} is not among ${command}`, link);
      }
      const unmet = firstUnmetStatement(policy, invocation.args, budget);
      if (unmet) {
        return fault("ERR_AUTH_CONTRACT_SCOPE", `the arguments do not satisfy ${statementText(unmet)}`, link);
      }
    }
  } catch (error) {
    if (isAffiantError(error, "ERR_LIMIT_CALL_WORK")) return fault("ERR_LIMIT_CALL_WORK", error.message);
    throw error;
  }
  return undefined;
}

function fault(code: InvocationFailure, detail: string, link?: number): Fault {
  return link === undefined ? { code, detail } : { code, detail, link };
}
