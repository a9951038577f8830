import { ed25519 } from "@noble/curves/ed25519.js";
import { Contract, id, type Signer, Wallet } from "ethers";

import {
  type KeyOwnershipRequest,
  type ProvedKeyOwnership,
  proveKeyOwnership,
} from "../../../agent/proving/proveKeyOwnership.ts";
import { Prover } from "../../../agent/proving/prover.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { verifierRegistryAbi } from "../../../protocol/generated/abi/VerifierRegistry.ts";
import { circuitIdOf } from "../../../protocol/zk/circuitId.ts";
import { keyOwnershipSignals } from "../../../protocol/zk/keyOwnership.ts";
import { toSignalArray } from "../../../protocol/zk/publicSignals.ts";
import { gasChain, gasOf } from "./chain.ts";
import type { GasRow } from "./row.ts";

const deadline = 10_000_000_000n;

/** Proofs of key ownership: the verifier alone, by way of the table, and with what the registry stores. */
export async function measure(): Promise<readonly GasRow[]> {
  const chain = await gasChain();
  const prover = await Prover.open("key-ownership");
  try {
    const { agentRegistry, verifierRegistry } = chain.deployment.contracts;
    const [owner, carrier] = chain.accounts as readonly [Signer, Signer];
    const agents = new Contract(agentRegistry.address, agentRegistryAbi, owner);
    const domain = agentRegistryDomain(chain.chainId, agentRegistry.address);
    await gasOf(agents.getFunction("register")(signingKey(11)));

    const agent = await owner.getAddress();
    const ours = await proveEvenly(
      { privateKey: 11n, domain, claim: { agent, recipient: agent, nonce: 0n, deadline } },
      prover,
    );
    const signals = toSignalArray("key-ownership", keyOwnershipSignals(domain, ours.claim));
    const table = new Contract(verifierRegistry.address, verifierRegistryAbi, owner);
    const verify = await table
      .getFunction("verifyProof")
      .populateTransaction(circuitIdOf("key-ownership"), ours.proof, signals);
    const verified = await (await owner.sendTransaction(verify)).wait();

    const poor = new Wallet(id("an agent without ether, with a key"));
    const carried = new Contract(agentRegistry.address, agentRegistryAbi, carrier);
    const registration = { agent: poor.address, signingKey: signingKey(12), nonce: 0n, deadline };
    const registered = await poor.signTypedData(domain, signerTypes(agentRegistryTypes, "Register"), registration);
    await gasOf(carried.getFunction("registerSigned")(...Object.values(registration), registered));
    const claim = { agent: poor.address, recipient: poor.address, nonce: 1n, deadline };
    const theirs = await proveEvenly({ privateKey: 12n, domain, claim }, prover);
    const signature = await poor.signTypedData(domain, signerTypes(agentRegistryTypes, "KeyOwnership"), theirs.claim);
    return [
      { name: "verify through the table", gas: Number(verified?.gasUsed) },
      {
        name: "prove key ownership",
        gas: await gasOf(agents.getFunction("proveKeyOwnership")(...callOf(ours))),
        target: 300_000,
      },
      {
        name: "prove key ownership, signed",
        gas: await gasOf(carried.getFunction("proveKeyOwnershipSigned")(...callOf(theirs), signature)),
      },
    ];
  } finally {
    await prover.close();
  }
}

function callOf({ claim, proof }: ProvedKeyOwnership): readonly unknown[] {
  return [claim.agent, claim.commitment, claim.recipient, claim.nonce, claim.deadline, proof];
}

/**
 * Proofs are random, and a zero byte of calldata is cheaper than another: the same figure each time comes from a proof
 * without any, about one in three.
 */
async function proveEvenly(request: KeyOwnershipRequest, prover: Prover): Promise<ProvedKeyOwnership> {
  for (;;) {
    const proved = await proveKeyOwnership(request, prover);
    if (!/^0x(?:..)*00/.test(proved.proof)) return proved;
  }
}

function signingKey(number: number): string {
  return toHex(ed25519.getPublicKey(new Uint8Array(32).fill(number)));
}
