import type { Wallet } from "ethers";

import type { TestChain } from "../../../test/helpers/world/chain.ts";
import type { Fault, FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import type { Dice } from "../../../test/helpers/world/mutations.ts";
import type { TestRedis } from "../../../test/helpers/world/redis.ts";
import type { Fleet } from "./fleet.ts";

/** What the faults of a round work on. */
export interface Battlefield {
  readonly chain: TestChain;
  readonly proxy: FaultProxy;
  /** The relayer's lanes; their keys are used from elsewhere too. */
  readonly lanes: readonly Wallet[];
  readonly dice: Dice;
  readonly fleet: Fleet;
  /** Undefined: one relayer alone. */
  readonly redis: TestRedis | undefined;
}

export type FaultKind = keyof typeof faults;

/** What only several processes on one journal can meet. */
const sharedFaults = {
  FLUSHALL: async ({ redis }: Battlefield) => (await redis?.command("FLUSHALL").catch(() => "down")) === "OK",
  "Redis killed": async ({ redis }: Battlefield) => {
    if (!redis?.isUp) return false;
    await redis.kill();
    return true;
  },
  "SIGKILL of a process, the others go on": async ({ fleet, dice }: Battlefield) => fleet.kill(dice),
  /** Beyond its lease: when it wakes, another leads its lanes. */
  "process asleep beyond its lease": ({ fleet, dice }: Battlefield) => Promise.resolve(fleet.putToSleep(dice)),
} as const;

/** One blow each. @returns whether it was struck: some need something to strike at */
export const faults = {
  /** The node takes a transaction, its answer never comes. */
  "answer lost after acceptance": (field: Battlefield) => breakNext(field, /eth_sendRawTransaction/, { kind: "lose" }),
  "transaction lost on its way": (field: Battlefield) => breakNext(field, /eth_sendRawTransaction/, { kind: "drop" }),
  "any call lost": (field: Battlefield) => breakNext(field, /./, { kind: "drop" }),
  "half an answer": (field: Battlefield) => breakNext(field, /./, { kind: "cut" }),
  "502 from a gateway": (field: Battlefield) => breakNext(field, /./, { kind: "answer", status: 502, body: "bad" }),
  "429 from a gateway": (field: Battlefield) => breakNext(field, /./, { kind: "answer", status: 429, body: "slow" }),
  /** A node that will never take this transaction. */
  "transaction refused for good": (field: Battlefield) => {
    const error = { code: -32000, message: "exceeds block gas limit" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: null, error });
    // One that travels alone: a batch cannot be refused in one answer.
    return breakNext(field, /^\{.*eth_sendRawTransaction/, { kind: "answer", status: 200, body });
  },
  /** No revert: the node, not the contract, has a reason. */
  "call not run by the node": (field: Battlefield) => {
    const error = { code: -32603, message: "Internal error" };
    const body = JSON.stringify({ jsonrpc: "2.0", id: null, error });
    return breakNext(field, /^\{.*(eth_call|eth_estimateGas)/, { kind: "answer", status: 200, body });
  },
  "transaction forgotten by the pool": async ({ chain, dice }: Battlefield) => {
    const { pending, queued } = (await chain.rpc("txpool_content")) as Record<"pending" | "queued", PoolPart>;
    const hashes = [pending, queued].flatMap((part) => Object.values(part).flatMap((slots) => Object.values(slots)));
    if (hashes.length === 0) return false;
    await chain.rpc("anvil_dropTransaction", dice.pick(hashes).hash);
    return true;
  },
  /** The key is used from elsewhere, for a price that beats whatever waits at this nonce. */
  "nonce taken by another program": async ({ chain, lanes, dice }: Battlefield) => {
    const wallet = dice.pick(lanes);
    const nonce = await chain.provider.getTransactionCount(wallet.address, "latest");
    const fees = { maxFeePerGas: 300_000_000_000n, maxPriorityFeePerGas: 50_000_000_000n };
    const { chainId } = chain.deployment;
    const raw = await wallet.signTransaction({
      type: 2,
      chainId,
      nonce,
      to: wallet.address,
      gasLimit: 21_000,
      ...fees,
    });
    return chain.rpc("eth_sendRawTransaction", raw).then(
      () => true,
      () => false,
    );
  },
  "base fee beyond what was signed": async ({ chain }: Battlefield) => {
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x4a817c800"); // 20 gwei
    return true;
  },
  reorg: async ({ chain, dice }: Battlefield) => {
    await chain.rpc("anvil_reorg", 1 + dice.below(maxReorg), []);
    return true;
  },
  ...sharedFaults,
} as const;

/** Those that a relayer alone can meet, and with Redis those of several processes as well. */
export function faultKinds(redis: TestRedis | undefined): readonly FaultKind[] {
  const kinds = Object.keys(faults) as FaultKind[];
  return redis ? kinds : kinds.filter((kind) => !(kind in sharedFaults));
}

/** Strikes in one round, at most: a request that is refused for good three times fails, and rightly. */
export const strikeLimits: Readonly<Partial<Record<FaultKind, number>>> = { "transaction refused for good": 2 };

/** Below the confirmations of the torture's relayers: what is final stays so. */
export const maxReorg = 4;

type PoolPart = Record<string, Record<string, { readonly hash: string }>>;

function breakNext({ proxy }: Battlefield, calls: RegExp, fault: Fault): Promise<boolean> {
  let left = 1;
  proxy.plan(({ body }) => (calls.test(body) && left-- > 0 ? fault : undefined));
  return Promise.resolve(true);
}
