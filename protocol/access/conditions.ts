import type { Hex } from "../encoding/hex.ts";

/**
 * What a scope asks of who uses it, of the chain's state at the block in which it is used. An active DID is always asked for; the
 * others are asked for unless the scope says that it does without.
 */
export interface ScopeConditions {
  /** Attested and trusted. Default true. */
  readonly attested?: boolean;
  /** Some policy of the agent is in force. Default true. */
  readonly policy?: boolean;
  /** A member of this group of the KeyEscrow, 32 bytes. */
  readonly group?: Hex;
  /** The agent's owner holds this role of the AccessManager, its number. */
  readonly role?: bigint;
}

/** Scope → what it asks for. A scope that is not in it is granted to nobody. */
export type ScopeTable = Readonly<Record<string, ScopeConditions>>;

/** RFC 6749 §3.3, one scope. */
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/;

/** The scopes of a space-separated list, each once; undefined if it is no such list. @param text of unknown origin */
export function readScopes(text: string): readonly string[] | undefined {
  const scopes = text.split(" ");
  const isGood =
    scopes.length <= 32 && new Set(scopes).size === scopes.length && scopes.every((one) => scopeToken.test(one));
  return isGood ? scopes : undefined;
}

/** What a scope asks for; undefined if the table has no such scope, whatever an object inherits. */
export function conditionsOf(table: ScopeTable, scope: string): ScopeConditions | undefined {
  return Object.hasOwn(table, scope) ? table[scope] : undefined;
}
