import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { Contract, type Wallet } from "ethers";

import type { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { type EscrowGroup, groupIdOf } from "../../protocol/escrow/ids.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import type { Group } from "../descriptor/pipeline.ts";
import { OrchestratorEscrow } from "./chainEscrow.ts";
import { GroupKeeper } from "./groupKeeper.ts";
import type { Published } from "./publisher.ts";
import { openPublisherKey } from "./publisherKey.ts";
import { RelayerDeliveries } from "./relayerDeliveries.ts";

export interface GroupPublisherOptions {
  /** As the escrow's id is made of it: `<pipeline>/<group>`. */
  readonly name: string;
  readonly group: Group;
  readonly deployment: Deployment;
  /** Holds the orchestrator's role, and is connected to the chain. */
  readonly account: Wallet;
  readonly relayer: RelayerClient;
  /** Folder of the orchestrator's own keys. */
  readonly keyDir: string;
  /** Addresses of those who are to be members now. */
  readonly members: () => readonly string[];
  readonly encryptionKeyOf: (agent: string) => Promise<Uint8Array | undefined>;
}

/** One group of a pipeline: kept as it should be, and looked at. */
export class GroupPublisher {
  readonly name: string;
  readonly #place: EscrowGroup;
  readonly #contract: Contract;
  readonly #chain: OrchestratorEscrow;
  readonly #keeper: GroupKeeper;

  private constructor(options: GroupPublisherOptions, publisherPrivateKey: Uint8Array) {
    const { name, group, deployment, account, relayer, members, encryptionKeyOf } = options;
    const escrow = deployment.contracts.keyEscrow.address;
    this.name = name;
    this.#place = { chainId: BigInt(deployment.chainId), escrow, group: groupIdOf(name) };
    this.#contract = new Contract(escrow, keyEscrowAbi, account);
    this.#chain = new OrchestratorEscrow(account, this.#place);
    const nowSec = () => Math.floor(Date.now() / 1000);
    this.#keeper = new GroupKeeper({
      group: this.#place,
      chain: this.#chain,
      deliveries: new RelayerDeliveries({ relayer, signer: account, group: this.#place, nowSec }),
      encryptionKeyOf,
      publisherPrivateKey,
      random: (length) => randomBytes(length),
      members,
      maxAgeBlocks: group.maxAgeBlocks,
      graceBlocks: group.graceBlocks,
    });
  }

  static async open(options: GroupPublisherOptions): Promise<GroupPublisher> {
    return new GroupPublisher(options, await openPublisherKey(join(options.keyDir, "publisher.key")));
  }

  /** Makes the group and its members what they should be, and publishes the next epoch if one is due. */
  step(): Promise<Published | undefined> {
    return this.#keeper.step();
  }

  /** The last epoch, whether it is in force, and who was given its key; 0 = none was published. */
  async view(): Promise<{ readonly epoch: bigint; readonly current: boolean; readonly holders: readonly string[] }> {
    const { lastEpoch, current, holders } = await this.#chain.state();
    return { epoch: lastEpoch, current, holders };
  }

  /** A holder's key to open it with is gone, with its process: the next step makes a new epoch. */
  async demandRotation(): Promise<void> {
    const { epoch } = await this.view();
    if (epoch > 0n) this.#keeper.demandRotation(epoch);
  }

  /** Whose acknowledgements of an epoch stand on the chain. */
  async acknowledgedBy(epoch: bigint, members: readonly string[]): Promise<readonly string[]> {
    const has = this.#contract.getFunction("hasAcknowledged");
    const said = (await Promise.all(
      members.map((member) => has.staticCall(this.#place.group, epoch, member)),
    )) as boolean[];
    return members.filter((_, i) => said[i]);
  }
}
