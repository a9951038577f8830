import { readFileSync } from "node:fs";

import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import {
  Contract,
  type ContractRunner,
  id,
  Interface,
  type InterfaceAbi,
  type Result,
  toBeHex,
  Wallet,
  ZeroAddress,
} from "ethers";
import { network } from "hardhat";

import { signConsent } from "../../../attestation/wrap/consent.ts";
import { attestationServiceFunctions, attestationServiceRole } from "../../../protocol/attestation/role.ts";
import { defaultBlockSec, lengthsAt } from "../../../protocol/attestation/schedule.ts";
import { agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { attestationRegistryDomain, attestationRegistryTypes } from "../../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { attestationDeskAbi } from "../../../protocol/generated/abi/AttestationDesk.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { contractRegistryAbi } from "../../../protocol/generated/abi/ContractRegistry.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { selectorOf } from "../../../protocol/governance/roles.ts";
import { rejection } from "../../helpers/rejection.ts";

const released = JSON.parse(
  readFileSync(new URL("../../fixtures/registriesAtB6af219.json", import.meta.url), "utf8"),
) as { contracts: Record<string, string> };

const day = 24 * 3600;
const group = id("a group from before");
const deadline = 4_102_444_800n;
const verdictType = "tuple(address verifier, uint8 result, uint8 attempts, bytes32 evidenceHash, bytes signature)";
/** What is asked of the attestation registry, of that time and of now. */
const attestationAbi = [
  "function initialize(address accessManager)",
  "function enrol(address agent, bytes32 commitment, address operator, uint8 tier)",
  `function introduce(address target, ${verdictType} verdict)`,
  "function isTrusted(address agent) view returns (bool)",
  "function recordCount() view returns (uint256)",
  "function recordsOf(address agent) view returns (uint256, uint256)",
  "function records(uint256 from, uint256 limit) view returns (uint256[])",
  "function enrolmentOf(address agent) view returns (uint256)",
  "function rotHead() view returns (bytes32)",
];
const upgradeAbi = ["function upgradeToAndCall(address, bytes)"];
const signingKey = (number: number): string => toHex(ed25519.getPublicKey(new Uint8Array(32).fill(number)));

/** A deployment as commit b6af219 made it, with agents, policies, contracts, attestations, a group and its key. */
async function deploymentOfBefore() {
  const { ethers, networkHelpers } = await network.create();
  const [deployer, upgrader, carrier] = await ethers.getSigners();
  const manager = await ethers.deployContract("AccessManager", [deployer!.address]);
  const managerAt = await manager.getAddress();
  const verifiersAt = await (await ethers.deployContract("VerifierRegistry", [managerAt])).getAddress();
  const create = async (name: string, args: readonly string[] = []): Promise<string> => {
    const words = args.map((arg) => arg.slice(2).toLowerCase().padStart(64, "0")).join("");
    const sent = await deployer!.sendTransaction({ data: `${released.contracts[name]}${words}` });
    return (await sent.wait())!.contractAddress!;
  };
  const behindProxy = async (implementation: string, ...args: readonly string[]): Promise<string> => {
    const names = args.map((_, i) => `address a${i}`).join(",");
    const call = new Interface([`function initialize(${names})`]).encodeFunctionData("initialize", [...args]);
    return await (await ethers.deployContract("ERC1967Proxy", [implementation, call])).getAddress();
  };
  const agentsAt = await behindProxy(await create("AgentRegistry"), managerAt, verifiersAt);
  const policiesAt = await behindProxy(await create("PolicyRegistry"), managerAt, agentsAt);
  const contractsAt = await behindProxy(await create("ContractRegistry"), managerAt, agentsAt);
  const reader = await create("AttestationReader", [agentsAt]);
  const attestationsAt = await behindProxy(await create("AttestationRegistry", [reader, agentsAt]), managerAt);
  const escrowAt = await behindProxy(await create("KeyEscrow"), managerAt, attestationsAt, agentsAt);
  const at = (address: string, abi: InterfaceAbi, by: ContractRunner = deployer!) => new Contract(address, abi, by);

  const selector = new Interface(upgradeAbi).getFunction("upgradeToAndCall")!.selector;
  const targets = { agentsAt, policiesAt, contractsAt, attestationsAt, escrowAt };
  for (const target of Object.values(targets)) await manager.setTargetFunctionRole(target, [selector], 3n);
  await manager.grantRole(3n, upgrader!.address, 2 * day);
  const upgrade = async (target: string, implementation: string): Promise<void> => {
    const registry = at(target, upgradeAbi, upgrader!);
    const call = registry.interface.encodeFunctionData("upgradeToAndCall", [implementation, "0x"]);
    await manager.connect(upgrader!).schedule(target, call, 0);
    await networkHelpers.time.increase(2 * day);
    await registry.getFunction("upgradeToAndCall")(implementation, "0x");
  };
  return {
    ethers,
    networkHelpers,
    deployer: deployer!,
    carrier: carrier!,
    verifiersAt,
    manager,
    at,
    upgrade,
    ...targets,
  };
}

type Before = Awaited<ReturnType<typeof deploymentOfBefore>>;

async function members({ ethers, deployer, at, agentsAt, attestationsAt }: Before): Promise<Wallet[]> {
  const { chainId } = await ethers.provider.getNetwork();
  const wallets = [1, 2, 3].map((n) => new Wallet(id(`member ${n}`), ethers.provider));
  wallets.sort((a, b) => (a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1));
  const attestations = at(attestationsAt, attestationAbi);
  for (const [i, wallet] of wallets.entries()) {
    await deployer.sendTransaction({ to: wallet.address, value: 10n ** 18n });
    await at(agentsAt, agentRegistryAbi, wallet).getFunction("register")(signingKey(i + 1));
    await attestations.getFunction("enrol")(wallet.address, id(`reference ${i}`), wallet.address, 0);
    const [records] = (await attestations.getFunction("recordsOf")(wallet.address)) as [bigint, bigint];
    const verdict = { verifier: deployer.address, result: 1, attempts: 1, evidenceHash: id("evidence") };
    const enrolment = (await attestations.getFunction("enrolmentOf")(wallet.address)) as bigint;
    const message = { ...verdict, round: 0n, seed: toBeHex(records, 32), target: wallet.address, enrolment };
    const domain = attestationRegistryDomain(chainId, attestationsAt);
    const signature = await deployer.signTypedData(domain, signerTypes(attestationRegistryTypes, "Verdict"), message);
    await attestations.getFunction("introduce")(wallet.address, { ...verdict, signature });
  }
  return wallets;
}

/** Everything that the contracts answer about what happened before. */
async function answers(before: Before, wallets: readonly Wallet[]): Promise<unknown> {
  const { at, agentsAt, policiesAt, contractsAt, attestationsAt, escrowAt } = before;
  const ask = async (address: string, abi: InterfaceAbi, name: string, ...args: unknown[]): Promise<unknown> =>
    await at(address, abi)
      .getFunction(name)
      .staticCall(...args);
  return {
    agents: await Promise.all(wallets.map(({ address }) => ask(agentsAt, agentRegistryAbi, "resolve", address))),
    nonces: await Promise.all(
      wallets.map(({ address }) => ask(agentsAt, agentRegistryAbi, "nonces(address)", address)),
    ),
    policies: await Promise.all(
      [1, 2, 3, 4, 5, 6, 7].map((n) => ask(policiesAt, policyRegistryAbi, "versionAt", wallets[0]!.address, n)),
    ),
    revoked: await ask(contractsAt, contractRegistryAbi, "revokedAtBlock", wallets[0]!.address, id("contract")),
    anchored: await ask(contractsAt, contractRegistryAbi, "anchorOf", wallets[1]!.address, id("contract")),
    trusted: await Promise.all(wallets.map(({ address }) => ask(attestationsAt, attestationAbi, "isTrusted", address))),
    records: await ask(attestationsAt, attestationAbi, "records", 1, 100),
    rotHead: await ask(attestationsAt, attestationAbi, "rotHead"),
    epochs: await Promise.all([1, 2].map((epoch) => ask(escrowAt, keyEscrowAbi, "epochOf", group, epoch))),
    holders: await Promise.all([1, 2].map((epoch) => ask(escrowAt, keyEscrowAbi, "membersOfEpoch", group, epoch))),
    said: await Promise.all(
      wallets.map(({ address }) => ask(escrowAt, keyEscrowAbi, "hasAcknowledged", group, 2, address)),
    ),
    current: await ask(escrowAt, keyEscrowAbi, "isCurrent", group),
  };
}

/** What the release before did not have: how deep the drawn block has to lie, and the owner's consent to an enrolment. */
async function takesUpAttestation({ at, attestationsAt, manager, carrier: service }: Before, agent: Wallet) {
  const governed = at(attestationsAt, iAttestationRegistryAbi);
  const schedule = async (): Promise<Record<string, bigint>> =>
    ((await governed.getFunction("schedule").staticCall()) as Result).toObject() as Record<string, bigint>;
  const then = await schedule();
  expect(then).to.include({ drawDelay: 2n, trustLength: 7200n, revealDepth: 0n });
  const { minRecoveryDelay: _ofAgents, ...lengths } = lengthsAt(defaultBlockSec);
  await governed.getFunction("setSchedule")(lengths);
  expect(await schedule()).to.deep.equal({ ...then, revealDepth: 2n });

  const place = { chainId: 31_337, registry: attestationsAt, agent: agent.address, version: 2 };
  const consent = await signConsent(agent, place, Number(deadline) - 30 * day);
  const enrolment = [agent.address, id("the next version"), agent.address, 0, consent] as const;
  const enrol = () => at(attestationsAt, iAttestationRegistryAbi, service).getFunction("enrol")(...enrolment);
  const selectors = attestationServiceFunctions.map(selectorOf);
  // The role as the release before opened it: without the enrolment of now.
  await manager.setTargetFunctionRole(attestationsAt, selectors.slice(1), attestationServiceRole);
  await manager.grantRole(attestationServiceRole, service.address, 0);
  const refused = (await rejection(enrol())) as { data?: string };
  const errors = new Interface(attestationDeskAbi);
  expect(errors.parseError(refused.data ?? "0x")?.name).to.equal("AccessManagedUnauthorized");
  await manager.setTargetFunctionRole(attestationsAt, selectors, attestationServiceRole);
  await enrol();
  expect(await governed.getFunction("isTrusted")(agent.address)).to.equal(false);
}

describe("an upgrade from the release before", () => {
  it("keeps all that was written, the agents' trust and the group's key among it, and goes on from there", async () => {
    const before = await deploymentOfBefore();
    const { ethers, at, upgrade, carrier } = before;
    const { agentsAt, policiesAt, contractsAt, attestationsAt, escrowAt } = before;
    const wallets = await members(before);
    const [first, second, third] = wallets as [Wallet, Wallet, Wallet];
    const addresses = wallets.map(({ address }) => address);

    const own = at(agentsAt, agentRegistryAbi, first);
    await own.getFunction("addSigningKey")(first.address, signingKey(11));
    await own.getFunction("setCard")(first.address, "https://agents.example/card.json", id("card"), []);
    await own.getFunction("setGuardians")(first.address, [second.address, third.address], 2, 300);
    // Used up by an owner that owns another agent: counted for the owner then, for the agent now.
    await at(agentsAt, agentRegistryAbi, third).getFunction("changeOwner")(third.address, second.address);
    await at(agentsAt, agentRegistryAbi, second).getFunction("acceptOwner")(third.address);
    const { chainId } = await ethers.provider.getNetwork();
    const domain = { name: "Affiant AgentRegistry", version: "1", chainId, verifyingContract: agentsAt };
    const request = { agent: third.address, signingKey: signingKey(12), nonce: 7n << 64n, deadline };
    const signature = await second.signTypedData(domain, signerTypes(agentRegistryTypes, "AddSigningKey"), request);
    const carry = () =>
      at(agentsAt, agentRegistryAbi, carrier).getFunction("addSigningKeySigned")(...Object.values(request), signature);
    await carry();
    const policies = at(policiesAt, policyRegistryAbi, first);
    for (let n = 1; n <= 7; n++) await policies.getFunction("commit")(first.address, id(`policy ${n}`));
    await at(contractsAt, contractRegistryAbi, first).getFunction("revoke")(first.address, [id("contract")]);
    await at(contractsAt, contractRegistryAbi, second).getFunction("anchor")(
      second.address,
      id("contract"),
      ZeroAddress,
    );
    const escrow = at(escrowAt, keyEscrowAbi);
    await escrow.getFunction("createGroup")(group, id("publisher"), 5);
    await escrow.getFunction("addMembers")(group, addresses);
    await escrow.getFunction("publishEpoch")(group, 1, id("root"), id("key 1"), addresses);
    await escrow.getFunction("publishEpoch")(group, 2, id("root"), id("key 2"), addresses);
    await at(escrowAt, keyEscrowAbi, first).getFunction("acknowledge")(first.address, group, 2, id("key 2"));
    const then = await answers(before, wallets);
    expect(then).to.deep.include({ current: true, trusted: [true, true, true], said: [true, false, false] });

    const make = async (name: string, args: readonly unknown[] = []): Promise<string> =>
      await (await ethers.deployContract(name, [...args])).getAddress();
    await upgrade(agentsAt, await make("AgentRegistry", [300]));
    await upgrade(policiesAt, await make("PolicyRegistry"));
    await upgrade(contractsAt, await make("ContractRegistry"));
    const desk = await make("AttestationDesk", [agentsAt]);
    await upgrade(attestationsAt, await make("AttestationRegistry", [desk, agentsAt]));
    await upgrade(escrowAt, await make("KeyEscrow"));
    expect(await answers(before, wallets)).to.deep.equal(then);

    expect(await own.getFunction("nonces(address,uint192)")(third.address, 7n)).to.equal(7n << 64n);
    const replayed = (await rejection(carry())) as { data?: string };
    expect(own.interface.parseError(replayed.data ?? "0x")?.name).to.equal("InvalidSignature");

    await at(escrowAt, keyEscrowAbi, second).getFunction("acknowledge")(second.address, group, 2, id("key 2"));
    await policies.getFunction("commit")(first.address, id("policy 8"));
    expect(await policies.getFunction("versionCount")(first.address)).to.equal(8n);
    await escrow.getFunction("publishEpoch")(group, 3, id("root"), id("key 3"), addresses);
    expect(await escrow.getFunction("isCurrent")(group)).to.equal(true);
    expect(await escrow.getFunction("accepts")(group, 2)).to.equal(true);
    // Epochs from before end for good as well.
    await escrow.getFunction("removeMembers")(group, [third.address]);
    await escrow.getFunction("addMembers")(group, [third.address]);
    for (const epoch of [2, 3]) expect(await escrow.getFunction("accepts")(group, epoch), `${epoch}`).to.equal(false);
    await takesUpAttestation(before, first);
  });
});
