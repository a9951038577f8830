import { Interface, Wallet } from "ethers";
import { randomBytes } from "node:crypto";

import type { Deployment } from "../../../protocol/deployment.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";

/** A sponsored call as an agent sends it. */
export interface SignedCall {
  readonly target: string;
  readonly data: string;
}

const abi = new Interface(agentRegistryAbi);

/** Registrations of new accounts without ether, signed before any clock starts. */
export async function signCalls({ chainId, contracts }: Deployment, count: number): Promise<SignedCall[]> {
  const target = contracts.agentRegistry.address;
  const domain = agentRegistryDomain(BigInt(chainId), target);
  const types = signerTypes(agentRegistryTypes, "Register");
  const calls: SignedCall[] = [];
  for (let i = 0; i < count; i++) {
    const account = new Wallet(toHex(randomBytes(32)));
    const message = { agent: account.address, signingKey: signingKey(), nonce: 0n, deadline: 4_000_000_000n };
    const signature = await account.signTypedData(domain, types, message);
    const args = [message.agent, message.signingKey, message.nonce, message.deadline, signature];
    calls.push({ target, data: abi.encodeFunctionData("registerSigned", args) });
  }
  return calls;
}

/** The contract looks at the form of a key alone; those of small order are refused. */
function signingKey(): string {
  const key = randomBytes(32);
  key[31] = (key[31] ?? 0) & 0x3f;
  return toHex(key);
}
