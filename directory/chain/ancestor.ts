import type { ChainState, DirectoryStore } from "../store/store.ts";
import { type ChainSource, unavailable } from "./source.ts";

const perQuestion = 100;

/**
 * The newest kept block that is of the chain as the endpoints tell it now. Below a block that is, all are: so the kept blocks are
 * looked through in growing steps, and the step that holds the last common one in halves.
 * @returns undefined if none is: the chain was another one
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN if the chain moves meanwhile
 */
export async function findAncestor(
  store: DirectoryStore,
  source: ChainSource,
  chainId: number,
  { position }: ChainState,
): Promise<number | undefined> {
  for (let below = position.number + 1; ;) {
    const kept = await store.blockNumbers(chainId, below, perQuestion);
    const last = kept.at(-1);
    if (!last) return undefined;
    if (!(await isOfChain(source, last))) {
      below = last.number;
      continue;
    }
    let [of, not] = [kept.length - 1, -1];
    while (of - not > 1) {
      const middle = (of + not) >> 1;
      if (await isOfChain(source, kept[middle] as (typeof kept)[number])) of = middle;
      else not = middle;
    }
    const found = kept[of] as (typeof kept)[number];
    if (!(await isOfChain(source, found))) throw unavailable("the chain moved");
    return found.number;
  }
}

async function isOfChain(
  source: ChainSource,
  kept: { readonly number: number; readonly hash: string },
): Promise<boolean> {
  return (await source.block(kept.number))?.hash === kept.hash;
}
