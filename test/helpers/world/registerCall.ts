import { Interface, type Wallet } from "ethers";

import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { Actor } from "./actor.ts";
import type { TestChain } from "./chain.ts";

const abi = new Interface(agentRegistryAbi);

/** A sponsored call that takes effect once at most: the registration of an account without ether. */
export interface RegisterCall {
  readonly actor: Actor;
  readonly target: string;
  readonly data: string;
}

/** @param signer who signs; the actor itself, if the call is to succeed */
export async function registerCall(chain: TestChain, signer?: Wallet, actor = new Actor(chain)): Promise<RegisterCall> {
  const target = chain.deployment.contracts.agentRegistry.address;
  const agent = actor.account.address;
  const signingKey = toHex(actor.key.publicKey);
  const message = { agent, signingKey, nonce: 0n, deadline: 4_000_000_000n };
  const domain = agentRegistryDomain(BigInt(chain.deployment.chainId), target);
  const types = signerTypes(agentRegistryTypes, "Register");
  const signature = await (signer ?? actor.account).signTypedData(domain, types, message);
  const args = [agent, signingKey, message.nonce, message.deadline, signature];
  return { actor, target, data: abi.encodeFunctionData("registerSigned", args) };
}
