import type { AgedFinding, CachedRevocations, ContractLink } from "./revocations.ts";
import { parseKeyDid } from "../../protocol/did/key.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";

export type RevocationVerdict =
  | {
      readonly stands: true;
      /** Absent where no contract is involved. */
      readonly finding?: AgedFinding;
    }
  | { readonly stands: false; readonly code: ErrorCode; readonly detail: string; readonly link?: number };

/**
 * Asks the chain, or an answer of bounded age, whether every issuer of a verified chain of contracts stands behind it.
 * Never throws: what the chain does not say is refused.
 *
 * @param nowSec Unix seconds
 */
export async function judgeRevocation(
  chain: readonly Delegation[],
  revocations: CachedRevocations,
  nowSec: number,
): Promise<RevocationVerdict> {
  if (chain.length === 0) return { stands: true };
  const links: ContractLink[] = [];
  for (const [link, delegation] of chain.entries()) {
    if (!delegation.issuerAgent) {
      const detail = "the contract names no account that could revoke it (meta.agent)";
      return { stands: false, code: "ERR_AUTH_CONTRACT_CHAIN", detail, link };
    }
    links.push({
      contractId: contractIdOf(delegation),
      issuerAgent: delegation.issuerAgent,
      issuerKey: toHex(parseKeyDid(delegation.issuer)),
    });
  }
  let finding: AgedFinding;
  try {
    finding = await revocations.read(links, nowSec);
  } catch (error) {
    const detail = `the chain does not say whether the contract was revoked: ${messageOf(error)}`;
    return { stands: false, code: "ERR_UNAVAILABLE_CHAIN", detail };
  }
  if (finding.unboundLink !== undefined) {
    const detail = "the contract was not signed with a key of the account it names";
    return { stands: false, code: "ERR_AUTH_CONTRACT_CHAIN", detail, link: finding.unboundLink };
  }
  if (finding.revoked) {
    const { link, by, blockNumber } = finding.revoked;
    const detail = `revoked by ${by} in block ${blockNumber}`;
    return { stands: false, code: "ERR_AUTH_CONTRACT_REVOKED", detail, link };
  }
  return { stands: true, finding };
}

function messageOf(error: unknown): string {
  return error instanceof AffiantError ? error.message : "no answer";
}
