import { Contract, id, type Wallet } from "ethers";

import { keyEscrowDomain, keyEscrowTypes } from "../../../protocol/eip712/keyEscrow.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { groupIdOf } from "../../../protocol/escrow/ids.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { attestedAgents } from "./attestedAgents.ts";
import { type GasChain, gasChain, gasOf } from "./chain.ts";
import type { GasRow } from "./row.ts";

const deadline = 10_000_000_000n;
/** As many blocks as a published epoch may still be listened to. */
const graceBlocks = 5;

/** Key escrow, over the attestation registry as it is deployed. */
export async function measure(): Promise<readonly GasRow[]> {
  const chain = await gasChain();
  const agents = await attestedAgents(chain, 128);
  const rows: GasRow[] = [];
  for (const count of [8, 32, 128]) rows.push(...(await group(chain, agents.slice(0, count))));
  return rows;
}

/** A group's first epoch, its second, and one member's acknowledgement of it. */
export async function group(chain: GasChain, agents: readonly Wallet[]): Promise<GasRow[]> {
  const escrowAt = chain.deployment.contracts.keyEscrow.address;
  const escrow = new Contract(escrowAt, keyEscrowAbi, chain.deployer);
  const group = groupIdOf(`group of ${agents.length}`);
  const members = agents.map(({ address }) => address);
  await gasOf(escrow.getFunction("createGroup")(group, id("publisher"), graceBlocks));
  await gasOf(escrow.getFunction("addMembers")(group, members));
  const publish = (epoch: bigint) =>
    gasOf(escrow.getFunction("publishEpoch")(group, epoch, id("root"), id("commitment"), members));
  const [member] = agents;
  if (member === undefined) throw new Error("a group has members");
  const message = {
    agent: member.address,
    group,
    epoch: 2n,
    keyCommitment: id("commitment"),
    nonce: BigInt(agents.length) << 64n,
    deadline,
  };
  const first = await publish(1n);
  const next = await publish(2n);
  const signature = await member.signTypedData(
    keyEscrowDomain(chain.chainId, escrowAt),
    signerTypes(keyEscrowTypes, "Acknowledge"),
    message,
  );
  const acknowledge = await gasOf(escrow.getFunction("acknowledgeSigned")(...Object.values(message), signature));
  return [
    { name: `publish 1st epoch, ${agents.length} members`, gas: first },
    { name: `publish next epoch, ${agents.length} members`, gas: next },
    ...(agents.length === 8 ? [{ name: "acknowledge, signed", gas: acknowledge }] : []),
  ];
}
