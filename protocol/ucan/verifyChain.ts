import type { KeyDid } from "../did/key.ts";
import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import { commandCovers } from "./command.ts";
import type { Delegation } from "./delegation.ts";
import { isSigned } from "./isSigned.ts";

/** One thing that is wrong with a chain of contracts, whoever may be going to use it. */
export interface ChainFault {
  /** From 0 at the owner of the right. */
  readonly link: number;
  readonly code: "ERR_AUTH_CONTRACT_SIGNATURE" | "ERR_AUTH_CONTRACT_CHAIN" | "ERR_AUTH_CONTRACT_TIME";
  readonly detail: string;
}

/**
 * What is wrong with a chain: signatures, principals from the owner on, one subject, times, and links that pass on a
 * command that lies outside of the one above (such a link grants nothing). An empty list means that it can be used.
 * @param owner whose right it is to be: known from elsewhere, since anybody can issue a chain of their own
 */
export function faultsOfChain(
  chain: readonly Delegation[],
  owner: KeyDid,
  nowSec: number,
  verifySignature: Ed25519Verify = verifyStrict,
): readonly ChainFault[] {
  const faults: ChainFault[] = [];
  chain.forEach((delegation, link) => {
    const fault = (code: ChainFault["code"], detail: string): void => void faults.push({ link, code, detail });
    const above = chain[link - 1];
    const { envelope, issuer, subject, command, expiresAtSec, notBeforeSec } = delegation;
    if (!isSigned(delegation, verifySignature)) {
      fault("ERR_AUTH_CONTRACT_SIGNATURE", `the signature of ${envelope.cid} does not verify`);
    }
    if (issuer !== (above ? above.audience : owner)) {
      fault("ERR_AUTH_CONTRACT_CHAIN", `issued by ${issuer}, whose right it is not`);
    }
    if (subject !== owner) fault("ERR_AUTH_CONTRACT_CHAIN", `about ${subject ?? "any subject"}, not the right's owner`);
    if (above && !commandCovers(above.command, command)) {
      fault("ERR_AUTH_CONTRACT_CHAIN", `${command} is not among ${above.command}: this link grants nothing`);
    }
    if (expiresAtSec !== null && nowSec >= expiresAtSec) fault("ERR_AUTH_CONTRACT_TIME", "expired");
    if (notBeforeSec !== undefined && nowSec < notBeforeSec) fault("ERR_AUTH_CONTRACT_TIME", "not yet valid");
  });
  return faults;
}
