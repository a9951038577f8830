import { AffiantError } from "../errors/affiantError.ts";
import type { Ipld } from "./ipld.ts";

/** A scope as people write it, and as a contract holds it. */
export interface Scope {
  readonly command: string;
  readonly policy: readonly Ipld[];
}

const pattern = /^([a-z][a-z0-9_-]*(?::[a-z][a-z0-9_-]*)*?)(?::max_(0|[1-9][0-9]{0,14})([a-z]{3}))?$/;

/**
 * `payment:charge` is the command `/payment/charge` on any arguments; a last part `max_10000usd` adds that `amount` is a
 * number from 0 to 10000 and `currency` is `USD` (amounts in the currency's unit that the called agent uses).
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function parseScope(text: string): Scope {
  const match = pattern.exec(text);
  // A limit that is misspelt must not become one more part of the command, which would then have no limit at all.
  if (!match?.[1] || /(?:^|:)max_/.test(match[1])) {
    throw new AffiantError("ERR_INPUT_UCAN", `not a scope: ${JSON.stringify(text.slice(0, 80))}`, {
      hint: "write it as payment:charge or payment:charge:max_10000usd",
    });
  }
  const command = `/${match[1].replaceAll(":", "/")}`;
  if (match[2] === undefined || match[3] === undefined) return { command, policy: [] };
  return { command, policy: limitPolicy(Number(match[2]), match[3].toUpperCase()) };
}

function limitPolicy(limit: number, currency: string): readonly Ipld[] {
  return [
    [">=", ".amount", 0],
    ["<=", ".amount", limit],
    ["==", ".currency", currency],
  ];
}

/**
 * The shorthand of a scope, where it has one.
 * @returns undefined for a scope that the shorthand cannot say
 */
export function formatScope({ command, policy }: Scope): string | undefined {
  const base = command.slice(1).replaceAll("/", ":");
  const limit = (policy[1] as readonly Ipld[] | undefined)?.[2];
  const currency = (policy[2] as readonly Ipld[] | undefined)?.[2];
  const text = policy.length === 0 ? base : `${base}:max_${String(limit)}${String(currency).toLowerCase()}`;
  try {
    const parsed = parseScope(text);
    return parsed.command === command && JSON.stringify(parsed.policy) === JSON.stringify(policy) ? text : undefined;
  } catch {
    return undefined;
  }
}
