import type { Wallet } from "ethers";

import { attestationRegistryDomain, attestationRegistryTypes } from "../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import type { RegistryReader } from "../service/registry.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EnrolmentConsent } from "../../protocol/attestation/enrolment.ts";

/** How long a wrapper's consent counts: an enrolment may wait for a service, a relayer and a block. */
const validitySec = 7 * 86_400;

export interface ConsentPlace {
  readonly chainId: number;
  /** The attestation registry's address. */
  readonly registry: string;
  /** EIP-55. */
  readonly agent: string;
  /** The version that is to be enrolled: the one after the agent's last. */
  readonly version: number;
}

/** The same for whatever version comes next. */
export async function consentToNext(
  registry: RegistryReader,
  chainId: number,
  owner: Wallet,
  agent: string,
): Promise<EnrolmentConsent> {
  const { version } = await registry.standing(agent);
  const place = { chainId, registry: registry.address, agent, version: version + 1 };
  return signConsent(owner, place, Math.floor(Date.now() / 1000));
}

/** What lets the attestation service enrol one version of an agent (EIP-712 `EnrolmentConsent`). @param owner of the agent */
export async function signConsent(owner: Wallet, place: ConsentPlace, nowSec: number): Promise<EnrolmentConsent> {
  const { chainId, registry, agent, version } = place;
  const deadline = nowSec + validitySec;
  const signature = await owner.signTypedData(
    attestationRegistryDomain(BigInt(chainId), registry),
    signerTypes(attestationRegistryTypes, "EnrolmentConsent"),
    { owner: owner.address, agent, version, deadline },
  );
  return { deadline, signature: signature as Hex };
}
