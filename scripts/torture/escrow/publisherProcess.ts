/** A keeper of a group as a process of its own, which kills itself where it is told to. Settings are one JSON argument. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

import { JsonRpcProvider, Wallet } from "ethers";

import { RelayerClient } from "../../../agent/relayer/relayerClient.ts";
import { AttestedKeys } from "../../../orchestrator/escrow/attestedKeys.ts";
import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import { GroupKeeper } from "../../../orchestrator/escrow/groupKeeper.ts";
import { RelayerDeliveries } from "../../../orchestrator/escrow/relayerDeliveries.ts";
import { parseDeployment } from "../../../protocol/deployment.ts";
import { fromHex, type Hex } from "../../../protocol/encoding/hex.ts";

/** Where it dies: `none` runs to the end. */
export const deaths = [
  "before reading",
  "before delivering",
  "after delivering",
  "before sending",
  "after sending",
  "after mining",
] as const;
export type Death = (typeof deaths)[number] | "none";

export interface PublisherSettings {
  readonly rpcUrl: string;
  readonly relayerUrl: string;
  readonly deploymentPath: string;
  readonly account: Hex;
  readonly publisherPrivateKey: Hex;
  readonly group: Hex;
  readonly members: readonly string[];
  /** The epoch to rotate away from; "0": none. */
  readonly leave: string;
  readonly wrappers: Readonly<Record<string, string>>;
  readonly death: Death;
}

async function main(settings: PublisherSettings): Promise<void> {
  const dies = (at: Death): void => {
    if (settings.death === at) process.kill(process.pid, "SIGKILL");
  };
  const deployment = parseDeployment(readFileSync(settings.deploymentPath, "utf8"));
  const { keyEscrow, attestationRegistry } = deployment.contracts;
  const chainId = BigInt(deployment.chainId);
  const provider = new JsonRpcProvider(settings.rpcUrl, deployment.chainId, { staticNetwork: true, cacheTimeout: -1 });
  provider.pollingInterval = 20;
  const signer = new Wallet(settings.account, provider);
  const group = { chainId, escrow: keyEscrow.address, group: settings.group };
  const chain = new OrchestratorEscrow(signer, group);
  const nowSec = () => Math.floor(Date.now() / 1000);
  const relayer = new RelayerClient({ url: settings.relayerUrl, retry: { attempts: 1 } });
  const store = new RelayerDeliveries({ relayer, signer, group, nowSec });
  const attested = new AttestedKeys({
    provider,
    chainId,
    registry: attestationRegistry.address,
    sinceBlock: attestationRegistry.blockNumber,
    urlOf: (agent) => settings.wrappers[agent],
  });
  // The account's own `sendTransaction` is where the epoch leaves for the chain.
  const send = signer.sendTransaction.bind(signer);
  signer.sendTransaction = async (transaction) => {
    dies("before sending");
    const sent = await send(transaction);
    dies("after sending");
    return sent;
  };
  dies("before reading");
  const keeper = new GroupKeeper({
    group,
    chain,
    deliveries: {
      async put(keys) {
        dies("before delivering");
        await store.put(keys);
        dies("after delivering");
      },
    },
    encryptionKeyOf: (agent) => attested.of(agent),
    publisherPrivateKey: fromHex(settings.publisherPrivateKey, 32),
    random: (length) => new Uint8Array(randomBytes(length)),
    maxAgeBlocks: 10_000,
    graceBlocks: 5,
    members: () => settings.members,
  });
  keeper.demandRotation(BigInt(settings.leave));
  await keeper.step();
  dies("after mining");
  provider.destroy();
}

const [argument] = process.argv.slice(2);
if (argument !== undefined && import.meta.main) await main(JSON.parse(argument) as PublisherSettings);
