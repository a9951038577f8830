import { isDeepStrictEqual } from "node:util";

import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { Follower } from "../chain/follower.ts";
import type { ChainSource } from "../chain/source.ts";
import type { FollowedContract } from "../events/contracts.ts";
import { chainOperations } from "../http/operations/chainState.ts";
import { Router } from "../http/router.ts";
import { loadSnapshot } from "../snapshot/snapshot.ts";
import { SqliteStore } from "../store/sqliteStore.ts";

export interface Verdict {
  readonly outcome: "holds" | "fails";
  readonly detail: string;
}

export interface VerifyOptions {
  readonly chainId: number;
  /** Of the verifier's own choice: what it says is what is believed. */
  readonly source: ChainSource;
  readonly contracts: readonly FollowedContract[];
  /** A snapshot to begin from, made by the verifier or by one it believes; its block must be of the chain. */
  readonly snapshot?: string;
}

interface Answer {
  readonly block: { readonly chainId: number; readonly hash: string; readonly number: number; readonly asOf: number };
  readonly self: string;
}

/**
 * Checks an answer of a directory about the chain: reads the events anew, folds them, and asks itself the same question at the same
 * block. Finality is what the endpoint says of it now: an answer that called its block less final than it is by now still holds.
 * @throws AffiantError ERR_INPUT_MALFORMED for what is no such answer, ERR_UNAVAILABLE_CHAIN
 */
export async function verifyAnswer(answer: unknown, options: VerifyOptions): Promise<Verdict> {
  const { block, self } = readAnswer(answer);
  const { chainId, source, contracts, snapshot } = options;
  if (block.chainId !== chainId) return fails(`the answer is of chain ${block.chainId}, not ${chainId}`);
  const store = new SqliteStore(":memory:");
  try {
    if (snapshot !== undefined) await loadSnapshot(store, snapshot);
    const newest = await new Follower({ chainId, store, source, contracts }).catchUp();
    if ((newest?.number ?? -1) < block.asOf) return fails(`the chain has not reached block ${block.asOf}`);
    const found = await source.block(block.number);
    if (found?.hash !== block.hash)
      return fails(`block ${block.number} of the chain is another one: it was taken back`);
    const router = new Router(chainOperations);
    const url = new URL(self, "http://directory");
    if (url.searchParams.get("asOf") !== String(block.asOf))
      return fails("the answer is of another block than it asks about");
    const asked = router.read(router.find("GET", url.pathname), url, undefined, undefined);
    const { operation } = router.find("GET", url.pathname).route;
    const { body } = await operation.run({ store, chainId, baseUrl: "http://directory" }, asked);
    return sameBut(answer, body)
      ? { outcome: "holds", detail: `the chain says the same at block ${block.asOf}` }
      : fails(`the chain says otherwise at block ${block.asOf}`);
  } catch (error) {
    if (isAffiantError(error, "ERR_NOT_FOUND_RECORD")) return fails(error.message);
    throw error;
  } finally {
    await store.close();
  }
}

/** The kept block before `asOf` may differ between two directories: both are of the chain. Finality only grows. */
function sameBut(answer: unknown, found: unknown): boolean {
  const [{ block: one, ...given }, { block: other, ...own }] = [answer, found] as readonly [Named, Named];
  const order = ["latest", "safe", "finalized"];
  const isGrown = order.indexOf(String(one["finality"])) <= order.indexOf(String(other["finality"]));
  return isGrown && isDeepStrictEqual(given, JSON.parse(JSON.stringify(own)));
}

type Named = Readonly<Record<string, unknown>> & { readonly block: Readonly<Record<string, unknown>> };

function readAnswer(answer: unknown): Answer {
  const { block, self } = (answer ?? {}) as Partial<Answer>;
  const isBlock = typeof block === "object" && Number.isSafeInteger(block.asOf) && Number.isSafeInteger(block.number);
  if (isBlock && block.number <= block.asOf && typeof self === "string" && self.startsWith("/v1/"))
    return { block, self };
  throw new AffiantError("ERR_INPUT_MALFORMED", "not an answer of a directory about the chain");
}

function fails(detail: string): Verdict {
  return { outcome: "fails", detail };
}
