/**
 * Whether a result has the form of an answer to that very question. `null` where there must be something, another block
 * than the one asked for, logs that the filter does not name, half a word: an endpoint that says such a thing has not
 * answered. Methods that are not listed may answer anything but nothing.
 */
export function isAnswerTo(method: string, params: readonly unknown[], result: unknown): boolean {
  return forms[method]?.(result, params) ?? result !== undefined;
}

type Form = (result: unknown, params: readonly unknown[]) => boolean;

const isBytes: Form = (result) => typeof result === "string" && /^0x(?:[0-9a-f]{2})*$/i.test(result);
const isQuantity: Form = (result) => typeof result === "string" && /^0x[0-9a-f]{1,64}$/i.test(result);
const isWord = (value: unknown): value is string => typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value);

const forms: Readonly<Record<string, Form>> = {
  eth_chainId: isQuantity,
  eth_blockNumber: isQuantity,
  eth_getTransactionCount: isQuantity,
  eth_getBalance: isQuantity,
  eth_gasPrice: isQuantity,
  eth_call: isBytes,
  eth_getCode: isBytes,
  eth_getStorageAt: isQuantity,
  eth_getBlockByNumber: (result, [tag]) => {
    // A tag names a block that every chain has; a number may be one that is not there.
    if (result === null) return isQuantity(tag, []);
    if (!isBlock(result)) return false;
    return !isQuantity(tag, []) || BigInt(result.number) === BigInt(tag as string);
  },
  eth_getBlockByHash: (result, [hash]) => result === null || (isBlock(result) && isSame(result.hash, hash)),
  eth_getTransactionReceipt: (result, [hash]) => result === null || isReceipt(result, hash),
  eth_getTransactionByHash: (result, [hash]) => result === null || (isObject(result) && isSame(result["hash"], hash)),
  eth_getLogs: (result, [filter]) =>
    Array.isArray(result) && isObject(filter) && result.every((log) => isNamedBy(log, filter)),
};

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isBlock(value: unknown): value is { readonly number: string; readonly hash: string } {
  if (!isObject(value) || !isQuantity(value["number"], []) || !isWord(value["hash"])) return false;
  return isQuantity(value["timestamp"], []);
}

function isReceipt(value: unknown, hash: unknown): boolean {
  return isObject(value) && isSame(value["transactionHash"], hash) && isQuantity(value["blockNumber"], []);
}

function isSame(one: unknown, other: unknown): boolean {
  return typeof one === "string" && typeof other === "string" && one.toLowerCase() === other.toLowerCase();
}

function isNamedBy(log: unknown, filter: Readonly<Record<string, unknown>>): boolean {
  if (!isObject(log) || !isBytes(log["data"], []) || !Array.isArray(log["topics"])) return false;
  const { address, topics, blockHash, fromBlock, toBlock } = filter;
  if (address !== undefined && ![address].flat().some((one) => isSame(one, log["address"]))) return false;
  if (blockHash !== undefined && !isSame(blockHash, log["blockHash"])) return false;
  if (isQuantity(fromBlock, []) && isQuantity(toBlock, [])) {
    if (!isQuantity(log["blockNumber"], [])) return false;
    const number = BigInt(log["blockNumber"] as string);
    if (number < BigInt(fromBlock as string) || number > BigInt(toBlock as string)) return false;
  }
  const found: readonly unknown[] = log["topics"];
  return !Array.isArray(topics) || topics.every((wanted, i) => isAnyOf(wanted, found[i]));
}

/** A topic of a filter: `null` for any, one, or a choice. */
function isAnyOf(wanted: unknown, found: unknown): boolean {
  if (wanted === null || wanted === undefined) return true;
  const choice: readonly unknown[] = Array.isArray(wanted) ? wanted : [wanted];
  return choice.some((one) => isSame(one, found));
}
