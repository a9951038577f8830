import { fromBase64url, toBase64url } from "../encoding/base64url.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { decodeDelegation, type Delegation } from "./delegation.ts";

/** A contract as a file: the whole chain, from the owner's own contract to the one made out to the holder. */
export const contractFormat = "affiant-contract/1";

export function formatContractFile(chain: readonly Delegation[]): string {
  const contracts = chain.map((link) => toBase64url(link.envelope.bytes));
  return `${JSON.stringify({ format: contractFormat, contracts }, null, 2)}\n`;
}

/**
 * @returns at least one link; whether they fit together is not checked here
 * @throws AffiantError ERR_INPUT_FILE if it is not such a file, ERR_INPUT_UCAN for a token that cannot be read
 */
export function parseContractFile(text: string): readonly [Delegation, ...Delegation[]] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", "the contract file is not JSON", { cause });
  }
  const { format, contracts, ...rest } = (value ?? {}) as { format?: unknown; contracts?: unknown };
  if (format !== contractFormat || !Array.isArray(contracts) || Object.keys(rest).length > 0) {
    throw new AffiantError("ERR_INPUT_FILE", `the contract file is not of the form ${contractFormat}`);
  }
  const [first, ...others] = contracts.map((token: unknown) => {
    if (typeof token !== "string") throw new AffiantError("ERR_INPUT_FILE", "a contract is base64url text");
    return decodeDelegation(fromBase64url(token));
  });
  if (!first) throw new AffiantError("ERR_INPUT_FILE", "the contract file holds no contract");
  return [first, ...others];
}
