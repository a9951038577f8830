import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Contract, type ContractRunner, Wallet } from "ethers";
import { pino } from "pino";

import { GroupMember, type MemberAgent, type MembershipOptions } from "../../../agent/channel/groupMember.ts";
import { type CarriedCall, escrowLane, signRecoveryRequest } from "../../../agent/escrow/escrowCalls.ts";
import { RelayerKeys } from "../../../agent/escrow/relayerKeys.ts";
import { RelayerClient } from "../../../agent/relayer/relayerClient.ts";
import { AttestedKeys } from "../../../orchestrator/escrow/attestedKeys.ts";
import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import { GroupKeeper, type GroupKeeperOptions } from "../../../orchestrator/escrow/groupKeeper.ts";
import { RelayerDeliveries } from "../../../orchestrator/escrow/relayerDeliveries.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { type EscrowGroup, groupIdOf } from "../../../protocol/escrow/ids.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { type Encapsulated, type RecipientKey, sharedSecretOf } from "../../../protocol/hpke/hpke.ts";
import { System, type SystemAgent } from "../attestation/system.ts";
import { RelayerHome, type RunningRelayer } from "../../../test/helpers/world/relayer.ts";

export interface WorldMember {
  readonly agent: SystemAgent;
  readonly address: string;
  readonly group: GroupMember;
  /** What it complained of, e.g. that the chain could not be told of a key. */
  readonly trouble: unknown[];
}

/**
 * Everything that a group's keys pass through, for real: a chain, wrapped programs that attest each other, a relayer, a
 * keeper of the group, and its members.
 */
export class EscrowWorld {
  readonly system: System;
  readonly folder: string;
  readonly home: RelayerHome;
  readonly relayer: RunningRelayer;
  readonly client: RelayerClient;
  readonly group: EscrowGroup;
  readonly escrow: Contract;
  readonly publisherPrivateKey = new Uint8Array(randomBytes(32));
  readonly keeper: GroupKeeper;
  readonly members: WorldMember[] = [];
  /** Everything that was drawn at random for keys: what must not be found anywhere. */
  readonly drawn: Uint8Array[] = [];
  /** Log lines of the relayer. */
  readonly log: string[];
  /** Addresses that are to be members. */
  wanted: string[] = [];

  private constructor(system: System, folder: string, home: RelayerHome, relayer: RunningRelayer, log: string[]) {
    this.system = system;
    this.folder = folder;
    this.home = home;
    this.relayer = relayer;
    this.log = log;
    this.client = new RelayerClient({ url: relayer.url, retry: { attempts: 1 } });
    const escrow = system.chain.deployment.contracts.keyEscrow.address;
    this.group = { chainId: BigInt(system.chain.deployment.chainId), escrow, group: groupIdOf("torture") };
    this.escrow = new Contract(escrow, keyEscrowAbi, system.chain.deployer);
    this.keeper = this.keeperOf();
  }

  static async start(agentCount: number): Promise<EscrowWorld> {
    const system = await System.start(agentCount);
    const folder = await mkdtemp(join(tmpdir(), "affiant-escrow-"));
    const home = await RelayerHome.make(system.chain);
    const log: string[] = [];
    const logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
    const relayer = await home.start({}, { logger });
    const world = new EscrowWorld(system, folder, home, relayer, log);
    for (const agent of system.agents) world.join(agent);
    return world;
  }

  readonly random = (length: number): Uint8Array => {
    const value = new Uint8Array(randomBytes(length));
    this.drawn.push(value.slice());
    return value;
  };

  /** What a publisher of the group has: the chain, the relayer, and the keys of attested evidence. */
  publisherParts(): Pick<GroupKeeperOptions, "group" | "chain" | "deliveries" | "encryptionKeyOf"> {
    const { chain } = this.system;
    const signer = chain.deployer;
    const { attestationRegistry } = chain.deployment.contracts;
    const attested = new AttestedKeys({
      provider: chain.provider,
      chainId: this.group.chainId,
      registry: attestationRegistry.address,
      sinceBlock: attestationRegistry.blockNumber,
      urlOf: (agent) => this.system.agentOf(agent).server?.url,
    });
    return {
      group: this.group,
      chain: new OrchestratorEscrow(signer, this.group),
      deliveries: new RelayerDeliveries({ relayer: this.client, signer, group: this.group, nowSec }),
      encryptionKeyOf: (agent) => attested.of(agent),
    };
  }

  /** Another keeper of the same group, as a process that is started again would be. */
  keeperOf(changes: Partial<GroupKeeperOptions> = {}): GroupKeeper {
    return new GroupKeeper({
      ...this.publisherParts(),
      publisherPrivateKey: this.publisherPrivateKey,
      random: this.random,
      maxAgeBlocks: 10_000,
      graceBlocks: 5,
      members: () => this.wanted,
      intervalMs: 50,
      ...changes,
    });
  }

  join(agent: SystemAgent, changes: Partial<MembershipOptions> = {}): WorldMember {
    const { account, signing } = agent;
    const { address } = account;
    if (!this.wanted.includes(address)) this.wanted.push(address);
    const { group, client, system } = this;
    const signer = { publicKey: signing.publicKey, sign: (message: Uint8Array) => signing.sign(message) };
    const keys = { relayer: client, group, member: address, signer, signingKey: signing.did, nowSec };
    const trouble: unknown[] = [];
    const own: MemberAgent = {
      address,
      provider: system.chain.provider,
      deliveries: new RelayerKeys(keys),
      tellEscrow: async (_purpose, epoch, sign) => {
        const nonce = (await this.escrow
          .getFunction("nonces(address,uint192)")
          .staticCall(address, escrowLane)) as bigint;
        const call = await sign({ signer: account, agent: address, epoch, nonce, deadline: 10_000_000_000n });
        await this.carry(call);
      },
    };
    const member = new GroupMember(own, {
      group,
      recipientKeys: () => this.recipientKeysOf(agent),
      replayPath: join(this.folder, `${address}-${randomBytes(4).toString("hex")}.db`),
      maxAgeMs: 0,
      onTrouble: (error) => void trouble.push(error),
      ...changes,
    });
    const joined = { agent, address, group: member, trouble };
    this.members.push(joined);
    return joined;
  }

  /** As the wrapper's hatch gives them: a function for each round that was answered. */
  recipientKeysOf({ wrapper }: SystemAgent): readonly RecipientKey[] {
    return wrapper.answered.rounds.map((round) => async (encapsulated: Encapsulated) => {
      const { privateKey: recipientPrivateKey } = await wrapper.encryptionKeys.forRound(round);
      return sharedSecretOf({ ...encapsulated, recipientPrivateKey });
    });
  }

  /** Through the relayer, until it is mined. */
  async carry({ target, data, idempotencyKey }: CarriedCall): Promise<void> {
    const { id } = await this.client.sendCall({ target, data }, idempotencyKey);
    for (;;) {
      const { state, error } = await this.client.callStatus(id);
      if (state === "mined" || state === "final") return;
      if (state === "failed") throw new Error(JSON.stringify(error));
      await sleep(20);
    }
  }

  /** From one member to another, and what came out there. */
  async say(from: WorldMember, to: WorldMember, text: string): Promise<{ text: string; epoch: bigint }> {
    const message = await from.group.seal(to.address, new Uint8Array(Buffer.from(text)));
    const { plaintext, epoch } = await to.group.open(message);
    return { text: Buffer.from(plaintext).toString(), epoch };
  }

  async isCurrent(): Promise<boolean> {
    return (await this.escrow.getFunction("isCurrent").staticCall(this.group.group)) as boolean;
  }

  async lastEpoch(): Promise<bigint> {
    return (await this.escrow.getFunction("lastEpoch").staticCall(this.group.group)) as bigint;
  }

  async holdersOf(epoch: bigint): Promise<readonly string[]> {
    const holders = (await this.escrow.getFunction("membersOfEpoch").staticCall(this.group.group, epoch)) as string[];
    return [...holders];
  }

  /** A member asks for an epoch's key back, through the relayer. @param recipientKey X25519, to which shares are sealed */
  async requestRecovery({ agent, address }: WorldMember, epoch: bigint, recipientKey: Hex): Promise<void> {
    const nonce = (await this.escrow.getFunction("nonces(address,uint192)").staticCall(address, escrowLane)) as bigint;
    const place = { ...this.group, epoch };
    const signing = { signer: agent.account, agent: address, epoch: place, nonce, deadline: 10_000_000_000n };
    await this.carry(await signRecoveryRequest(signing, recipientKey));
  }

  /** The account of somebody who is no agent, with ether. */
  async stranger(): Promise<Wallet> {
    const wallet = new Wallet(`0x${randomBytes(32).toString("hex")}`, this.system.chain.provider);
    await this.system.chain.fund(wallet.address);
    return wallet;
  }

  as(runner: ContractRunner): Contract {
    return this.escrow.connect(runner) as Contract;
  }

  async close(): Promise<void> {
    for (const { group } of this.members) {
      await group.settled();
      group.close();
    }
    await this.relayer.close();
    await this.system.close();
    await this.home.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const nowSec = (): number => Math.floor(Date.now() / 1000);
