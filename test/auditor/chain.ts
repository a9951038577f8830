/** A real chain behind a real JSON-RPC endpoint, with agents, policies, a log and its anchors on it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ed25519 } from "@noble/curves/ed25519.js";
import { Contract, type InterfaceAbi, JsonRpcProvider, type JsonRpcSigner } from "ethers";
import { network } from "hardhat";

import { deployContracts } from "../../orchestrator/deploy/deployContracts.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Evidence } from "../../protocol/evidence/types.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { logAnchorAbi } from "../../protocol/generated/abi/LogAnchor.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";
import { consistencyProof } from "../../protocol/log/consistency.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { formatEd25519VerifierKey } from "../../protocol/log/noteKey.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import {
  chargePolicy,
  headsOver,
  logOver,
  noteOver,
  noteSecret,
  origin,
  seed,
  signEntry,
  type SignedEntry,
  type TestAgent,
} from "./world.ts";

export interface RealChain {
  readonly url: string;
  readonly provider: JsonRpcProvider;
  readonly deployment: Deployment;
  readonly agent: TestAgent;
  /** The registries as the agent's owner calls them, the log as its operator does. */
  readonly agentRegistry: Contract;
  readonly policyRegistry: Contract;
  readonly logAnchor: Contract;
  /** HTTP requests that arrived so far; a batch is one. */
  requests(): number;
  /** Makes the endpoint break off every request from now on. */
  cut(): void;
  close(): Promise<void>;
}

const contractAt = (deployed: { address: string }, abi: unknown, signer: JsonRpcSigner): Contract =>
  new Contract(deployed.address, abi as InterfaceAbi, signer);

/** One registered agent with the charge policy, and a registered log without anchors. */
export async function realChain(): Promise<RealChain> {
  const server = await network.createServer(undefined, "127.0.0.1", 0);
  const { port } = await server.listen();
  const counter = await countingProxy(port);
  const provider = new JsonRpcProvider(`http://127.0.0.1:${port}`, undefined, {
    staticNetwork: true,
    cacheTimeout: -1,
  });
  const [deployer, owner, operator] = await Promise.all([0, 1, 2].map((i) => provider.getSigner(i)));
  const deployment = await deployContracts(deployer!);
  const { contracts, chainId } = deployment;
  const agentRegistry = contractAt(contracts.agentRegistry, agentRegistryAbi, owner!);
  const policyRegistry = contractAt(contracts.policyRegistry, policyRegistryAbi, owner!);
  const logAnchor = contractAt(contracts.logAnchor, logAnchorAbi, operator!);

  const secret = seed("key of the agent");
  const publicKey = ed25519.getPublicKey(secret);
  const did = formatEthrDid(BigInt(chainId), owner!.address);
  const agent = { did, address: owner!.address.toLowerCase() as Hex, secret, publicKey };
  await agentRegistry.getFunction("register")(toHex(publicKey));
  await policyRegistry.getFunction("commit")(agent.address, policyHashOf(chargePolicy));
  await logAnchor.getFunction("registerLog")(origin, toHex(ed25519.getPublicKey(noteSecret)));
  return {
    url: counter.url,
    provider,
    deployment,
    agent,
    agentRegistry,
    policyRegistry,
    logAnchor,
    requests: counter.requests,
    cut: counter.cut,
    close: async () => {
      provider.destroy();
      await counter.close();
      await server.close();
    },
  };
}

/** The agent's next entries, each naming the block that is the head when it is signed. */
export async function sign(
  chain: RealChain,
  count: number,
  before: readonly SignedEntry[] = [],
): Promise<SignedEntry[]> {
  const entries = [...before];
  const { chainId } = chain.deployment;
  for (let i = 0; i < count; i++) {
    const head = (await chain.provider.getBlock("latest"))!;
    entries.push(
      signEntry(chain.agent, policyHashOf(chargePolicy), {
        seq: entries.length,
        prev: entries.at(-1)?.entryId ?? null,
        values: { input: { amount: 1 }, output: {} },
        claims: {
          iat: head.timestamp,
          nb: { blockHash: head.hash as Hex, blockNumber: head.number, chainId },
          thread: `order-${entries.length}`,
        },
      }),
    );
  }
  return entries;
}

/** Anchors the log over all entries; `anchored` of them were before. */
export async function anchor(
  chain: RealChain,
  entries: readonly SignedEntry[],
  anchored: number,
  name: "anchor" | "advance" = "anchor",
): Promise<void> {
  const log = logOver(entries.map(({ leaf }) => leaf));
  const proof = consistencyProof(log.source, anchored, entries.length).map(toHex);
  await chain.logAnchor.getFunction(name)(logIdOf(origin), entries.length, toHex(log.root(entries.length)), proof);
}

export function evidenceOf({ deployment }: RealChain, entries: readonly SignedEntry[], anchorIndex: number): Evidence {
  const log = logOver(entries.map(({ leaf }) => leaf));
  const size = entries.length;
  const at = (
    name: "agentRegistry" | "attestationRegistry" | "contractRegistry" | "logAnchor" | "policyRegistry",
  ): Hex => deployment.contracts[name].address.toLowerCase() as Hex;
  return {
    header: {
      chainId: deployment.chainId,
      contracts: {
        agentRegistry: at("agentRegistry"),
        attestationRegistry: at("attestationRegistry"),
        contractRegistry: at("contractRegistry"),
        logAnchor: at("logAnchor"),
        policyRegistry: at("policyRegistry"),
      },
      logId: logIdOf(origin),
      origin,
      vkey: formatEd25519VerifierKey(origin, ed25519.getPublicKey(noteSecret)),
    },
    policies: [chargePolicy],
    checkpoint: { anchorBlock: null, anchorIndex, note: noteOver(log.root(size), size, { statedBy: null }) },
    entries: entries.map(({ leaf, disclosures }, index) => ({
      disclosures,
      index,
      leaf,
      proof: log.proof(index, size),
    })),
    heads: headsOver(log.root(size), entries),
  };
}

async function countingProxy(port: number): Promise<Pick<RealChain, "url" | "requests" | "cut" | "close">> {
  let requests = 0;
  let isCut = false;
  const server: Server = createServer((incoming, outgoing) => {
    requests++;
    if (isCut) return void incoming.destroy();
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const headers = { "content-type": "application/json" };
      void fetch(`http://127.0.0.1:${port}`, { method: "POST", headers, body: Buffer.concat(chunks) })
        .then(async (answer) => outgoing.writeHead(answer.status, headers).end(await answer.text()))
        .catch(() => outgoing.writeHead(502).end());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: () => requests,
    cut: () => {
      isCut = true;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
