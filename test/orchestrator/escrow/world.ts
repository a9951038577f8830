import { createHash, randomBytes } from "node:crypto";

import type { HardhatEthers } from "@nomicfoundation/hardhat-ethers/types";
import type { Signer } from "ethers";

import { GroupChannel } from "../../../agent/channel/groupChannel.ts";
import { SqliteReplayWindows } from "../../../agent/channel/replayWindow.ts";
import { ChainEscrow, type EscrowSource } from "../../../agent/escrow/escrowReader.ts";
import { GroupWatch } from "../../../agent/escrow/groupWatch.ts";
import { KeyHolder } from "../../../agent/escrow/keyHolder.ts";
import type { Received } from "../../../agent/escrow/receiveKey.ts";
import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import { DeliveryFolder } from "../../../orchestrator/escrow/deliveryFolder.ts";
import { EpochPublisher, type PublisherOptions } from "../../../orchestrator/escrow/publisher.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import { escrowWorld } from "../../contracts/escrowWorld.ts";

export const graceBlocks = 5;
export const maxAgeBlocks = 1000;
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
export const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

/** The private X25519 key of an agent's evidence, as tests make it. */
export function privateKeyOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(`encryption key of ${name}`).digest());
}

/** A group with members on a chain, its publisher, and everything that a member runs. */
export async function escrowSystem(ethers: HardhatEthers, folder: string, agentCount = 3) {
  const world = await escrowWorld(ethers, agentCount);
  const { escrow, escrowAt, agents, admin } = world;
  const { chainId } = await ethers.provider.getNetwork();
  const group = { chainId, escrow: escrowAt, group: world.group };
  const publisherPrivateKey = privateKeyOf("publisher");
  await escrow.createGroup(group.group, encryptionKeyOf(publisherPrivateKey), graceBlocks);
  await escrow.addMembers(
    group.group,
    agents.map(({ address }) => address),
  );
  /** Everything drawn at random by the publisher: what must not be found anywhere. */
  const drawn: Uint8Array[] = [];
  const random = (length: number): Uint8Array => {
    const value = new Uint8Array(randomBytes(length));
    drawn.push(value.slice());
    return value;
  };
  const deliveries = new DeliveryFolder(folder);
  const chain = new OrchestratorEscrow(admin as Signer, group);
  const publisher = (changes: Partial<PublisherOptions> = {}) =>
    new EpochPublisher({
      group,
      chain,
      deliveries,
      encryptionKeyOf: async (agent) => encryptionKeyOf(privateKeyOf(agent)),
      publisherPrivateKey,
      random,
      maxAgeBlocks,
      ...changes,
    });
  const member = (address: string, source: EscrowSource = new ChainEscrow(ethers.provider, group)) => {
    const received: [bigint, Received][] = [];
    const clock = { nowMs: 0 };
    const keys = new KeyHolder({
      group,
      member: address,
      privateKeys: () => [privateKeyOf(address)],
      source,
      deliveries: deliveries.for(address),
      onReceived: async (epoch, what) => void received.push([epoch, what]),
    });
    const watch = new GroupWatch({ source, maxAgeMs: 0, maxLagBlocks: 3, nowMs: () => clock.nowMs++ });
    const channel = new GroupChannel({
      group,
      self: address,
      watch,
      keys,
      replay: new SqliteReplayWindows(":memory:"),
    });
    return { address, keys, watch, channel, received, clock };
  };
  return { ...world, groupAt: group, chain, deliveries, publisher, publisherPrivateKey, member, drawn, folder };
}
