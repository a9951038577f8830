import type { Delegation } from "./delegation.ts";

/**
 * Delegations as a chain from the owner's own to the last holder's, where they are one; as they stand where they are not.
 * A container's order means nothing (UCAN container, section 2.1). Whether the chain holds is not checked here.
 */
export function orderChain<Links extends readonly [Delegation, ...Delegation[]]>(links: Links): Links {
  const roots = links.filter((link) => !links.some((other) => other !== link && other.audience === link.issuer));
  const [root] = roots;
  if (root === undefined || roots.length > 1) return links;
  const ordered: Delegation[] = [root];
  for (;;) {
    const holder = ordered.at(-1) as Delegation;
    const next = links.filter((link) => link.issuer === holder.audience && !ordered.includes(link));
    const [only] = next;
    if (only === undefined) return ordered.length === links.length ? (ordered as unknown as Links) : links;
    if (next.length > 1) return links;
    ordered.push(only);
  }
}
