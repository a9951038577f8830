import type { AgentHead } from "../../protocol/api/types.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { formatAgentHead } from "../../protocol/log/agentHead.ts";
import { signNote } from "../../protocol/log/signedNote.ts";
import type { Log } from "./log.ts";

/**
 * Where an agent's entries end in the tree of a signed checkpoint, with the log's signed statement of it: whoever was
 * given fewer entries than it counts was given a cut tail, and whoever holds more holds the proof that it is false.
 * @throws AffiantError ERR_NOT_FOUND_PROOF if no checkpoint was signed at that size
 */
export function agentHeadAt(log: Log, did: string, size: number): AgentHead {
  const { root } = log.checkpointOf(size);
  const agent = log.agent(did);
  const count = agent ? countWithin(log, agent.id, agent.nextSeq, size) : 0;
  const last = agent && count > 0 ? log.entries.bySeq(agent.id, count - 1) : undefined;
  const entryId = last ? toHex(last.entryId) : null;
  const { signer } = log.keys.note;
  const text = formatAgentHead({ origin: signer.name, size, root, agent: did, count, lastEntryId: entryId });
  return { seq: count > 0 ? count - 1 : null, entryId, count, size, statement: signNote(text, signer) };
}

/** How many of an agent's entries are among the first `size` of the log: they stand there in the order of their `seq`. */
function countWithin(log: Log, agentId: number, nextSeq: number, size: number): number {
  let [low, high] = [0, nextSeq];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const entry = log.entries.bySeq(agentId, middle);
    if (entry && entry.index < size) low = middle + 1;
    else high = middle;
  }
  return low;
}
