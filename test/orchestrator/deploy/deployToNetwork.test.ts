import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { getVerificationInformation } from "@nomicfoundation/ignition-core";
import { expect } from "chai";
import { Contract, Interface, type InterfaceAbi, keccak256, type Result, Wallet } from "ethers";

import { type Eip1193, RpcError } from "../../../orchestrator/deploy/chainRpc.ts";
import { deployContracts } from "../../../orchestrator/deploy/deployContracts.ts";
import { defaultUpgraderDelaySec, type DeploymentPace } from "../../../orchestrator/deploy/deployToNetwork.ts";
import type { DeploymentCost } from "../../../orchestrator/deploy/estimateCost.ts";
import { lengthsAt } from "../../../protocol/attestation/schedule.ts";
import { deployedContractNames, formatDeployment, parseDeployment } from "../../../protocol/deployment.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { governanceRoles } from "../../../protocol/governance/roles.ts";
import { deployedChain } from "../../helpers/deploy.ts";
import { rejection } from "../../helpers/rejection.ts";
import { publicChain } from "./publicChain.ts";

/** What an error says, and what those say that caused it. */
function causes(error: unknown): string[] {
  return error instanceof Error ? [error.message, ...causes(error.cause)] : [];
}

/** Lets so many transactions of a run through, then nothing any more: the process was killed. */
function dyingAfter(rpc: Eip1193, allowed: number, last: "landed" | "lost"): Eip1193 {
  let seen = 0;
  let dead = false;
  return {
    request: async (request) => {
      if (dead) throw new Error("killed");
      if (request.method !== "eth_sendRawTransaction" || seen++ < allowed) return await rpc.request(request);
      dead = true;
      if (last === "landed") await rpc.request(request);
      throw new Error("killed");
    },
  };
}

/** As Ignition keeps it beside its journal. */
interface JournalArtifact {
  readonly sourceName: string;
  readonly inputSourceName: string;
  readonly contractName: string;
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
  readonly buildInfoId: string;
}

describe("deploying to a named network", () => {
  let chain: Awaited<ReturnType<typeof publicChain>>;

  beforeEach(async () => (chain = await publicChain()));
  afterEach(() => chain.remove());

  it("writes where everything is, how it came there, and which keys the verifier has", async () => {
    const deployed = await chain.deploy();
    const text = readFileSync(`${chain.folder}/deployments/11155111.json`, "utf8");
    const deployment = parseDeployment(text);
    expect(deployment).to.deep.equal(deployed?.deployment);
    expect(formatDeployment(deployment)).to.equal(text);
    expect(deployment.deployer).to.equal(chain.wallet.address);
    const all = [
      ...deployedContractNames.map((name) => deployment.contracts[name]),
      ...deployedContractNames.flatMap((name) => deployment.contracts[name].implementation ?? []),
      ...Object.values(deployment.verifiers ?? {}),
      ...Object.values(deployment.parts ?? {}),
    ];
    expect(all).to.have.lengthOf(8 + 5 + 1 + 1);
    for (const { address, blockNumber, codeHash, transactionHash } of all) {
      expect(keccak256(await chain.ethers.provider.getCode(address))).to.equal(codeHash);
      const receipt = await chain.ethers.provider.getTransactionReceipt(transactionHash!);
      expect(receipt).to.include({ contractAddress: address, blockNumber, status: 1 });
    }
    const { agentRegistry, accessManager, verifierRegistry } = deployment.contracts;
    expect(accessManager.constructorArguments).to.deep.equal({
      initialAdmin: chain.wallet.address,
      delayedRole: String(governanceRoles.upgrader.id),
      guardianRole: String(governanceRoles.guardian.id),
      leastDelaySec: String(2 * 24 * 3600), // docs/contract-security.md: two days
    });
    expect(agentRegistry.initializeArguments).to.deep.equal({
      accessManager: accessManager.address,
      verifierRegistry_: verifierRegistry.address,
    });
    const manifest = JSON.parse(readFileSync(`${chain.folder}/keys/manifest.json`, "utf8"));
    const verifier = deployment.verifiers?.["key-ownership"];
    expect(verifier).to.include({
      keyKind: "CEREMONY",
      verificationKeySha256: manifest.circuits["key-ownership"].sha256.vkey,
    });
    const table = new Contract(
      verifierRegistry.address,
      ["function verifierOf(bytes32) view returns (address)"],
      chain.ethers.provider,
    );
    expect(await table["verifierOf"]!(verifier!.circuitId)).to.equal(verifier!.address);
  });

  it("keeps what explorers ask for: the source of every contract, and the arguments that make its creation's bytes", async () => {
    const deployed = await chain.deploy();
    const journal = join(chain.folder, "journals/chain-11155111");
    const verified: string[] = [];
    const artifacts = readdirSync(join(journal, "artifacts")).map((file) => {
      return JSON.parse(readFileSync(join(journal, "artifacts", file), "utf8")) as JournalArtifact;
    });
    for await (const info of getVerificationInformation(journal)) {
      if (typeof info === "string") return expect.fail(`nothing is known of ${info}`);
      const [sourceName, contractName] = info.contract.split(":");
      const artifact = artifacts.find((one) => one.sourceName === sourceName && one.contractName === contractName)!;
      const args = new Interface(artifact.abi).encodeDeploy(info.constructorArgs);
      const creation = await chain.ethers.provider.getTransaction(info.creationTxHash!);
      expect(creation?.data, info.contract).to.equal(artifact.bytecode + args.slice(2));
      const build = readFileSync(join(journal, "build-info", `${artifact.buildInfoId}.json`), "utf8");
      const { sources } = (JSON.parse(build) as { input: { sources: Record<string, { content: string }> } }).input;
      expect(sources[artifact.inputSourceName]?.content, info.contract).to.contain(`contract ${contractName}`);
      verified.push(info.address);
    }
    const { contracts, verifiers = {}, parts = {} } = deployed!.deployment;
    const implementations = Object.values(contracts).flatMap(({ implementation }) => implementation ?? []);
    const all = [...Object.values(contracts), ...implementations, ...Object.values(verifiers), ...Object.values(parts)];
    expect(verified.sort()).to.deep.equal(all.map(({ address }) => address).sort());
  });

  it("is finished by repeating it, whichever transaction it was killed at, and sends none twice", async () => {
    const undisturbed = await publicChain();
    const expected = await undisturbed.deploy();
    undisturbed.remove();
    const count = expected!.transactions.length;
    expect(count).to.equal(17);
    let killed = 0;
    for (let run = 0; run < 2 * count; run++) {
      // One after a transaction that the node took, the next before it got there.
      const rpc = dyingAfter(chain.rpc, run % 2, run % 3 === 0 ? "lost" : "landed");
      const stopped = await chain.deploy({ rpc }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (stopped === undefined) break;
      killed++;
      expect(causes(stopped).join("; ")).to.match(/killed/);
    }
    expect(killed).to.be.greaterThan(5);
    const deployed = await chain.deploy();
    expect(await chain.nonce()).to.equal(count);
    const addresses = ({ deployment }: NonNullable<typeof expected>) =>
      deployedContractNames.map((name) => deployment.contracts[name].address);
    expect(addresses(deployed!)).to.deep.equal(addresses(expected!));
  });

  it("sends nothing the second time", async () => {
    const first = await chain.deploy();
    const nonce = await chain.nonce();
    const again = await chain.deploy();
    expect(again?.deployment).to.deep.equal(first?.deployment);
    expect(again?.transactions).to.deep.equal([]);
    expect(await chain.nonce()).to.equal(nonce);
  });

  it("says before what it costs, to the gas", async () => {
    let cost: DeploymentCost | undefined;
    const deployed = await chain.deploy({ confirm: (found) => Promise.resolve(((cost = found), true)) });
    const spent = deployed!.transactions.map(({ what, gasUsed }) => [what, gasUsed]);
    expect(spent).to.deep.equal(cost?.transactions.map(({ what, gas }) => [what, gas]));
    expect(cost!.neededWei > cost!.expectedWei).to.equal(true);
  });

  it("believes the chain itself about what things cost there, and asks for as much", async () => {
    const { rpc } = chain.options;
    const costOf = async (change: (answer: string) => unknown): Promise<DeploymentCost> => {
      let cost: DeploymentCost | undefined;
      const dearer: typeof rpc = {
        request: async (asked) => {
          const answer = await rpc.request(asked);
          return asked.method === "eth_estimateGas" ? change(String(answer)) : answer;
        },
      };
      await chain.deploy({ rpc: dearer, confirm: (found) => Promise.resolve(((cost = found), false)) });
      return cost!;
    };
    const usual = await costOf((answer) => answer);
    const dear = await costOf((answer) => `0x${(BigInt(answer) * 7n).toString(16)}`);
    expect(dear.gas).to.equal(usual.gas * 7n);
    expect(dear.neededWei > usual.neededWei * 6n).to.equal(true);
    const silent = await rejection(
      costOf(() => {
        throw new Error("method not supported");
      }),
    );
    expect(silent).to.include({ code: "ERR_UNAVAILABLE_CHAIN" });
    expect(await chain.nonce()).to.equal(0);
  });

  it("spends nothing when the answer is no, or when the account holds too little", async () => {
    expect(await chain.deploy({ confirm: () => Promise.resolve(false) })).to.equal(undefined);
    let cost: DeploymentCost | undefined;
    await chain.deploy({ confirm: (found) => Promise.resolve(((cost = found), false)) });
    await chain.fund(cost!.neededWei - 10n ** 12n);
    const error = await rejection(chain.deploy({ confirm: () => Promise.reject(new Error("asked in vain")) }));
    expect(error).to.include({ code: "ERR_INPUT_FUNDS" });
    expect(await chain.nonce()).to.equal(0);
  });

  it("refuses an endpoint of another chain", async () => {
    const error = await rejection(chain.deploy({ chainId: 1n, network: "mainnet" }));
    expect(error).to.include({ code: "ERR_CONFLICT_CHAIN" });
    expect((error as { details: unknown }).details).to.deep.equal({
      expectedChainId: 1,
      foundChainId: 11_155_111,
    });
    expect(await chain.nonce()).to.equal(0);
  });

  it("refuses the development keys", async () => {
    const error = await rejection(chain.deploy({ circuitKeysDir: undefined }));
    expect(error).to.include({ code: "ERR_INPUT_KEY_DEVELOPMENT" });
    expect(await chain.nonce()).to.equal(0);
  });

  it("refuses a chain that holds nothing of what the file names, instead of deploying twice", async () => {
    await chain.deploy();
    const elsewhere = await publicChain();
    const error = await rejection(elsewhere.deploy({ deploymentsDir: chain.options.deploymentsDir }));
    elsewhere.remove();
    expect(error).to.include({ code: "ERR_CONFLICT_CHAIN" });
  });

  it("puts up with an endpoint that loses answers, forgets transactions and is behind", async () => {
    let calls = 0;
    const forgotten = new Set<string>();
    const flaky: Eip1193 = {
      request: async (request) => {
        const nth = ++calls;
        if (request.method === "eth_sendRawTransaction" && nth % 2 === 0) {
          await chain.rpc.request(request);
          throw new RpcError("already known", -32000, undefined);
        }
        const [hash = ""] = (request.params ?? []) as [string?];
        if (request.method === "eth_getTransactionByHash" && !forgotten.has(hash)) {
          forgotten.add(hash);
          return null;
        }
        if (request.method === "eth_getTransactionCount" && JSON.stringify(request.params).includes("pending")) {
          return "0x0";
        }
        return await chain.rpc.request(request);
      },
    };
    const deployed = await chain.deploy({ rpc: flaky });
    expect(forgotten.size).to.equal(17);
    expect(deployed!.transactions).to.have.lengthOf(17);
    expect(await chain.nonce()).to.equal(17);
  });

  it("gives each role to whom it was told, with a delay for upgrades", async () => {
    const [upgrader, guardian, orchestrator, attestationService] = ["1", "2", "3", "4"].map(
      (digit) => new Wallet(`0x${digit.repeat(64)}`).address,
    );
    const deployed = await chain.deploy({ holders: { upgrader, guardian, orchestrator, attestationService } });
    const manager = new Contract(
      deployed!.deployment.contracts.accessManager.address,
      ["function hasRole(uint64, address) view returns (bool isMember, uint32 executionDelay)"],
      chain.ethers.provider,
    );
    const has = async (role: number, account: string) => [...(await manager["hasRole"]!(role, account))];
    expect(await has(1, attestationService!)).to.deep.equal([true, 0n]);
    expect(await has(2, orchestrator!)).to.deep.equal([true, 0n]);
    expect(await has(3, upgrader!)).to.deep.equal([true, BigInt(defaultUpgraderDelaySec)]);
    expect(await has(4, guardian!)).to.deep.equal([true, 0n]);
    for (const role of [1, 2, 3, 4]) expect(await has(role, chain.wallet.address)).to.deep.equal([false, 0n]);
  });

  it("counts delays in blocks of that chain, shows them before, and keeps to them when it is begun again", async () => {
    let seen: DeploymentPace | undefined;
    const confirm = (_cost: unknown, pace: DeploymentPace) => Promise.resolve(Boolean((seen = pace)));
    const killed = { rpc: dyingAfter(chain.rpc, 9, "landed"), blockSec: 2, confirm };
    await rejection(chain.deploy(killed));
    expect(seen).to.deep.equal({ blockSec: 2, lengths: lengthsAt(2) });
    expect(await rejection(chain.deploy({ blockSec: 12 }))).to.include({ code: "ERR_CONFLICT_CHAIN" });
    const { deployment } = (await chain.deploy({ blockSec: undefined }))!;
    const { agentRegistry, attestationRegistry } = deployment.contracts;
    const { provider } = chain.ethers;
    const attestations = new Contract(attestationRegistry.address, iAttestationRegistryAbi, provider);
    const { minRecoveryDelay, ...lengths } = lengthsAt(2);
    const schedule = ((await attestations["schedule"]!()) as Result).toObject();
    expect(schedule).to.deep.equal(
      Object.fromEntries(Object.entries(lengths).map(([name, blocks]) => [name, BigInt(blocks)])),
    );
    const agents = new Contract(agentRegistry.address, agentRegistryAbi, provider);
    expect(await agents["MIN_RECOVERY_DELAY_BLOCKS"]!()).to.equal(BigInt(minRecoveryDelay));
  });

  it("makes what a local deployment makes: contracts, arguments and roles", async () => {
    const { deployment: local } = await deployedChain();
    const { deployment } = (await chain.deploy())!;
    const shapeOf = (from: typeof local) =>
      deployedContractNames.map((name) => {
        const { contract, constructorArguments, implementation, initializeArguments } = from.contracts[name];
        return {
          name,
          contract,
          args: Object.keys(constructorArguments ?? {}),
          implementation: implementation?.contract,
          initialize: Object.keys(initializeArguments ?? {}),
        };
      });
    expect(shapeOf(deployment)).to.deep.equal(shapeOf(local));
  });

  it("takes the key from a service that signs, and refuses one that signs something else", async () => {
    const { accountOfService } = await import("../../../orchestrator/deploy/deployerAccount.ts");
    const { createServer } = await import("node:http");
    const { Transaction } = await import("ethers");
    let spoil = false;
    const server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const { id, method, params } = JSON.parse(Buffer.concat(chunks).toString());
        const { from: _from, gas, ...rest } = params[0];
        const nonce = Number(rest.nonce) + (spoil ? 1 : 0);
        const transaction = Transaction.from({ ...rest, to: rest.to ?? null, gasLimit: gas, nonce, type: 2 });
        const raw = await chain.wallet.signTransaction(transaction);
        expect(method).to.equal("eth_signTransaction");
        response.end(JSON.stringify({ jsonrpc: "2.0", id, result: { raw } }));
      })();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    try {
      const account = accountOfService(`http://127.0.0.1:${port}`, chain.wallet.address);
      spoil = true;
      const error = await rejection(chain.deploy({ account }));
      expect(error).to.include({ code: "ERR_CONFLICT_CHAIN" });
      expect(await chain.nonce()).to.equal(0);
      spoil = false;
      expect((await chain.deploy({ account }))?.deployment.deployer).to.equal(chain.wallet.address);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it("is the only way to a public chain: the local one refuses the development keys there", async () => {
    const [signer] = await chain.ethers.getSigners();
    expect(await rejection(deployContracts(signer!))).to.include({ code: "ERR_INPUT_KEY_DEVELOPMENT" });
  });
});
