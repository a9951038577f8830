import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import type { Wallet } from "ethers";

import type { TestChain } from "../../../test/helpers/world/chain.ts";
import type { RelayerHome } from "../../../test/helpers/world/relayer.ts";
import type { TortureClient } from "./client.ts";

interface ChainTransaction {
  readonly hash: string;
  readonly from: string;
  readonly to: string | null;
  readonly input: string;
  readonly nonce: string;
}

/** A transaction as a block holds it now. */
interface Replayed extends ChainTransaction {
  readonly blockNumber: number;
  readonly blockHash: string;
  readonly succeeded: boolean;
}

interface StoredJob {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly lane: string | null;
  readonly nonce: number | null;
  readonly txHash: string | null;
  readonly blockNumber: number | null;
  readonly blockHash: string | null;
}

/** What must hold when everything is over and the relayer has ended: read from the chain's blocks and the journal's file. */
export async function brokenPromises(
  chain: TestChain,
  home: RelayerHome,
  lanes: readonly Wallet[],
  clients: readonly TortureClient[],
  fromBlock: number,
): Promise<string[]> {
  const broken: string[] = [];
  const replayed = await replay(chain, lanes, fromBlock);
  const database = new DatabaseSync(join(home.dir, "relayer.db"), { readOnly: true });
  try {
    const jobs = database
      .prepare(
        `SELECT id, kind, state, lane, nonce, tx_hash AS txHash, block_number AS blockNumber, block_hash AS blockHash
         FROM job`,
      )
      .all() as unknown as StoredJob[];
    const attempts = database.prepare("SELECT hash, job FROM attempt").all() as { hash: string; job: string }[];
    checkEffects(clients, jobs, replayed, broken);
    checkState(jobs, attempts, replayed, broken);
    const ours = new Set(attempts.map(({ hash }) => hash));
    for (const lane of lanes) await checkLane(chain, database, lane, jobs, ours, broken);
  } finally {
    database.close();
  }
  return broken;
}

/** Every transaction of the lanes that the chain holds now. */
async function replay(chain: TestChain, lanes: readonly Wallet[], fromBlock: number): Promise<readonly Replayed[]> {
  const known = new Set(lanes.map(({ address }) => address.toLowerCase()));
  const head = await chain.provider.getBlockNumber();
  const found: Replayed[] = [];
  for (let number = fromBlock; number <= head; number++) {
    const block = (await chain.rpc("eth_getBlockByNumber", `0x${number.toString(16)}`, true)) as {
      readonly hash: string;
      readonly transactions: readonly ChainTransaction[];
    };
    for (const transaction of block.transactions) {
      if (!known.has(transaction.from.toLowerCase())) continue;
      const receipt = (await chain.rpc("eth_getTransactionReceipt", transaction.hash)) as { status: string };
      const succeeded = Number(receipt.status) === 1;
      found.push({ ...transaction, blockNumber: number, blockHash: block.hash, succeeded });
    }
  }
  return found;
}

/** Every accepted request took effect, exactly once, and its client can read so. */
function checkEffects(
  clients: readonly TortureClient[],
  jobs: readonly StoredJob[],
  replayed: readonly Replayed[],
  broken: string[],
): void {
  for (const { call, ids, refusals } of clients) {
    const who = call.actor.account.address;
    for (const refusal of refusals) broken.push(`${who}: a good call was refused: ${refusal}`);
    if (ids.size !== 1) broken.push(`${who}: one call has ${ids.size} requests`);
    const effects = replayed.filter(({ input, succeeded }) => succeeded && input === call.data).length;
    if (effects !== 1) broken.push(`${who}: a request took effect ${effects} times`);
    for (const id of ids) {
      const job = jobs.find((one) => one.id === id);
      if (job?.state !== "final") broken.push(`${who}: an accepted request ended as ${job?.state ?? "nothing"}`);
    }
  }
}

/** What the journal says is what the blocks say; and it knows every transaction that it ever signed. */
function checkState(
  jobs: readonly StoredJob[],
  attempts: readonly { readonly hash: string; readonly job: string }[],
  replayed: readonly Replayed[],
  broken: string[],
): void {
  const onChain = new Map(replayed.map((transaction) => [transaction.hash, transaction]));
  for (const { id, kind, state, txHash, blockNumber, blockHash } of jobs) {
    if (state !== "final" && state !== "failed") broken.push(`job ${id} (${kind}) is stuck as ${state}`);
    if (state !== "final") continue;
    const found = onChain.get(txHash ?? "");
    const agrees = found?.succeeded === true && found.blockNumber === blockNumber && found.blockHash === blockHash;
    if (!agrees) broken.push(`job ${id} (${kind}) is final, but not where the journal says`);
  }
  const known = new Set(attempts.map(({ hash }) => hash));
  // A transfer to oneself without data is a no-op of ours, or another program's: only calls must be ours.
  const unknown = replayed.filter(({ hash, input }) => input !== "0x" && !known.has(hash));
  for (const { hash } of unknown) broken.push(`transaction ${hash} of a lane is not in the journal`);
}

/** No nonce is missing, none of ours waits (another program's may), and the journal counts as the chain does. */
async function checkLane(
  chain: TestChain,
  database: DatabaseSync,
  { address }: Wallet,
  jobs: readonly StoredJob[],
  ours: ReadonlySet<string>,
  broken: string[],
): Promise<void> {
  const latest = await chain.provider.getTransactionCount(address, "latest");
  const inPool = (await waitingOf(chain, address)).filter(({ hash }) => ours.has(hash));
  for (const { hash, nonce } of inPool) broken.push(`lane ${address}: ${hash} waits at nonce ${Number(nonce)}`);
  const row = database.prepare("SELECT next_nonce AS next FROM lane WHERE address = ?").get(address);
  const next = (row as { next: number } | undefined)?.next ?? 0;
  if (next > latest) broken.push(`lane ${address}: the journal counts to ${next}, the chain to ${latest}`);
  const waiting = jobs.filter(({ lane, nonce }) => lane === address && nonce !== null && nonce >= latest);
  if (waiting.length > 0) broken.push(`lane ${address}: ${waiting.length} jobs hold nonces that the chain has not`);
}

type PoolPart = Readonly<Record<string, Readonly<Record<string, { readonly hash: string; readonly nonce: string }>>>>;

async function waitingOf(chain: TestChain, address: string) {
  const pool = (await chain.rpc("txpool_content")) as Record<"pending" | "queued", PoolPart>;
  return [pool.pending, pool.queued].flatMap((part) =>
    Object.entries(part).flatMap(([from, slots]) =>
      from.toLowerCase() === address.toLowerCase() ? Object.values(slots) : [],
    ),
  );
}
