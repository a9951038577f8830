import type { LoginMethodName } from "../../protocol/access/names.ts";
import type { LoginStatement } from "../../protocol/access/statement.ts";

/** What a client sent in answer to a challenge, of unknown form. */
export interface LoginAnswer {
  readonly response: string;
  /** The first move, if it came with the request for the challenge. */
  readonly commitment?: string | undefined;
}

/**
 * A way to show who, or what, one is. It gets the statement as the server knows it and what the client answered. It throws for an
 * answer that does not show it, and for what the chain does not say: whoever gets past it is the subject.
 */
export interface LoginMethod {
  readonly name: LoginMethodName;
  /** RFC 8176 names, where there are any. */
  readonly amr: readonly string[];
  /** Whether `verify` costs so much that an address with many failures is not heard. */
  readonly isCostly: boolean;
  /**
   * Looks at a first move before a challenge is given.
   * @throws AffiantError ERR_INPUT_MALFORMED
   */
  checkCommitment(commitment: string | undefined): void;
  /**
   * @returns the subject of the tokens
   * @throws AffiantError ERR_AUTH_LOGIN, ERR_UNAVAILABLE_CHAIN, ERR_UNAVAILABLE_QUEUE
   */
  verify(statement: LoginStatement, answer: LoginAnswer): Promise<string>;
}
