import type { Agent } from "../agent.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";

export interface HeartbeatOptions {
  /** The promise: an entry at least every so many blocks. A sign of life goes out after half of them without another entry. */
  readonly everyBlocks: number;
  /** How often the chain is looked at. Default 5 s; well under the time of `everyBlocks / 2` blocks. */
  readonly pollMs?: number;
  /** A heartbeat that cannot be delivered stays in the journal; this hears of it. */
  readonly onTrouble?: (error: unknown) => void;
}

export interface Heartbeats {
  /** Ends the promise with a last heartbeat, so that what follows is no silence. */
  stop(): Promise<void>;
  /** Ends without a word, as a crash would: for a process that hands the promise on to its successor. */
  abandon(): void;
}

/** Promises signs of life and keeps the promise until it is stopped. The first one is on record when this resolves. */
export async function startHeartbeats(agent: Agent, options: HeartbeatOptions): Promise<Heartbeats> {
  const { everyBlocks, pollMs = 5_000, onTrouble = () => undefined } = options;
  await agent.heartbeat(everyBlocks);
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => beatIfDue(agent, everyBlocks)).catch(onTrouble);
  }, pollMs);
  timer.unref();
  return {
    abandon: () => clearInterval(timer),
    stop: async () => {
      clearInterval(timer);
      await running;
      await agent.heartbeat(0);
    },
  };
}

/** @returns whether a heartbeat was due, and is on record */
export async function beatIfDue(agent: Agent, everyBlocks: number): Promise<boolean> {
  const head = agent.journal.head();
  const last = head ? decodeLeaf(head.leaf).claims.nb.blockNumber : -Infinity;
  if ((await agent.notBeforeBlock()) - last < everyBlocks / 2) return false;
  await agent.heartbeat(everyBlocks);
  return true;
}
