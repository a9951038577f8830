import { AffiantError } from "../errors/affiantError.ts";

/** Where our claims of an access token stand, so that they meet nobody else's. */
export const accessClaim = "affiant";

/** What a token says of the chain as it was when it was issued. A resource server holds it to the chain as it is. */
export interface AccessClaims {
  /** Block at which the conditions of the scopes were found to hold. */
  readonly block: number;
  /** How often the subject had lost trust: another number now means a loss since, though trust be there again. */
  readonly losses?: number;
  /** The last block of the attestation that the token rests on. */
  readonly untilBlock?: number;
}

/**
 * Reads the claim of a token whose signature was verified.
 * @throws AffiantError ERR_AUTH_TOKEN
 */
export function readAccessClaims(value: unknown): AccessClaims {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  const { block, losses, untilBlock } = value as Record<string, unknown>;
  if (!isCount(block) || !isOptionalCount(losses) || !isOptionalCount(untilBlock)) throw malformed();
  return {
    block,
    ...(losses === undefined ? {} : { losses }),
    ...(untilBlock === undefined ? {} : { untilBlock }),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isOptionalCount(value: unknown): value is number | undefined {
  return value === undefined || isCount(value);
}

function malformed(): AffiantError {
  return new AffiantError("ERR_AUTH_TOKEN", "the token does not say what it rests on");
}
