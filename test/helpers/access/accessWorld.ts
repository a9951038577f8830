import { ed25519 } from "@noble/curves/ed25519.js";
import { Interface, type Signer } from "ethers";
import { network } from "hardhat";

import { serveAccess } from "../../../access/openAccess.ts";
import { agentClient, type AccessSettings } from "../../../access/settings.ts";
import { signedLogin } from "../../../agent/access/loginProofs.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { ChainView } from "../../../host/access/chainView.ts";
import type { Answer, Question } from "../../../host/watch/answers.ts";
import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { attestationDeskAbi } from "../../../protocol/generated/abi/AttestationDesk.ts";
import { attestationRegistryAbi } from "../../../protocol/generated/abi/AttestationRegistry.ts";

export const reports = "http://reports.example/";

/** A chain with the deployment, a stub in place of the attestation registry's judgement, and agents that are all that is asked for. */
export async function accessWorld({ agents = 1 } = {}) {
  const connection = await network.create();
  const { ethers } = connection;
  const [deployer, ...others] = await ethers.getSigners();
  if (!deployer) throw new Error("the chain has no accounts");
  const deployment = await deployContracts(deployer);
  const trust = new Trust(deployment.contracts.attestationRegistry.address, () => ethers.provider.send("evm_mine", []));
  const registry = await ethers.getContractAt("AgentRegistry", deployment.contracts.agentRegistry.address);
  const policies = await ethers.getContractAt("PolicyRegistry", deployment.contracts.policyRegistry.address);

  /** Another agent: registered, trusted, with a policy. */
  const addAgent = async (account: Signer, number: number) => {
    const seed = new Uint8Array(32).fill(number + 1);
    const address = await account.getAddress();
    await registry.connect(account).register(toHex(ed25519.getPublicKey(seed)));
    await policies.connect(account).commit(address, `0x${"77".repeat(32)}`);
    await trust.set(address, true);
    const key = new SigningKey(seed);
    const did = formatEthrDid(BigInt(deployment.chainId), address);
    return { account, address, did, key, login: signedLogin(did, key, key.did) };
  };
  const made = [];
  for (let i = 0; i < agents; i++) made.push(await addAgent(others[i]!, i));

  let silent = false;
  const ask = async (questions: readonly Question[]): Promise<readonly Answer[]> => {
    if (silent) throw new Error("the endpoint is silent");
    return Promise.all(
      questions.map(async ({ method, params }): Promise<Answer> => {
        const stubbed = trust.answer(method, params);
        if (stubbed !== undefined) return { result: stubbed };
        try {
          return { result: await ethers.provider.send(method, [...params]) };
        } catch (error) {
          return { error: { code: 3, message: (error as Error).message, data: "0x" } };
        }
      }),
    );
  };
  const chain = () => new ChainView({ ask, chainId: deployment.chainId });
  return {
    ...connection,
    deployer,
    deployment,
    trust,
    registry,
    policies,
    agents: made,
    addAgent,
    others,
    chain,
    silence: (is: boolean) => (silent = is),

    /** An authorization server on a port of its own. */
    serve: (dataDir: string, settings: Partial<AccessSettings> = {}) =>
      serveAccess(
        {
          dataDir,
          deployment,
          chain: chain(),
          resources: { [reports]: ["reports:read", "reports:refund"], "http://other.example/": ["reports:read"] },
          scopeTable: {},
          clients: [agentClient],
          requestsPerMinute: 0,
          ...settings,
        },
        { port: 0 },
      ),
  };
}

/** Stands for the attestation registry's judgement, in the answers of the chain: trusts whom it is told to, from the next block on. */
class Trust {
  readonly #address: string;
  readonly #mine: () => Promise<unknown>;
  readonly #abi = new Interface(
    [...attestationRegistryAbi, ...attestationDeskAbi].filter(({ type }) => type === "function"),
  );
  readonly #trusted = new Map<string, { trusted: boolean; losses: bigint }>();
  untilBlock = 1_000_000n;

  constructor(address: string, mine: () => Promise<unknown>) {
    this.#address = address;
    this.#mine = mine;
  }

  async set(agent: string, trusted: boolean): Promise<void> {
    const before = this.#trusted.get(agent);
    const losses = (before?.losses ?? 0n) + (before && trusted && !before.trusted ? 1n : 0n);
    this.#trusted.set(agent, { trusted, losses });
    await this.#mine();
  }

  answer(method: string, [call]: readonly unknown[]): string | undefined {
    const { to, data } = (call ?? {}) as { to?: string; data?: string };
    if (method !== "eth_call" || to !== this.#address || data === undefined) return undefined;
    const asked = this.#abi.parseTransaction({ data });
    const of = this.#trusted.get(String(asked?.args[0]));
    if (asked?.name === "trustOf") {
      return this.#abi.encodeFunctionResult("trustOf", [of?.trusted ?? false, of?.losses ?? 0n]);
    }
    if (asked?.name !== "statusOf") return undefined;
    const zero = `0x${"0".repeat(64)}`;
    return this.#abi.encodeFunctionResult("statusOf", [[2, 0, 1, 1, zero, this.untilBlock, 1, 0, 1]]);
  }
}

export type AccessWorld = Awaited<ReturnType<typeof accessWorld>>;
