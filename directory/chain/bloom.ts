import { keccak256 } from "ethers";

import type { Hex } from "../../protocol/encoding/hex.ts";

/**
 * Whether a block's bloom filter (Yellow Paper, section 4.3.1: 2,048 bits, three of them for each address and topic) may hold a
 * value. False is sure, where the header tells the truth.
 */
export function mayHold(bloom: Hex, value: Hex): boolean {
  const digest = Buffer.from(keccak256(value).slice(2), "hex");
  return [0, 2, 4].every((at) => {
    const bit = digest.readUInt16BE(at) & 0x7ff;
    const place = 2 + 2 * (255 - (bit >> 3));
    return (Number.parseInt(bloom.slice(place, place + 2), 16) & (1 << (bit & 7))) !== 0;
  });
}
