/** What agents are called on the page. Names come from whoever made the report and prove nothing. */
export type Names = Readonly<Record<string, string>>;

/** The tail of a DID or key: enough to tell those of one file apart at a glance. */
export function shortDid(did: string): string {
  const tail = did.slice(did.lastIndexOf(":") + 1);
  return tail.length <= 14 ? tail : `${tail.slice(0, 6)}…${tail.slice(-4)}`;
}

export function nameOf(names: Names, did: string): string {
  return Object.hasOwn(names, did) ? (names[did] ?? shortDid(did)) : shortDid(did);
}
