import type { LanePass } from "./lanePass.ts";
import { readOutcome } from "./receipts.ts";

/**
 * Deep enough, or gone? Jobs are looked at by block: one whose hash still stands at its number needs no receipt read.
 * Where a reorg put another block, a job moves with its transaction or waits to be mined again.
 */
export async function followMined(pass: LanePass): Promise<void> {
  const { journal, heads, head, options } = pass;
  const deep: string[] = [];
  for (const { blockNumber, blockHash } of journal.minedBlocks()) {
    const isDeep = head.number - blockNumber + 1 >= options.confirmations;
    // What is settled is never looked at again, so memory does not decide it.
    const hash = await (isDeep ? heads.readHash(blockNumber) : heads.hashOf(blockNumber));
    if (hash !== blockHash) await findAgain(pass, blockHash);
    else if (isDeep) deep.push(blockHash);
  }
  const settled = deep.flatMap((hash) => journal.inBlock(hash));
  journal.settle(deep);
  for (const { id } of settled) pass.tell(id);
}

async function findAgain({ journal, rpc, tell, goOn }: LanePass, blockHash: string): Promise<void> {
  for (const job of journal.inBlock(blockHash)) {
    const outcome = await readOutcome(rpc, String(job.txHash));
    if (!outcome) {
      journal.unmine(job.id);
      goOn();
    } else if (outcome.mined.blockHash !== blockHash) {
      journal.mined([{ id: job.id, ...outcome }]);
    }
    tell(job.id);
  }
}
