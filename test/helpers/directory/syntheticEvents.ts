import { Interface, type InterfaceAbi } from "ethers";

import { followedContracts, type FollowedContract } from "../../../directory/events/contracts.ts";
import { type Deployment, deployedContractNames } from "../../../protocol/deployment.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import type { StubLog } from "./stubChain.ts";

/** A deployment of addresses that nobody has. */
export const syntheticDeployment: Deployment = {
  chainId: 31_337,
  contracts: Object.fromEntries(
    deployedContractNames.map((name, i) => [
      name,
      {
        address: `0x${(0xc0de0000 + i).toString(16).padStart(40, "0")}`,
        blockNumber: 1,
        codeHash: `0x${"11".repeat(32)}`,
      },
    ]),
  ) as unknown as Deployment["contracts"],
};

export const syntheticContracts: readonly FollowedContract[] = followedContracts(syntheticDeployment);

const interfaces = new Map(
  syntheticContracts.map(({ name, address, abi }) => [name, { address, abi: new Interface(abi as InterfaceAbi) }]),
);

/** A log of one of our contracts, as the EVM would write it. */
export function logOf(contract: string, event: string, values: readonly unknown[]): StubLog {
  const { address, abi } = interfaces.get(contract) ?? { address: "0x", abi: new Interface([]) };
  return { address, ...abi.encodeEventLog(event, [...values]) };
}

/** mulberry32: the same numbers for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const addressOf = (n: number): Hex => `0x${(n + 1).toString(16).padStart(40, "a")}`;
export const wordOf = (n: number): Hex => `0x${n.toString(16).padStart(64, "0")}`;
const signingKeyAttribute = zeroPadRight("did/pub/Ed25519/veriKey/base58");

export function zeroPadRight(text: string): Hex {
  return `0x${Buffer.from(text).toString("hex").padEnd(64, "0")}`;
}

/** Some event of any of our contracts, about one of so many agents. */
export function someEvent(next: () => number, agentCount: number): StubLog {
  const pick = (count: number): number => Math.floor(next() * count);
  const agent = addressOf(pick(agentCount));
  const other = addressOf(pick(agentCount));
  const word = wordOf(1 + pick(50));
  const version = 1 + pick(9);
  const makers: readonly (() => StubLog)[] = [
    () => logOf("agentRegistry", "AgentRegistered", [agent]),
    () => logOf("agentRegistry", "DIDAttributeChanged", [agent, signingKeyAttribute, word, pick(2) * 9e9, 0]),
    () => logOf("agentRegistry", "DIDAttributeChanged", [agent, zeroPadRight("did/svc/Hub"), "0x6869", pick(9), 0]),
    () => logOf("agentRegistry", "DIDOwnerChanged", [agent, other, 0]),
    () => logOf("agentRegistry", "OwnerOffered", [agent, pick(2) ? other : addressOf(-1).replace(/[a1]/g, "0")]),
    () => logOf("agentRegistry", "GuardiansSet", [agent, [other], pick(2), 300]),
    () =>
      logOf("agentRegistry", "CardPublished", [agent, `https://a.example/${pick(9)}`, word, [zeroPadRight("refund")]]),
    () => logOf("agentRegistry", "CapabilityDeclared", [zeroPadRight("refund"), agent, word]),
    () => logOf("policyRegistry", "PolicyCommitted", [agent, version, word]),
    () => logOf("contractRegistry", "ContractRevoked", [agent, word]),
    () => logOf("contractRegistry", "ContractAnchored", [agent, word, other]),
    () => logOf("attestationRegistry", "AgentEnrolled", [agent, version, 1, word, other, pick(3)]),
    () => logOf("attestationRegistry", "AttestationRecorded", [agent, version, 1 + pick(99), record(next), [], word]),
    () => logOf("attestationRegistry", "RoundOpened", [version, other, word, 3, 5, 9]),
    () => logOf("attestationRegistry", "RoundClosed", [version, 3, 3]),
    () => logOf("keyEscrow", "GroupCreated", [word, word, 10]),
    () => logOf("keyEscrow", "MemberAdded", [word, agent]),
    () => logOf("keyEscrow", "MemberRemoved", [word, agent]),
    () => logOf("keyEscrow", "EpochPublished", [word, version, word, word, [agent, other]]),
    () => logOf("logAnchor", "LogRegistered", [word, other, word, "log.example/one"]),
    () => logOf("logAnchor", "Anchored", [word, 1 + pick(1_000), word, 0]),
    () => logOf("logAnchor", "EquivocationReported", [word, pick(3), other]),
    () => logOf("accessManager", "RoleGranted", [pick(5), other, 0, 0, pick(2) === 0]),
    () => logOf("accessManager", "RoleRevoked", [pick(5), other]),
    () => logOf("accessManager", "OperationScheduled", [word, 1, 99, other, other, "0x1234"]),
    () => logOf("accessManager", "OperationExecuted", [word, 1]),
    () => logOf("verifierRegistry", "VerifierScheduled", [word, other, 2, word, 9]),
    () => logOf("verifierRegistry", "VerifierActivated", [word, other, word]),
    () => logOf("agentRegistry", "Upgraded", [other]),
  ];
  return (makers[pick(makers.length)] as () => StubLog)();
}

/** A record with a kind and a status that there are (`AttestationWords.sol`). */
function record(next: () => number): bigint {
  const pick = (count: number): bigint => BigInt(Math.floor(next() * count));
  return (1n + pick(9)) | ((1n + pick(12)) << 24n) | ((1n + pick(9)) << 32n) | (pick(100) << 40n) | (pick(5) << 168n);
}
