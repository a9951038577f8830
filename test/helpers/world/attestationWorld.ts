import { ed25519 } from "@noble/curves/ed25519.js";
import { Contract, id, Interface, type Signer, Wallet, ZeroHash } from "ethers";
import { network } from "hardhat";

import { signConsent } from "../../../attestation/wrap/consent.ts";
import { appointAttestationService } from "../../../orchestrator/deploy/attestationService.ts";
import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { referenceCommitment, type ReferenceOpening } from "../../../protocol/attestation/reference.ts";
import { secretCommitment } from "../../../protocol/attestation/seed.ts";
import {
  type AttestationResult,
  attestationResults,
  type VerdictMessage,
} from "../../../protocol/attestation/types.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { attestationRegistryDomain, attestationRegistryTypes } from "../../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { attestationDeskAbi } from "../../../protocol/generated/abi/AttestationDesk.ts";
import { attestationRegistryAbi } from "../../../protocol/generated/abi/AttestationRegistry.ts";

/** What the proxy answers: the registry's own functions, and those it hands to its desk. */
const abi = [...attestationRegistryAbi, ...attestationDeskAbi.filter(({ type }) => type !== "constructor")];
const deadline = 10_000_000_000n;
const verdictTypes = signerTypes(attestationRegistryTypes, "Verdict");

/** A verdict as `recordVerdicts` takes it. */
export interface SignedVerdict {
  readonly verifier: string;
  readonly result: number;
  readonly attempts: number;
  readonly evidenceHash: string;
  readonly signature: string;
}

export interface WorldOptions {
  readonly agents: number;
  /** Operator of the agent with this number; every agent has its own unless given. */
  readonly operatorOf?: (index: number) => string;
}

/** The agent of a number: an account without ether, the same in every world. */
export function walletOf(index: number): Wallet {
  return new Wallet(id(`attested agent ${index}`));
}

/** The secret of a round, the same in every world. */
export function secretOf(round: number): Hex {
  return id(`secret of round ${round}`) as Hex;
}

export function referenceOf(agent: string, version = 1n): ReferenceOpening {
  return { agent, version, measurement: id(`what ${agent} runs`) as Hex, salt: id(`salt ${version}`) as Hex };
}

/** A fresh chain with a deployment, an attestation service, and agents that are enrolled and introduced one by another. */
export async function attestationWorld({ agents, operatorOf }: WorldOptions) {
  const connection = await network.create();
  const { ethers } = connection;
  const [deployer, service, anyone] = await ethers.getSigners();
  if (!deployer || !service || !anyone) throw new Error("the chain has too few accounts");
  const deployment = await deployContracts(deployer);
  await appointAttestationService(deployer, deployment, service.address);
  const chainId = BigInt(deployment.chainId);
  const address = deployment.contracts.attestationRegistry.address;
  const registry = new Contract(address, abi, anyone);
  const agentRegistry = new Contract(deployment.contracts.agentRegistry.address, agentRegistryAbi, anyone);
  const domain = attestationRegistryDomain(chainId, address);
  const wallets = Array.from({ length: agents }, (_, index) => walletOf(index));
  const walletByAddress = new Map<string, Signer>(wallets.map((wallet) => [wallet.address, wallet]));
  walletByAddress.set(service.address, service);

  const send = async (from: Signer, name: string, ...args: unknown[]) => {
    const sent = await (registry.connect(from) as Contract).getFunction(name)(...args);
    const receipt = await sent.wait();
    if (!receipt) throw new Error("the transaction was not mined");
    return receipt as { gasUsed: bigint; blockNumber: number };
  };
  const read = async <Answer = bigint>(name: string, ...args: unknown[]): Promise<Answer> => {
    return (await registry.getFunction(name).staticCall(...args)) as Answer;
  };
  const signVerdict = async (message: VerdictMessage): Promise<SignedVerdict> => {
    const signer = walletByAddress.get(message.verifier);
    if (!signer) throw new Error(`nobody signs for ${message.verifier}`);
    const signature = await signer.signTypedData(domain, verdictTypes, message);
    const { verifier, result, attempts, evidenceHash } = message;
    return { verifier, result, attempts, evidenceHash, signature };
  };

  const world = {
    ...connection,
    deployment,
    deployer,
    service,
    anyone,
    registry,
    agentRegistry,
    domain,
    wallets,
    walletByAddress,
    send,
    read,
    signVerdict,

    async register(wallet: Wallet, number: number): Promise<void> {
      const signingKey = toHex(ed25519.getPublicKey(new Uint8Array(32).fill((number % 250) + 1)));
      const request = { agent: wallet.address, signingKey, nonce: 0n, deadline };
      const agentDomain = agentRegistryDomain(chainId, deployment.contracts.agentRegistry.address);
      const signature = await wallet.signTypedData(agentDomain, signerTypes(agentRegistryTypes, "Register"), request);
      await (await agentRegistry.getFunction("registerSigned")(...Object.values(request), signature)).wait();
      walletByAddress.set(wallet.address, wallet);
    },

    async enrol(wallet: Wallet, operator: string = wallet.address, version = 1n) {
      const commitment = referenceCommitment(referenceOf(wallet.address, version));
      return send(service, "enrol", wallet.address, commitment, operator, 0, await world.consent(wallet, version));
    },

    /** Of the agent, which owns itself, to its version. */
    consent(wallet: Wallet, version = 1n) {
      const place = { chainId: Number(chainId), registry: address, agent: wallet.address, version: Number(version) };
      return signConsent(wallet, place, Number(deadline) - 30 * 86_400);
    },

    /** What `verifier` says of `target` outside of the rounds, by default that it passes. */
    async introduction(target: string, verifier: string, result: AttestationResult = "pass") {
      const [count, enrolment] = [(await read<[bigint]>("recordsOf", target))[0], await read("enrolmentOf", target)];
      const tied = verifier !== service.address || result !== "pass";
      const seed = toHex(Uint8Array.from(Buffer.from((tied ? count : 0n).toString(16).padStart(64, "0"), "hex")));
      return signVerdict({ round: 0n, seed, target, enrolment, verifier, ...said(result) });
    },

    async introduce(target: string, verifier?: string, result: AttestationResult = "pass") {
      const by = verifier ?? (await read<string>("introducer"));
      const verdict = await world.introduction(target, /^0x0{40}$/.test(by) ? service.address : by, result);
      return send(anyone, "introduce", target, verdict);
    },

    async open() {
      const round = Number(await read("currentRound")) + 1;
      await send(service, "openRound", secretCommitment(secretOf(round)));
      return round;
    },

    async draw() {
      const round = Number(await read("currentRound"));
      await ethers.provider.send("hardhat_mine", ["0x4"]);
      await send(anyone, "drawRound", secretOf(round));
      return round;
    },

    async openAndDraw() {
      await world.open();
      return world.draw();
    },

    async panel(target: string): Promise<{ verifiers: string[]; seats: number }> {
      const [verifiers, seats] = await read<[string[], bigint]>("panelOf", target);
      return { verifiers: [...verifiers], seats: Number(seats) };
    },

    /** Verdicts on a target of the round that is open. */
    async verdicts(target: string, said_: readonly (readonly [string, AttestationResult])[]) {
      const round = await read("currentRound");
      const { seed } = await read<{ seed: string }>("roundAt", round);
      const enrolment = await read("enrolmentOf", target);
      return Promise.all(
        said_.map(([verifier, result]) => signVerdict({ round, seed, target, enrolment, verifier, ...said(result) })),
      );
    },

    /** Records what the target's panel says: the result given for each seat, all passing by default. */
    async recordPanel(target: string, results?: readonly AttestationResult[]) {
      const { verifiers, seats } = await world.panel(target);
      const list = results ?? Array.from({ length: seats }, () => "pass" as const);
      const pairs = list.map((result, i) => [verifiers[i] ?? service.address, result] as const);
      return world.record(target, pairs);
    },

    async record(target: string, said_: readonly (readonly [string, AttestationResult])[]) {
      const round = await read("currentRound");
      return send(anyone, "recordVerdicts", round, target, await world.verdicts(target, said_));
    },

    mine: (blocks: number) => ethers.provider.send("hardhat_mine", [`0x${blocks.toString(16)}`]),
    interface: new Interface(abi),
  };

  for (const [index, wallet] of wallets.entries()) {
    await world.register(wallet, index);
    await world.enrol(wallet, operatorOf?.(index));
    await world.introduce(wallet.address);
  }
  return world;
}

export type AttestationWorld = Awaited<ReturnType<typeof attestationWorld>>;

function said(result: AttestationResult) {
  const evidenceHash = result === "timeout" ? ZeroHash : id(`evidence: ${result}`);
  return { result: attestationResults.indexOf(result), attempts: 1, evidenceHash };
}
