import { getBytes, keccak256 } from "ethers";

/**
 * Whether a block may hold an event, by the Bloom filter in its header (Ethereum Yellow Paper, 4.4.3): false is certain.
 * @param logsBloom 256 bytes, `0x…`
 * @param parts the event's address and topics
 */
export function mayHold(logsBloom: string, parts: readonly string[]): boolean {
  const bloom = getBytes(logsBloom);
  return parts.every((part) => {
    const hash = getBytes(keccak256(part));
    return [0, 2, 4].every((at) => {
      const bit = (((hash[at] ?? 0) << 8) | (hash[at + 1] ?? 0)) & 2047;
      return (((bloom[255 - (bit >> 3)] ?? 0) >> (bit & 7)) & 1) === 1;
    });
  });
}
