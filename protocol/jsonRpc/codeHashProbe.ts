import { type Hex, isHex } from "../encoding/hex.ts";

/** keccak256 of no bytes: the code hash of an account that is there and has no code (EIP-1052). */
const emptyHash = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";

/**
 * Code to run with `eth_call` and no `to`: it returns a zero byte and what EXTCODEHASH (EIP-1052) says of an address. A
 * second way to ask for what `eth_getCode` tells: that somewhere there is no code, one empty answer does not prove. The
 * zero byte is there because returned code must not begin with 0xEF (EIP-3541).
 * @param address 20 bytes
 */
export function codeHashProbe(address: Hex): Hex {
  //        PUSH20 address      EXTCODEHASH  PUSH1 1 MSTORE  PUSH1 33 PUSH1 0 RETURN
  return `0x73${address.slice(2)}3f600152602160${"00"}f3`;
}

/** @returns whether the probe found code; undefined for what is no answer of it */
export function codeFoundBy(answer: unknown): boolean | undefined {
  if (!isHex(answer, 33) || !answer.startsWith("0x00")) return undefined;
  const hash = `0x${answer.slice(4)}`;
  return hash !== emptyHash && BigInt(hash) !== 0n;
}

/**
 * Whether code compares with a function's selector (PUSH4), as compilers have it for each function that can be called: for
 * contracts that came before a function of theirs did. Code behind a proxy is not looked at.
 */
export function namesSelector(code: string, selector: string): boolean {
  return code.toLowerCase().includes(`63${selector.slice(2).toLowerCase()}`);
}
