import type { Wallet } from "ethers";

import type { TaskPlace } from "../../protocol/attestation/task.ts";
import { attestationResults } from "../../protocol/attestation/types.ts";
import { attestationRegistryDomain, attestationRegistryTypes } from "../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { Finding } from "./examine.ts";

/** A verdict as the registry takes it, with the evidence it is about, which stays off chain. */
export interface Verdict {
  readonly verifier: string;
  /** Index in `attestationResults`. */
  readonly result: number;
  readonly attempts: number;
  readonly evidenceHash: Hex;
  readonly signature: Hex;
  readonly evidence: string | null;
}

/** Signs what was found (EIP-712 `Verdict`). @param account of the verifying agent's owner, or of the service */
export async function signVerdict(finding: Finding, place: TaskPlace, account: Wallet): Promise<Verdict> {
  const { attempts, evidenceHash, evidence } = finding;
  const result = attestationResults.indexOf(finding.result);
  const { round, seed, target, enrolment, verifier } = place;
  const signature = await account.signTypedData(
    attestationRegistryDomain(BigInt(place.chainId), place.registry),
    signerTypes(attestationRegistryTypes, "Verdict"),
    { round, seed, target, enrolment, verifier, result, attempts, evidenceHash },
  );
  return { verifier, result, attempts, evidenceHash, signature: signature as Hex, evidence };
}
