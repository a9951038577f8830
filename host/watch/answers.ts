/** A question to the chain, as JSON-RPC has it. */
export interface Question {
  readonly method: string;
  readonly params: readonly unknown[];
}

/** What came back. An error is the endpoint's answer; no answer at all is thrown. */
export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code?: number; readonly message?: string; readonly data?: unknown } };

/** Until when an answer holds. `once`: it is nobody else's, such as that to a transaction. */
export type Holds = "always" | "block" | "once";

const always = new Set(["eth_chainId", "net_version", "web3_clientVersion"]);

/** Reads whose answer can change with a block only, and where the block that is meant stands among the parameters. */
const byBlock: Readonly<Record<string, number | undefined>> = {
  eth_blockNumber: undefined,
  eth_getBlockByNumber: 0,
  eth_getBlockByHash: undefined,
  eth_getBlockReceipts: 0,
  eth_getBlockTransactionCountByNumber: 0,
  eth_getTransactionReceipt: undefined,
  eth_call: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
  eth_getProof: 2,
  eth_getLogs: undefined,
  eth_gasPrice: undefined,
  eth_maxPriorityFeePerGas: undefined,
  eth_feeHistory: undefined,
};

export function holdsUntil({ method, params }: Question): Holds {
  if (always.has(method)) return "always";
  if (!Object.hasOwn(byBlock, method)) return "once";
  const at = byBlock[method];
  // What is pending changes with every transaction that comes in.
  return at !== undefined && params[at] === "pending" ? "once" : "block";
}

/** State of `latest` is asked of the block that was told, so that all answers of one time are of one block. */
const ofState = new Set(["eth_call", "eth_getBalance", "eth_getCode", "eth_getTransactionCount", "eth_getStorageAt"]);

export function pinned(question: Question, head: string): Question {
  const { method, params } = question;
  const at = byBlock[method];
  if (!ofState.has(method) || at === undefined) return question;
  const block = params[at];
  if (block !== undefined && block !== "latest") return question;
  const filled = [...params];
  filled[at] = head;
  return { method, params: filled };
}

/** What shows without a block: a development chain is mined, reset or funded by hand. */
export function changesAtOnce({ method }: Question): boolean {
  return !/^(?:eth|net|web3|txpool|rpc|debug|trace)_/.test(method);
}

/** An error by which the chain itself speaks, and not an endpoint that is in trouble: a call that reverts. */
export function isOfTheChain(answer: Answer): boolean {
  if ("result" in answer) return true;
  const { code, data } = answer.error;
  return code === 3 || (typeof data === "string" && /^0x[0-9a-f]*$/i.test(data));
}
