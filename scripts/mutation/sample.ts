/**
 * `count` of the items, the same for the same seed, in their own order. A larger sample of one seed holds the smaller.
 */
export function sampleOf<Item>(items: readonly Item[], count: number, seed: number): readonly Item[] {
  const next = randomFrom(seed);
  const keyed = items.map((item, at) => ({ item, at, key: next() }));
  const chosen = keyed.sort((a, b) => a.key - b.key).slice(0, count);
  return chosen.sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** mulberry32: small, and the same on every machine. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
