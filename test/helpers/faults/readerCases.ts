/** Those who act on what the chain says, each before a chain that says yes and one that says no. */
import { Contract, Interface, VoidSigner } from "ethers";

import { ChainRevocations } from "../../../agent/calls/chainRevocations.ts";
import { ChainProvider } from "../../../agent/chain/chainProvider.ts";
import { LogAnchorReader } from "../../../agent/chain/logAnchorReader.ts";
import { Rpc } from "../../../agent/chain/rpc.ts";
import { ChainEscrow } from "../../../agent/escrow/escrowReader.ts";
import { GroupWatch } from "../../../agent/escrow/groupWatch.ts";
import { RegistryReader } from "../../../attestation/service/registry.ts";
import { OrchestratorEscrow } from "../../../orchestrator/escrow/chainEscrow.ts";
import { attestationStatuses } from "../../../protocol/attestation/types.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import type { Deployment } from "../../../protocol/deployment.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { logAnchorAbi } from "../../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import { contractRegistryAbi } from "../../../protocol/generated/abi/ContractRegistry.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { HeadTracker } from "../../../relayer/chain/head.ts";
import { Registries } from "../../../relayer/chain/registries.ts";
import { readContract } from "../../../relayer/chain/contracts.ts";
import { connectRpc } from "../../../relayer/chain/rpc.ts";
import { blockHashOf, chainId } from "../../auditor/world.ts";
import type { Facts, FaultCase } from "./matrix.ts";
import { type ScriptedContract, scriptedChain } from "./scriptedChain.ts";

const at: Hex = `0x${"ab".repeat(20)}`;
const trustAt: Hex = `0x${"cd".repeat(20)}`;
const agent: Hex = `0x${"a1".repeat(20)}`;
const word = (byte: string): Hex => `0x${byte.repeat(32)}`;
const links = [{ contractId: word("11"), issuer: agent, issuerKey: word("22") }];

const provider = (url: string) => new ChainProvider({ url, chainId, attempts: 4, firstPauseMs: 0, maxPauseMs: 0 });

interface Reader {
  readonly contracts: Readonly<Record<Hex, ScriptedContract>>;
  readonly says: string;
  readonly ask: (url: string) => Promise<string>;
  readonly asksOnce?: true;
}

const registry = (state: number): Reader["contracts"] => ({
  [at]: { abi: contractRegistryAbi, functions: { checkChain: () => [state, 0, agent, state === 2 ? 5 : 0] } },
});

async function revocation(url: string): Promise<string> {
  const source = new ChainRevocations(provider(url), at, BigInt(chainId));
  const issuerAgent = formatEthrDid(BigInt(chainId), agent);
  const found = await source.read([{ contractId: word("11"), issuerAgent, issuerKey: word("22") }]);
  return found.revoked ? "revoked" : found.unboundLink === undefined ? "in force" : "unbound";
}

async function relayedRevocation(url: string): Promise<string> {
  const reader = readContract(connectRpc([url], chainId), at, new Interface(contractRegistryAbi));
  const [state] = await reader.read("checkChain", [links]);
  return state === 0n ? "in force" : state === 2n ? "revoked" : "unbound";
}

const escrow = (current: boolean): Reader["contracts"] => ({
  [at]: {
    abi: keyEscrowAbi,
    functions: {
      viewOf: () => [3, current, false, word("c3"), 9],
      attestationRegistry: () => [trustAt],
      membersOf: () => [[agent]],
      epochOf: () => [{ publishedAtBlock: 4 }],
      membersOfEpoch: () => [[agent]],
    },
  },
  [trustAt]: {
    abi: ["function isTrusted(address agent) view returns (bool)"],
    functions: { isTrusted: () => [current] },
  },
});
const place = { chainId: BigInt(chainId), escrow: at, group: word("99") };

async function epoch(url: string): Promise<string> {
  const source = new ChainEscrow(provider(url), place);
  const watch = new GroupWatch({ source, maxAgeMs: 0, maxLagBlocks: 10, nowMs: () => 0 });
  return (await watch.view()).current ? "current" : "stale";
}

async function members(url: string): Promise<string> {
  const state = await new OrchestratorEscrow(new VoidSigner(agent, provider(url)), place).state();
  return `${state.current ? "current" : "stale"}, ${state.entitled.length} entitled`;
}

const attested = (status: (typeof attestationStatuses)[number]): Reader["contracts"] => ({
  [at]: {
    abi: iAttestationRegistryAbi,
    functions: { statusOf: () => [{ status: attestationStatuses.indexOf(status) }] },
  },
});

async function standing(url: string): Promise<string> {
  const contract = new Contract(at, iAttestationRegistryAbi, provider(url));
  return (await new RegistryReader(contract, at).standing(agent)).status;
}

const registries = (isOwn: boolean): Reader["contracts"] => ({
  [at]: {
    abi: agentRegistryAbi,
    functions: { isActive: () => [true], signingKeyValidAt: () => [isOwn] },
  },
  [trustAt]: { abi: policyRegistryAbi, functions: { inForce: () => [word("77"), isOwn ? 1 : 0] } },
});

/** What the relayer asks before it takes an entry, and before it gives an agent what it keeps for it. */
async function claimed(url: string): Promise<string> {
  const rpc = connectRpc([url], chainId);
  const heads = new HeadTracker(rpc);
  const reader = new Registries(
    readContract(rpc, at, new Interface(agentRegistryAbi)),
    readContract(rpc, trustAt, new Interface(policyRegistryAbi)),
    heads,
    { chainId, maxBlockAge: 100, activeForMs: 0, now: () => 0 },
  );
  const did = formatEthrDid(BigInt(chainId), agent);
  const claims = { did, publicKeyHex: word("22"), blockNumber: 7, blockHash: blockHashOf(7), policy: word("77") };
  const [key, now, policy] = [
    await saidOf(reader.checkKey(claims)),
    await saidOf(reader.checkKeyNow(did, word("22"))),
    await saidOf(reader.checkBlockAndPolicy(claims)),
  ];
  return `key ${key}, now ${now}, policy ${policy}`;
}

/** @throws AffiantError where there was no answer */
async function saidOf(check: Promise<void>): Promise<string> {
  try {
    await check;
    return "holds";
  } catch (error) {
    if (isAffiantError(error) && !error.code.startsWith("ERR_UNAVAILABLE")) return error.code;
    throw error;
  }
}

const anchored = (isSigned: boolean): Reader["contracts"] => ({
  [at]: {
    abi: logAnchorAbi,
    functions: {
      logOf: () => [agent, word("22"), "log.example", 3],
      operatorsOf: () => [[trustAt, agent]],
      handoverSizesOf: () => [[0, 5]],
      latest: () => [8, word("33"), 6, 2],
    },
  },
  [trustAt]: {
    abi: ["function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)"],
    functions: { isValidSignature: () => [isSigned ? "0x1626ba7e" : "0xffffffff"] },
  },
});

async function logTerms(url: string): Promise<string> {
  const contracts = { logAnchor: { address: at } } as unknown as Deployment["contracts"];
  const reader = new LogAnchorReader(
    new Rpc({ url, chainId, retry: { attempts: 4, firstPauseMs: 0, maxPauseMs: 0 } }),
    { contracts } as Deployment,
  );
  const terms = (await reader.termsOf(word("44"))).map(({ statesUpTo }) => statesUpTo ?? "any");
  const { size } = await reader.latest(word("44"));
  const signed = await reader.isSignedBy(trustAt, word("55"), "0x66");
  return `up to ${terms.join(" and ")}, ${size} anchored, ${signed ? "signed" : "not signed"}`;
}

const readers: Readonly<Record<string, Reader>> = {
  "agent: a contract in force": { contracts: registry(0), says: "in force", ask: revocation },
  "agent: a contract of another's key": { contracts: registry(1), says: "unbound", ask: revocation },
  "agent: a revoked contract": { contracts: registry(2), says: "revoked", ask: revocation },
  "agent: an epoch in force": { contracts: escrow(true), says: "current", ask: epoch },
  "agent: a stale epoch": { contracts: escrow(false), says: "stale", ask: epoch },
  "relayer: a contract in force": { contracts: registry(0), says: "in force", ask: relayedRevocation, asksOnce: true },
  "relayer: a revoked contract": { contracts: registry(2), says: "revoked", ask: relayedRevocation, asksOnce: true },
  "relayer: an agent's key and policy": {
    contracts: registries(true),
    says: "key holds, now holds, policy holds",
    ask: claimed,
    asksOnce: true,
  },
  "relayer: neither its key nor its policy": {
    contracts: registries(false),
    says: "key ERR_AUTH_SIGNING_KEY, now ERR_AUTH_SIGNING_KEY, policy ERR_CONFLICT_POLICY",
    ask: claimed,
    asksOnce: true,
  },
  "agent: what a log's operators are held to": {
    contracts: anchored(true),
    says: "up to 5 and any, 8 anchored, signed",
    ask: logTerms,
  },
  "agent: what an operator's contract did not sign": {
    contracts: anchored(false),
    says: "up to 5 and any, 8 anchored, not signed",
    ask: logTerms,
  },
  "orchestrator: a member that is trusted": { contracts: escrow(true), says: "current, 1 entitled", ask: members },
  "orchestrator: a member that lost trust": { contracts: escrow(false), says: "stale, 0 entitled", ask: members },
  "attestation: an agent that is trusted": { contracts: attested("trusted"), says: "trusted", ask: standing },
  "attestation: an agent in quarantine": { contracts: attested("quarantined"), says: "quarantined", ask: standing },
};

export function readerCases(): FaultCase[] {
  return Object.entries(readers).map(([name, { contracts, says, ask, asksOnce }]) => ({
    name,
    chain: scriptedChain({ chainId, head: 9, blockHash: blockHashOf, contracts }),
    isTruth: (facts) => facts.get("it") === says,
    silent: "nobody says",
    ask: async (url): Promise<Facts> => new Map([["it", await ask(url)]]),
    ...(asksOnce ? { asksOnce } : {}),
  }));
}
