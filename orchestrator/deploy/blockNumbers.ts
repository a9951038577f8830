import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Eip1193 } from "./chainRpc.ts";

/** `NUMBER PUSH1 0 MSTORE PUSH1 32 PUSH1 0 RETURN`: run as a contract's creation, it answers with the block's number. */
const askNumber = "0x4360005260206000f3";

const attempts = 5;

/**
 * Time here is the order of blocks: contracts write down `block.number`, and whoever reads them compares that with the
 * numbers that the endpoint gives to blocks. On some chains the two are different clocks (Arbitrum's `block.number` is
 * Ethereum's), and every comparison would be wrong without anything failing.
 * @throws AffiantError ERR_CONFLICT_CHAIN if they differ, ERR_UNAVAILABLE_CHAIN if the endpoint does not say
 */
export async function assertOwnBlockNumbers(rpc: Eip1193, network: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const tag = String(await rpc.request({ method: "eth_blockNumber" }));
    let answer: string;
    try {
      // At that very block: between two questions others are mined, and a node behind the same address may lag.
      answer = String(await rpc.request({ method: "eth_call", params: [{ data: askNumber }, tag] }));
    } catch (cause) {
      if (attempt < attempts) continue;
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `${network}'s endpoint does not say what NUMBER is there`, {
        cause,
      });
    }
    if (!/^0x[0-9a-f]{64}$/i.test(answer)) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `${network}'s endpoint does not say what NUMBER is there`, {
        details: { answer: answer.slice(0, 80) },
      });
    }
    const [asked, number] = [BigInt(tag), BigInt(answer)];
    // Some nodes run a call as if it were in the block after.
    if (number === asked || number === asked + 1n) return;
    throw new AffiantError(
      "ERR_CONFLICT_CHAIN",
      `contracts on ${network} see block ${number} where the endpoint sees ${asked}: its block.number is another chain's`,
      {
        details: { blockNumber: asked.toString(), number: number.toString() },
        hint: "Every comparison of blocks would mix two clocks. Deploy to a chain whose contracts count its own blocks",
      },
    );
  }
}
