/**
 * Methods that only ask: an error, unless it is a contract's revert, says nothing of what was asked, so they are asked
 * again. Of all others a refusal may be the answer ("nonce too low") and is handed on.
 */
const questions: ReadonlySet<string> = new Set([
  "eth_blockNumber",
  "eth_call",
  "eth_chainId",
  "eth_getBalance",
  "eth_getBlockByHash",
  "eth_getBlockByNumber",
  "eth_getCode",
  "eth_getLogs",
  "eth_getStorageAt",
  "eth_getTransactionByHash",
  "eth_getTransactionCount",
  "eth_getTransactionReceipt",
]);

export function isQuestion(method: string): boolean {
  return questions.has(method);
}
