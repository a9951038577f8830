import type { RpcError } from "../chain/rpc.ts";

/**
 * What a node's refusal of a transaction means. `known`: it, or one at its nonce that pays as much, is in the pool.
 * `nonce-used`: the chain has a transaction at this nonce. `unacceptable`: it can never be mined. `later`: try again.
 */
export type SendAnswer = "known" | "nonce-used" | "unacceptable" | "later";

/** Nodes tell these cases apart only in words; what is not recognised is tried again later. */
export function readSendError({ message }: Pick<RpcError, "message">): SendAnswer {
  if (/already known|already imported|known transaction|underpriced/i.test(message)) return "known";
  if (/nonce too low|nonce is too low|invalid nonce|OldNonce/i.test(message)) return "nonce-used";
  if (
    /intrinsic gas|exceeds block gas limit|max code size|oversized|invalid sender|gas limit too high/i.test(message)
  ) {
    return "unacceptable";
  }
  return "later";
}
