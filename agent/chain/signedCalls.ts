import { Interface, keccak256, type Wallet } from "ethers";

import type { Registries } from "./registries.ts";
import type { PendingCall } from "../journal/journal.ts";
import { checkCardUri } from "../../protocol/card/cardUri.ts";
import { type KeyOwnershipSubmission, writeKeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../protocol/eip712/agentRegistry.ts";
import { contractRegistryDomain, contractRegistryTypes } from "../../protocol/eip712/contractRegistry.ts";
import { policyRegistryDomain, policyRegistryTypes } from "../../protocol/eip712/policyRegistry.ts";
import {
  signerTypes,
  typedDataDigest,
  type TypedDataDomain,
  type TypedDataTable,
} from "../../protocol/eip712/typedData.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";

/** For how long after the newest block a signed request may be mined. */
const validitySec = 3600;

/**
 * The nonces of one kind of request form a lane of their own, and requests within it are ordered: of two policies that
 * are on their way only one can be mined, so a relayer cannot hold the older one back and bring it after the newer one.
 */
const laneOf = (name: string): bigint => BigInt(keccak256(utf8(`affiant:${name}`))) >> 64n;
const registerLane = laneOf("register");
const policyLane = laneOf("policy");
const revokeLane = laneOf("revoke");
const cardLane = laneOf("card");

/** A card as the chain names it. */
export interface CardNames {
  readonly uri: string;
  readonly contentHash: Hex;
  /** 32 bytes each. */
  readonly capabilities: readonly Hex[];
}

interface Signing {
  readonly account: Wallet;
  readonly deployment: Deployment;
  readonly registries: Registries;
}

/** The agent's own request to be registered with its signing key. */
export async function signRegister(context: Signing, signingKey: Uint8Array): Promise<PendingCall> {
  const { account, deployment, registries } = context;
  const agent = account.address;
  const { address } = deployment.contracts.agentRegistry;
  const nonce = await registries.nonce("agentRegistry", agent, registerLane);
  const deadline = (await registries.timestampSec()) + validitySec;
  const message = { agent, signingKey: toHex(signingKey), nonce, deadline };
  const domain = agentRegistryDomain(BigInt(deployment.chainId), address);
  return callOf("register", account, domain, agentRegistryTypes, "Register", message, deadline, (signature) =>
    new Interface(agentRegistryAbi).encodeFunctionData("registerSigned", [
      agent,
      message.signingKey,
      nonce,
      deadline,
      signature,
    ]),
  );
}

/** The agent's own request to put a policy in force. */
export async function signCommit(context: Signing, policyHash: Hex): Promise<PendingCall> {
  const { account, deployment, registries } = context;
  const agent = account.address;
  const { address } = deployment.contracts.policyRegistry;
  const nonce = await registries.nonce("policyRegistry", agent, policyLane);
  const deadline = (await registries.timestampSec()) + validitySec;
  const message = { agent, policyHash, nonce, deadline };
  const domain = policyRegistryDomain(BigInt(deployment.chainId), address);
  return callOf(
    `commit:${policyHash}`,
    account,
    domain,
    policyRegistryTypes,
    "Commit",
    message,
    deadline,
    (signature) =>
      new Interface(policyRegistryAbi).encodeFunctionData("commitSigned", [
        agent,
        policyHash,
        nonce,
        deadline,
        signature,
      ]),
  );
}

/** The agent's own request to revoke contracts. */
export async function signRevoke(context: Signing, contractIds: readonly Hex[]): Promise<PendingCall> {
  const { account, deployment, registries } = context;
  const agent = account.address;
  const { address } = deployment.contracts.contractRegistry;
  const nonce = await registries.nonce("contractRegistry", agent, revokeLane);
  const deadline = (await registries.timestampSec()) + validitySec;
  const message = { agent, contractIds, nonce, deadline };
  const domain = contractRegistryDomain(BigInt(deployment.chainId), address);
  const purpose = revokePurpose(contractIds);
  return callOf(purpose, account, domain, contractRegistryTypes, "Revoke", message, deadline, (signature) =>
    new Interface(contractRegistryAbi).encodeFunctionData("revokeSigned", [
      agent,
      contractIds,
      nonce,
      deadline,
      signature,
    ]),
  );
}

/** The agent's own request to publish a card. @throws AffiantError ERR_INPUT_CARD_URI */
export async function signSetCard(context: Signing, card: CardNames): Promise<PendingCall> {
  checkCardUri(card.uri);
  const { account, deployment, registries } = context;
  const agent = account.address;
  const { uri, contentHash, capabilities } = card;
  const { address } = deployment.contracts.agentRegistry;
  const nonce = await registries.nonce("agentRegistry", agent, cardLane);
  const deadline = (await registries.timestampSec()) + validitySec;
  const message = { agent, uri, contentHash, capabilities, nonce, deadline };
  const domain = agentRegistryDomain(BigInt(deployment.chainId), address);
  return callOf(cardPurpose(card), account, domain, agentRegistryTypes, "SetCard", message, deadline, (signature) =>
    new Interface(agentRegistryAbi).encodeFunctionData("setCardSigned", [
      agent,
      uri,
      contentHash,
      capabilities,
      nonce,
      deadline,
      signature,
    ]),
  );
}

/** The agent's own claim, proved in zero knowledge, that it holds the key behind a commitment. It is its own recipient. */
export async function signKeyOwnership(
  context: Signing,
  privateKey: bigint,
  circuitKeysDir?: string,
): Promise<PendingCall> {
  const { account, deployment, registries } = context;
  const agent = account.address;
  const domain = agentRegistryDomain(BigInt(deployment.chainId), deployment.contracts.agentRegistry.address);
  const nonce = await registries.nonce("agentRegistry", agent, 0n);
  const deadline = BigInt((await registries.timestampSec()) + validitySec);
  // snarkjs takes long to load: only a process that proves loads what starts it.
  const { proveKeyOwnership } = await import("../proving/proveKeyOwnership.ts");
  const request = { privateKey, domain, claim: { agent, recipient: agent, nonce, deadline } };
  const { claim, proof } = await proveKeyOwnership(
    request,
    undefined,
    circuitKeysDir === undefined ? {} : { artifacts: circuitKeysDir },
  );
  const purpose = keyOwnershipPurpose(claim.commitment);
  return callOf(
    purpose,
    account,
    domain,
    agentRegistryTypes,
    "KeyOwnership",
    { ...claim },
    Number(deadline),
    (signature) =>
      new Interface(agentRegistryAbi).encodeFunctionData("proveKeyOwnershipSigned", [
        agent,
        claim.commitment,
        agent,
        nonce,
        deadline,
        proof,
        signature,
      ]),
  );
}

/** What {@link signKeyOwnership} made, as the relayer's route for proofs takes it. */
export function keyOwnershipSubmissionOf({ data }: PendingCall): KeyOwnershipSubmission {
  const [agent, commitment, recipient, nonce, deadline, proof, signature] = new Interface(
    agentRegistryAbi,
  ).decodeFunctionData("proveKeyOwnershipSigned", data) as unknown as [
    string,
    bigint,
    string,
    bigint,
    bigint,
    Hex,
    Hex,
  ];
  return writeKeyOwnershipSubmission({ agent, commitment, recipient, nonce, deadline }, proof, signature);
}

/** Names the request in the agent's journal. */
export function cardPurpose({ uri, contentHash, capabilities }: CardNames): string {
  return `card:${keccak256(utf8([uri, contentHash, ...capabilities].join()))}`;
}

/** Names the request in the agent's journal. */
export function keyOwnershipPurpose(commitment: bigint): string {
  return `key-ownership:${commitment}`;
}

/** Names the request in the agent's journal. */
export function revokePurpose(contractIds: readonly Hex[]): string {
  return `revoke:${keccak256(utf8(contractIds.join()))}`;
}

async function callOf(
  purpose: string,
  account: Wallet,
  domain: TypedDataDomain,
  types: TypedDataTable,
  name: string,
  message: Readonly<Record<string, unknown>>,
  validUntilSec: number,
  encode: (signature: string) => string,
): Promise<PendingCall> {
  const signature = await account.signTypedData(domain, signerTypes(types, name), message);
  return {
    purpose,
    // The digest that the chain itself accepts once: what decides "exactly once" is also the name of the request.
    idempotencyKey: typedDataDigest(domain, types, name, message),
    target: domain.verifyingContract,
    data: encode(signature) as Hex,
    validUntilSec,
  };
}
