import { ed25519 } from "@noble/curves/ed25519.js";
import {
  Contract,
  type ContractMethod,
  encodeBytes32String,
  getBytes,
  id,
  type Signer,
  Wallet,
  ZeroAddress,
} from "ethers";

import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { policyRegistryDomain, policyRegistryTypes } from "../../../protocol/eip712/policyRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { type GasChain, gasChain, gasOf } from "./chain.ts";
import type { GasRow } from "./row.ts";

const deadline = 10_000_000_000n;

/** The same key for the same number, everywhere. */
function signingKey(number: number): string {
  return toHex(ed25519.getPublicKey(new Uint8Array(32).fill(number)));
}

/** Identities and policies: each row is a transaction of an agent as it would be sent, through the proxy. */
export async function measure(): Promise<readonly GasRow[]> {
  const chain = await gasChain();
  return [...(await keys(chain)), ...(await signed(chain)), ...(await owners(chain)), ...(await policies(chain))];
}

function registries({ deployment }: GasChain, sender: Signer) {
  return {
    agents: new Contract(deployment.contracts.agentRegistry.address, agentRegistryAbi, sender),
    policies: new Contract(deployment.contracts.policyRegistry.address, policyRegistryAbi, sender),
  };
}

async function account({ accounts }: GasChain, index: number): Promise<readonly [Signer, string]> {
  const signer = accounts[index];
  if (signer === undefined) throw new Error(`the chain has no account ${index}`);
  return [signer, await signer.getAddress()];
}

async function keys(chain: GasChain): Promise<GasRow[]> {
  const [signer, agent] = await account(chain, 0);
  const { agents } = registries(chain, signer);
  const add = agents.getFunction("addSigningKey");
  return [
    { name: "register", gas: await gasOf(agents.getFunction("register")(signingKey(1))), target: 80_000 },
    { name: "add signing key, 2nd", gas: await gasOf(add(agent, signingKey(2))), target: 45_000 },
    { name: "add signing key, 3rd", gas: await gasOf(add(agent, signingKey(3))) },
    { name: "add signing key, 4th", gas: await gasOf(add(agent, signingKey(4))) },
    { name: "revoke signing key", gas: await gasOf(agents.getFunction("revokeSigningKey")(agent, signingKey(2))) },
    {
      name: "rotate signing key",
      gas: await gasOf(agents.getFunction("rotateSigningKey")(agent, signingKey(1), signingKey(5))),
    },
  ];
}

async function signed(chain: GasChain): Promise<GasRow[]> {
  const [carrier] = await account(chain, 1);
  const { agents, policies } = registries(chain, carrier);
  const owner = new Wallet(id("an agent without ether"));
  const agent = owner.address;
  const agentDomain = agentRegistryDomain(chain.chainId, chain.deployment.contracts.agentRegistry.address);
  const policyDomain = policyRegistryDomain(chain.chainId, chain.deployment.contracts.policyRegistry.address);

  const registration = { agent, signingKey: signingKey(6), nonce: 0n, deadline };
  const key = { agent, signingKey: signingKey(7), nonce: 1n, deadline };
  const policy = { agent, policyHash: id("policy"), nonce: 0n, deadline };
  const signatures = await Promise.all([
    owner.signTypedData(agentDomain, signerTypes(agentRegistryTypes, "Register"), registration),
    owner.signTypedData(agentDomain, signerTypes(agentRegistryTypes, "AddSigningKey"), key),
    owner.signTypedData(policyDomain, signerTypes(policyRegistryTypes, "Commit"), policy),
  ]);
  return [
    {
      name: "register, signed",
      gas: await carried(agents.getFunction("registerSigned"), registration, signatures[0]),
    },
    {
      name: "add signing key, signed",
      gas: await carried(agents.getFunction("addSigningKeySigned"), key, signatures[1]),
    },
    {
      name: "commit policy, signed, 1st",
      gas: await carried(policies.getFunction("commitSigned"), policy, signatures[2]),
    },
  ];
}

/**
 * A signature changes with the contract's address, and a zero byte in it costs 12 gas less (EIP-2028). Counted as if it
 * had none, so that the figure is the same wherever the contract lies.
 */
async function carried(write: ContractMethod, message: object, signature: string): Promise<number> {
  const zeros = getBytes(signature).filter((byte) => byte === 0).length;
  return (await gasOf(write(...(Object.values(message) as unknown[]), signature))) + 12 * zeros;
}

async function owners(chain: GasChain): Promise<GasRow[]> {
  const [signer, agent] = await account(chain, 2);
  const [next, nextOwner] = await account(chain, 3);
  const { agents } = registries(chain, signer);
  await gasOf(agents.getFunction("register")(signingKey(8)));
  const name = encodeBytes32String("did/pub/X25519/enc/base58");
  const setAttribute = agents.getFunction("setAttribute");
  const card = ["https://agents.example/card.json", id("card"), []];
  return [
    { name: "set attribute", gas: await gasOf(setAttribute(agent, name, signingKey(9), 86_400)) },
    { name: "set card, 32-byte URI", gas: await gasOf(agents.getFunction("setCard")(agent, ...card)) },
    { name: "change owner: offer", gas: await gasOf(agents.getFunction("changeOwner")(agent, nextOwner)) },
    {
      name: "change owner: accept",
      gas: await gasOf(registries(chain, next).agents.getFunction("acceptOwner")(agent)),
    },
    {
      name: "deactivate",
      gas: await gasOf(registries(chain, next).agents.getFunction("deactivate")(agent, ZeroAddress)),
    },
  ];
}

async function policies(chain: GasChain): Promise<GasRow[]> {
  const [signer, agent] = await account(chain, 0);
  const commit = registries(chain, signer).policies.getFunction("commit");
  const gas: number[] = [];
  for (let version = 1; version <= 7; version++) gas.push(await gasOf(commit(agent, id(`policy ${version}`))));
  return [
    { name: "commit policy, 1st", gas: gas[0] ?? 0, target: 60_000 },
    { name: "commit policy, 2nd", gas: gas[1] ?? 0, target: 45_000 },
    { name: "commit policy, 6th", gas: gas[5] ?? 0 },
    { name: "commit policy, 7th", gas: gas[6] ?? 0 },
  ];
}
