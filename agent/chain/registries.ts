import { Contract, type EventLog } from "ethers";

import type { Rpc } from "./rpc.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { NotBeforeBlock } from "../../protocol/entry/claims.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";

/** What an entry says of the chain: a block that it was signed after, and the policy in force at that block. */
export interface Standing {
  readonly nb: NotBeforeBlock;
  readonly policy: Hex;
}

/** A version of an agent's policy. */
export interface CommittedPolicy {
  readonly policyHash: Hex;
  /** From 1. */
  readonly version: number;
  readonly sinceBlock: number;
}

/** The registries that take signed requests of agents. */
export type SigningRegistry = "agentRegistry" | "policyRegistry" | "contractRegistry" | "keyEscrow";

interface SigningKeyState {
  readonly key: Hex;
  readonly addedAtBlock: bigint;
  readonly revokedAtBlock: bigint;
}

interface AgentState {
  readonly active: boolean;
  readonly signingKeys: readonly SigningKeyState[];
  readonly cardUri: string;
  readonly cardHash: Hex;
}

/** An agent's card as the chain names it. */
export interface PublishedCard {
  readonly uri: string;
  /** SHA-256 of the bytes at the URI. */
  readonly contentHash: Hex;
  /** 32 bytes each: ASCII, zeros behind. */
  readonly capabilities: readonly Hex[];
  /** Keys that speak for the agent now, 32 bytes each; none if it was deactivated. */
  readonly signingKeys: readonly Hex[];
}

/** The agent's view of the registries. */
export class Registries {
  readonly #rpc: Rpc;
  readonly #agents: Contract;
  readonly #policies: Contract;
  readonly #contracts: Contract;
  readonly #escrow: Contract;
  /** Block in which the agents' registry came into being: there are no events before. */
  readonly #sinceBlock: number;

  constructor(rpc: Rpc, { contracts }: Deployment) {
    this.#rpc = rpc;
    this.#sinceBlock = contracts.agentRegistry.blockNumber;
    this.#agents = new Contract(contracts.agentRegistry.address, agentRegistryAbi, rpc.provider);
    this.#policies = new Contract(contracts.policyRegistry.address, policyRegistryAbi, rpc.provider);
    this.#contracts = new Contract(contracts.contractRegistry.address, contractRegistryAbi, rpc.provider);
    this.#escrow = new Contract(contracts.keyEscrow.address, keyEscrowAbi, rpc.provider);
  }

  isActive(agent: string): Promise<boolean> {
    return this.#read(this.#agents, "isActive", [agent]);
  }

  /** Whether the key is one of the agent's, now. */
  async isSigningKey(agent: string, publicKey: Uint8Array): Promise<boolean> {
    return (await this.#validSince(agent, publicKey)) !== undefined;
  }

  /** Every key that the agent has or had, 32 bytes each. */
  async signingKeysOf(agent: string): Promise<ReadonlySet<Hex>> {
    const { signingKeys } = await this.#resolve(agent);
    return new Set(signingKeys.map(({ key }) => key));
  }

  /** The agent's zero-knowledge identity and the block in which it was proved; null if none was. */
  async commitmentOf(agent: string): Promise<{ readonly commitment: bigint; readonly blockNumber: number } | null> {
    const [commitment, blockNumber] = await this.#read<[bigint, bigint]>(this.#agents, "commitmentOf", [agent]);
    return commitment === 0n ? null : { commitment, blockNumber: Number(blockNumber) };
  }

  /** The card that the agent publishes; null if none. */
  async cardOf(agent: string): Promise<PublishedCard | null> {
    const { active, cardUri, cardHash, signingKeys } = await this.#resolve(agent);
    if (cardUri === "" && BigInt(cardHash) === 0n) return null;
    return {
      uri: cardUri,
      contentHash: cardHash,
      capabilities: await this.#capabilitiesOf(agent, cardHash),
      signingKeys: active ? signingKeys.filter((key) => key.revokedAtBlock === 0n).map(({ key }) => key) : [],
    };
  }

  /** The policy in force at the newest block, or null if the agent has committed to none. */
  async policyOf(agent: string): Promise<CommittedPolicy | null> {
    const latest = await this.#block("latest");
    return this.#inForce(agent, latest.number);
  }

  /** The next nonce of an account in one lane (OpenZeppelin NoncesKeyed: 192-bit lane << 64 | sequence). */
  nonce(registry: SigningRegistry, account: string, lane: bigint): Promise<bigint> {
    const contracts = {
      agentRegistry: this.#agents,
      policyRegistry: this.#policies,
      contractRegistry: this.#contracts,
      keyEscrow: this.#escrow,
    };
    return this.#read(contracts[registry], "nonces(address,uint192)", [account, lane]);
  }

  /** The block in which the agent revoked a contract; undefined if it did not. */
  async revokedAtBlock(agent: string, contractId: Hex): Promise<number | undefined> {
    const blockNumber = await this.#read<bigint>(this.#contracts, "revokedAtBlock", [agent, contractId]);
    return blockNumber === 0n ? undefined : Number(blockNumber);
  }

  async blockNumber(): Promise<number> {
    return (await this.#block("latest")).number;
  }

  /** Unix seconds, of the newest block: what a contract measures deadlines by. */
  async timestampSec(): Promise<number> {
    return (await this.#block("latest")).timestamp;
  }

  /**
   * The block and the policy that the agent's next entry names: `depth` blocks behind the newest, so that a small
   * reorganisation does not make the entry name a block that never was; but not before the agent's policy and signing
   * key were on the chain, since the entry would then claim what was not yet in force.
   * @throws AffiantError ERR_CONFLICT_AGENT_UNREGISTERED, ERR_CONFLICT_NO_POLICY, ERR_UNAVAILABLE_CHAIN
   */
  async standing(agent: string, publicKey: Uint8Array, chainId: number, depth: number): Promise<Standing> {
    const latest = await this.#block("latest");
    const [keySince, policy] = await Promise.all([
      this.#validSince(agent, publicKey),
      this.#inForce(agent, latest.number),
    ]);
    if (keySince === undefined) {
      throw new AffiantError(
        "ERR_CONFLICT_AGENT_UNREGISTERED",
        "the agent's signing key is not registered on the chain",
        {
          hint: "Register it first: agent.register(), or affiant policy commit FOLDER --agent NAME.",
        },
      );
    }
    if (policy === null) {
      throw new AffiantError("ERR_CONFLICT_NO_POLICY", "the agent has committed to no policy yet", {
        hint: "Commit one before it acts: affiant policy commit FOLDER --agent NAME.",
      });
    }
    const wanted = Math.max(latest.number - depth, keySince, policy.sinceBlock);
    const block = wanted >= latest.number ? latest : await this.#block(wanted);
    return {
      nb: { blockHash: block.hash as Hex, blockNumber: block.number, chainId },
      policy: policy.policyHash,
    };
  }

  async #validSince(agent: string, publicKey: Uint8Array): Promise<number | undefined> {
    const state = await this.#resolve(agent);
    const wanted = toHex(publicKey);
    const found = state.signingKeys.find(({ key, revokedAtBlock }) => key === wanted && revokedAtBlock === 0n);
    return state.active && found ? Number(found.addedAtBlock) : undefined;
  }

  /** Tags are in events only; those of the newest card hold. */
  async #capabilitiesOf(agent: string, cardHash: Hex): Promise<readonly Hex[]> {
    const filter = this.#agents.filters["CardPublished"]?.(agent);
    if (!filter) throw new AffiantError("ERR_INTERNAL_UNEXPECTED", "the registry's ABI has no CardPublished");
    const found = await this.#rpc.ask(() => this.#agents.queryFilter(filter, this.#sinceBlock));
    const args = (found.at(-1) as EventLog | undefined)?.args;
    // Between the two questions a newer card may have come.
    if (args?.["contentHash"] !== cardHash) {
      throw new AffiantError(
        "ERR_UNAVAILABLE_CHAIN",
        "the agent's card changed while it was read, or its event is not there",
      );
    }
    return [...(args["capabilities"] as readonly Hex[])];
  }

  #resolve(agent: string): Promise<AgentState> {
    return this.#read(this.#agents, "resolve", [agent]);
  }

  async #inForce(agent: string, blockNumber: number): Promise<CommittedPolicy | null> {
    const { policyHash, version, sinceBlock } = await this.#read<{
      policyHash: Hex;
      version: bigint;
      sinceBlock: bigint;
    }>(this.#policies, "inForce", [agent, blockNumber]);
    return version === 0n ? null : { policyHash, version: Number(version), sinceBlock: Number(sinceBlock) };
  }

  async #block(which: number | "latest"): Promise<{ number: number; hash: string; timestamp: number }> {
    const block = await this.#rpc.ask((provider) => provider.getBlock(which));
    if (block?.hash) return { number: block.number, hash: block.hash, timestamp: block.timestamp };
    throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `the chain's endpoint does not know block ${which}`);
  }

  #read<T>(contract: Contract, name: string, args: readonly unknown[]): Promise<T> {
    return this.#rpc.ask(() => contract.getFunction(name).staticCall(...args) as Promise<T>);
  }
}
