import { setTimeout as sleep } from "node:timers/promises";

import { Contract, Interface, isError, type Signer } from "ethers";

import type { EpochDraft } from "./draftEpoch.ts";
import type { PublisherChain } from "./publisher.ts";
import type { GroupState } from "./rotation.ts";
import { fromHex, type Hex } from "../../protocol/encoding/hex.ts";
import { escrowLimits } from "../../protocol/escrow/limits.ts";
import type { EscrowGroup } from "../../protocol/escrow/ids.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { mined } from "../chain/mined.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";

/** The part of the AttestationRegistry that the publisher asks. */
const trustAbi = ["function isTrusted(address agent) view returns (bool)"];

/** Selector of `NoSuchGroup(bytes32)`. */
const noSuchGroup = new Interface(keyEscrowAbi).getError("NoSuchGroup")?.selector ?? "";

/** So long an endpoint may lag behind what it said itself. After that its chain has become shorter: a reorg. */
const catchUpMs = 10_000;

/** A group of a chain's KeyEscrow, written by the account that holds the orchestrator's role. */
export class OrchestratorEscrow implements PublisherChain {
  readonly #signer: Signer;
  readonly #group: Hex;
  readonly #escrow: Contract;
  #trust: Promise<Contract> | undefined;
  readonly #demanded = new Set<bigint>();
  /** The newest block that something of its own was mined in. */
  #ownBlock = 0;

  constructor(signer: Signer, { escrow, group }: EscrowGroup) {
    this.#signer = signer;
    this.#group = group;
    this.#escrow = new Contract(escrow, keyEscrowAbi, signer);
  }

  /**
   * Makes the next step rotate away from an epoch: when `verifyMisdelivery` says that a member's proof holds, or when a
   * member was attested anew with another encryption key, since the old one ended with its process.
   */
  demandRotation(epoch: bigint): void {
    this.#demanded.add(epoch);
  }

  async state(): Promise<GroupState> {
    const blockNumber = await this.#blockNumber();
    const at = { blockTag: blockNumber };
    const trust = await this.#trusted();
    const [view, members] = await Promise.all([
      this.#read<[bigint, boolean]>("viewOf", [this.#group, at]),
      this.#read<readonly string[]>("membersOf", [this.#group, at]),
    ]);
    const [lastEpoch, current] = view;
    const trusted = await Promise.all(members.map((member) => ask<boolean>(trust, "isTrusted", [member, at])));
    const [record, holders] =
      lastEpoch === 0n
        ? [{ publishedAtBlock: 0n }, []]
        : await Promise.all([
            this.#read<{ publishedAtBlock: bigint }>("epochOf", [this.#group, lastEpoch, at]),
            this.#read<readonly string[]>("membersOfEpoch", [this.#group, lastEpoch, at]),
          ]);
    return {
      lastEpoch,
      current,
      publishedAtBlock: Number(record.publishedAtBlock),
      blockNumber,
      holders: [...holders],
      entitled: [...members].filter((_, i) => trusted[i]),
      demanded: this.#demanded,
    };
  }

  async recoveryKey(): Promise<Uint8Array | undefined> {
    const generation = await this.#read<bigint>("lastGeneration", [this.#group]);
    if (generation === 0n) return undefined;
    const { recoveryKey } = await this.#read<{ recoveryKey: string }>("trusteesOf", [this.#group, generation]);
    return fromHex(recoveryKey, 32);
  }

  /** Makes the group unless it is there, and sets what differs. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
  async keepGroup(publisherKey: Hex, graceBlocks: number): Promise<void> {
    const known = await this.#known();
    if (!known) return this.#send("createGroup", [this.#group, publisherKey, graceBlocks]);
    if (known.publisherKey !== publisherKey) await this.#send("setPublisherKey", [this.#group, publisherKey]);
    if (known.graceBlocks !== BigInt(graceBlocks)) await this.#send("setGrace", [this.#group, graceBlocks]);
  }

  /**
   * Makes the group's members these, and no others, a page a transaction. Those who go lose the epoch in that very block; an
   * interrupted run is gone on with by another, which looks at what is there.
   * @throws AffiantError ERR_UNAVAILABLE_CHAIN
   */
  async keepMembers(wanted: readonly string[]): Promise<void> {
    const there = await this.#read<readonly string[]>("membersOf", [this.#group]);
    const gone = without(there, wanted);
    const missing = without(wanted, there);
    for (const page of pagesOf(gone)) await this.#send("removeMembers", [this.#group, page]);
    for (const page of pagesOf(missing)) await this.#send("addMembers", [this.#group, page]);
  }

  /** What was committed to for an epoch. @throws AffiantError ERR_UNAVAILABLE_CHAIN, also if there is no such epoch */
  async committed(epoch: bigint): Promise<{ readonly membersRoot: Hex; readonly keyCommitment: Hex }> {
    const { membersRoot, keyCommitment } = await this.#read<{ membersRoot: Hex; keyCommitment: Hex }>("epochOf", [
      this.#group,
      epoch,
    ]);
    return { membersRoot, keyCommitment };
  }

  /** @throws AffiantError ERR_INPUT_CONFIG for more members than an epoch takes, ERR_CONFLICT_EPOCH_STATE, ERR_UNAVAILABLE_CHAIN */
  async publish({ epoch, membersRoot, keyCommitment, members }: EpochDraft): Promise<{ blockNumber: number }> {
    if (members.length > escrowLimits.holders) {
      throw new AffiantError("ERR_INPUT_CONFIG", `${members.length} members: an epoch takes ${escrowLimits.holders}`, {
        hint: "Split the group: what everybody holds is no secret of a few",
        details: { got: members.length, limit: escrowLimits.holders },
      });
    }
    try {
      return await this.#mine("publishEpoch", [this.#group, epoch.epoch, membersRoot, keyCommitment, members]);
    } catch (cause) {
      // Refused when it was simulated, or mined and reverted: the chain is not what it was when the draft was made.
      if (isRevert(cause)) {
        throw new AffiantError("ERR_CONFLICT_EPOCH_STATE", `epoch ${epoch.epoch} was refused`, { cause });
      }
      throw unavailable(cause);
    }
  }

  /** Asked again after it failed: a failure is nobody's registry. */
  #trusted(): Promise<Contract> {
    this.#trust ??= this.#read<string>("attestationRegistry", [])
      .then((at) => new Contract(at, trustAbi, this.#signer))
      .catch((error: unknown) => {
        this.#trust = undefined;
        throw error;
      });
    return this.#trust;
  }

  /** undefined if there is no such group yet. */
  async #known(): Promise<{ readonly publisherKey: string; readonly graceBlocks: bigint } | undefined> {
    try {
      const [publisherKey, graceBlocks] = await this.#read<[string, bigint]>("groupOf", [this.#group]);
      return { publisherKey, graceBlocks };
    } catch (error) {
      if (revertDataOf((error as AffiantError).cause)?.startsWith(noSuchGroup)) return undefined;
      throw error;
    }
  }

  async #send(name: string, args: readonly unknown[]): Promise<void> {
    try {
      await this.#mine(name, args);
    } catch (cause) {
      throw unavailable(cause);
    }
  }

  async #mine(name: string, args: readonly unknown[]): Promise<{ blockNumber: number }> {
    const { blockNumber } = await mined(this.#escrow.getFunction(name)(...args));
    this.#ownBlock = Math.max(this.#ownBlock, blockNumber);
    return { blockNumber };
  }

  /** A block that is not older than what it sent itself: endpoints keep the number for a while, or lag behind each other. */
  async #blockNumber(): Promise<number> {
    const { provider } = this.#signer;
    if (!provider) throw unavailable(new Error("the account is not connected to a chain"));
    for (const until = Date.now() + catchUpMs; ; await sleep(50)) {
      const number = await provider.getBlockNumber().catch((cause: unknown) => {
        throw unavailable(cause);
      });
      if (number >= this.#ownBlock || Date.now() > until) {
        this.#ownBlock = number;
        return number;
      }
    }
  }

  #read<T>(name: string, args: readonly unknown[]): Promise<T> {
    return ask(this.#escrow, name, args);
  }
}

function pagesOf(addresses: readonly string[]): string[][] {
  const pages: string[][] = [];
  for (let at = 0; at < addresses.length; at += escrowLimits.batch) {
    pages.push(addresses.slice(at, at + escrowLimits.batch));
  }
  return pages;
}

function without(addresses: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others.map((address) => address.toLowerCase()));
  // A copy: what ethers hands out is frozen, and it cannot send such a list.
  return [...addresses].filter((address) => !known.has(address.toLowerCase()));
}

async function ask<T>(contract: Contract, name: string, args: readonly unknown[]): Promise<T> {
  try {
    return (await contract.getFunction(name).staticCall(...args)) as T;
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** Revert data of at least a selector: some providers put it where ethers does, others where JSON-RPC has it. */
function revertDataOf(error: unknown): string | undefined {
  const { data } = error as { data?: unknown };
  return typeof data === "string" && /^0x[0-9a-f]{8}/i.test(data) ? data.toLowerCase() : undefined;
}

/** The contract refused it when it was simulated, or when it was mined. A node's own refusal is none. */
function isRevert(error: unknown): boolean {
  const wasMined = isError(error, "CALL_EXCEPTION") && error.receipt?.status === 0;
  return wasMined || revertDataOf(error) !== undefined;
}

function unavailable(cause: unknown): AffiantError {
  return new AffiantError("ERR_UNAVAILABLE_CHAIN", "the KeyEscrow cannot be reached", { cause });
}
