import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** Hex as keystore files have it: without `0x`. */
export function bytesToPlainHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** @throws AffiantError ERR_INPUT_FILE unless the text is hex of exactly `byteLength` bytes */
export function plainHexToBytes(text: unknown, byteLength: number): Uint8Array {
  if (typeof text !== "string" || text.length !== 2 * byteLength || !/^[0-9a-fA-F]*$/.test(text)) {
    throw new AffiantError("ERR_INPUT_FILE", `the keystore holds something that is not hex of ${byteLength} bytes`);
  }
  return Buffer.from(text, "hex");
}
