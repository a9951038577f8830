import { parseKeyDid } from "../did/key.ts";
import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { commandCovers } from "./command.ts";
import type { Delegation } from "./delegation.ts";
import type { Envelope } from "./envelope.ts";
import type { Invocation } from "./invocation.ts";
import { firstUnmetStatement } from "./policy.ts";

export interface VerifyInvocationOptions {
  /** The verifier's time, Unix seconds. */
  readonly nowSec: number;
  /** The DID that is asked to execute. An invocation made out to anybody else is refused. */
  readonly executor?: string;
  /** Most links a chain may have. */
  readonly maxChainLength?: number;
  /** How far clocks may differ, in seconds; widens both ends of every time window. */
  readonly clockSkewSec?: number;
  /** Links with a null subject pass on whatever their holder gets. They are refused unless this says otherwise. */
  readonly allowPowerline?: boolean;
  readonly verifySignature?: Ed25519Verify;
}

export type InvocationFailure =
  | "ERR_AUTH_CONTRACT_MISSING"
  | "ERR_AUTH_CONTRACT_SIGNATURE"
  | "ERR_AUTH_CONTRACT_CHAIN"
  | "ERR_AUTH_CONTRACT_AUDIENCE"
  | "ERR_AUTH_CONTRACT_SCOPE"
  | "ERR_AUTH_CONTRACT_TIME";

export type InvocationVerdict =
  | { readonly allowed: true; readonly chain: readonly Delegation[] }
  | {
      readonly allowed: false;
      readonly code: InvocationFailure;
      readonly detail: string;
      /** Which link of the chain, from 0 at the subject; absent where the invocation itself is at fault. */
      readonly link?: number;
    };

const defaultMaxChainLength = 8;

/**
 * Whether an invocation is allowed by the contracts it names: signatures, an unbroken chain of principals from the
 * subject to the caller, one subject throughout, commands and policies of *every* link, and every link's time.
 * Cheap checks come before signatures, so that a long forged chain costs little. Replay and revocation need memory and a
 * chain; they are the caller's to check.
 * @param delegations by CID; links that the invocation does not name are ignored
 */
export function verifyInvocation(
  invocation: Invocation,
  delegations: ReadonlyMap<string, Delegation>,
  options: VerifyInvocationOptions,
): InvocationVerdict {
  const maxChainLength = options.maxChainLength ?? defaultMaxChainLength;
  if (invocation.proofs.length > maxChainLength) {
    return refuse(
      "ERR_AUTH_CONTRACT_CHAIN",
      `the chain has ${invocation.proofs.length} links, ${maxChainLength} allowed`,
    );
  }
  const chain: Delegation[] = [];
  for (const [link, cid] of invocation.proofs.entries()) {
    const delegation = delegations.get(cid);
    if (!delegation || delegation.envelope.cid !== cid) {
      return refuse("ERR_AUTH_CONTRACT_MISSING", `the contract ${cid} was not presented`, link);
    }
    chain.push(delegation);
  }
  return (
    checkAddressee(invocation, options) ??
    checkPrincipals(invocation, chain, options) ??
    checkTimes(invocation, chain, options) ??
    checkScope(invocation, chain) ??
    checkSignatures(invocation, chain, options) ?? { allowed: true, chain }
  );
}

function checkAddressee(invocation: Invocation, { executor }: VerifyInvocationOptions): InvocationVerdict | undefined {
  if (executor === undefined || invocation.executor === executor) return undefined;
  return refuse("ERR_AUTH_CONTRACT_AUDIENCE", `the call is addressed to ${invocation.executor}`);
}

function checkPrincipals(
  invocation: Invocation,
  chain: readonly Delegation[],
  { allowPowerline = false }: VerifyInvocationOptions,
): InvocationVerdict | undefined {
  let holder = invocation.subject;
  for (const [link, delegation] of chain.entries()) {
    if (delegation.issuer !== holder) {
      return refuse("ERR_AUTH_CONTRACT_CHAIN", `issued by ${delegation.issuer}, but the right is ${holder}'s`, link);
    }
    if (delegation.subject === null ? link === 0 || !allowPowerline : delegation.subject !== invocation.subject) {
      return refuse(
        "ERR_AUTH_CONTRACT_CHAIN",
        `about ${delegation.subject ?? "any subject"}, not the one called`,
        link,
      );
    }
    holder = delegation.audience;
  }
  if (invocation.issuer === holder) return undefined;
  return chain.length === 0
    ? refuse("ERR_AUTH_CONTRACT_MISSING", "the caller is not the subject and names no contract")
    : refuse("ERR_AUTH_CONTRACT_CHAIN", `the last contract is made out to ${holder}, not to the caller`);
}

function checkTimes(
  invocation: Invocation,
  chain: readonly Delegation[],
  { nowSec, clockSkewSec = 0 }: VerifyInvocationOptions,
): InvocationVerdict | undefined {
  const expired = (expiresAtSec: number | null): boolean =>
    expiresAtSec !== null && nowSec >= expiresAtSec + clockSkewSec;
  if (expired(invocation.expiresAtSec)) return refuse("ERR_AUTH_CONTRACT_TIME", "the call has expired");
  for (const [link, { expiresAtSec, notBeforeSec }] of chain.entries()) {
    if (expired(expiresAtSec)) return refuse("ERR_AUTH_CONTRACT_TIME", "the contract has expired", link);
    if (notBeforeSec !== undefined && nowSec < notBeforeSec - clockSkewSec) {
      return refuse("ERR_AUTH_CONTRACT_TIME", "the contract is not yet valid", link);
    }
  }
  return undefined;
}

function checkScope(invocation: Invocation, chain: readonly Delegation[]): InvocationVerdict | undefined {
  for (const [link, delegation] of chain.entries()) {
    if (!commandCovers(delegation.command, invocation.command)) {
      return refuse("ERR_AUTH_CONTRACT_SCOPE", `${invocation.command} is not among ${delegation.command}`, link);
    }
    const unmet = firstUnmetStatement(delegation.policy, invocation.args);
    if (unmet)
      return refuse("ERR_AUTH_CONTRACT_SCOPE", `the arguments do not satisfy ${printable(unmet.source)}`, link);
  }
  return undefined;
}

function checkSignatures(
  invocation: Invocation,
  chain: readonly Delegation[],
  { verifySignature = verifyStrict }: VerifyInvocationOptions,
): InvocationVerdict | undefined {
  const signedBy = (envelope: Envelope, did: string): boolean => {
    const key = keyOf(did);
    return key !== undefined && verifySignature(envelope.signature, envelope.signedBytes, key);
  };
  const link = chain.findIndex((delegation) => !signedBy(delegation.envelope, delegation.issuer));
  if (link >= 0) return refuse("ERR_AUTH_CONTRACT_SIGNATURE", "the contract's signature does not verify", link);
  if (signedBy(invocation.envelope, invocation.issuer)) return undefined;
  return refuse("ERR_AUTH_CONTRACT_SIGNATURE", "the call's signature does not verify");
}

/** Principals other than Ed25519 did:keys are readable, but nothing they sign is accepted. */
function keyOf(did: string): Uint8Array | undefined {
  try {
    return parseKeyDid(did);
  } catch (error) {
    if (error instanceof AffiantError) return undefined;
    throw error;
  }
}

function refuse(code: InvocationFailure, detail: string, link?: number): InvocationVerdict {
  return link === undefined ? { allowed: false, code, detail } : { allowed: false, code, detail, link };
}

function printable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner)).slice(
    0,
    200,
  );
}
