import { ed25519 } from "@noble/curves/ed25519.js";
import { Contract, id, toBeHex, Wallet, ZeroHash } from "ethers";

import { signConsent } from "../../../attestation/wrap/consent.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { attestationRegistryDomain, attestationRegistryTypes } from "../../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { type GasChain, gasOf } from "./chain.ts";

const deadline = 10_000_000_000n;
const tierSoftware = 0;
const resultPass = 1;

/** Agents without ether, registered and attested by the service on the real contracts; in ascending order. */
export async function attestedAgents(chain: GasChain, count: number): Promise<readonly Wallet[]> {
  const { deployer, deployment, chainId } = chain;
  const service = await deployer.getAddress();
  const agentsAt = deployment.contracts.agentRegistry.address;
  const attestationsAt = deployment.contracts.attestationRegistry.address;
  const agents = new Contract(agentsAt, agentRegistryAbi, deployer);
  const attestations = new Contract(attestationsAt, iAttestationRegistryAbi, deployer);
  const wallets = Array.from({ length: count }, (_, i) => new Wallet(id(`agent ${i} of a group`)));
  wallets.sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
  for (const [i, wallet] of wallets.entries()) {
    const key = ed25519.getPublicKey(new Uint8Array(Buffer.from(toBeHex(i + 1, 32).slice(2), "hex")));
    const registration = { agent: wallet.address, signingKey: toHex(key), nonce: 0n, deadline };
    const types = signerTypes(agentRegistryTypes, "Register");
    const signature = await wallet.signTypedData(agentRegistryDomain(chainId, agentsAt), types, registration);
    await gasOf(agents.getFunction("registerSigned")(...Object.values(registration), signature));
    const place = { chainId: Number(chainId), registry: attestationsAt, agent: wallet.address, version: 1 };
    const consent = await signConsent(wallet, place, Number(deadline) - 30 * 86_400);
    await gasOf(
      attestations.getFunction("enrol")(wallet.address, id(`reference ${i}`), wallet.address, tierSoftware, consent),
    );
    const verdict = { verifier: service, result: resultPass, attempts: 1, evidenceHash: id(`evidence ${i}`) };
    const signed = await deployer.signTypedData(
      attestationRegistryDomain(chainId, attestationsAt),
      signerTypes(attestationRegistryTypes, "Verdict"),
      {
        ...verdict,
        round: 0n,
        seed: ZeroHash,
        target: wallet.address,
        enrolment: (await attestations.getFunction("enrolmentOf")(wallet.address)) as bigint,
      },
    );
    await gasOf(attestations.getFunction("introduce")(wallet.address, { ...verdict, signature: signed }));
  }
  return wallets;
}
