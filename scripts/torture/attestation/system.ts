import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Contract, Wallet } from "ethers";

import { newSigningSeed, SigningKey } from "../../../agent/keys/signingKey.ts";
import { newEncryptionKeyPair } from "../../../agent/sealing/hpke.ts";
import {
  AttestationService,
  type ServiceAlert,
  type ServiceOptions,
} from "../../../attestation/service/attestationService.ts";
import { TaskGiver } from "../../../attestation/service/giveTask.ts";
import { References } from "../../../attestation/service/references.ts";
import { RegistryReader, type TransactionSender, walletSender } from "../../../attestation/service/registry.ts";
import { SealedStore } from "../../../attestation/service/sealedStore.ts";
import { drawnByChain } from "../../../attestation/verifier/drawnByChain.ts";
import type { Verdict } from "../../../attestation/verifier/signVerdict.ts";
import { Verifier } from "../../../attestation/verifier/verifier.ts";
import { type AttestationServer, serveAttestation } from "../../../attestation/wrap/attestationServer.ts";
import { consentToNext } from "../../../attestation/wrap/consent.ts";
import { Wrapper } from "../../../attestation/wrap/wrapper.ts";
import { appointAttestationService } from "../../../orchestrator/deploy/attestationService.ts";
import type { SealedTask } from "../../../protocol/attestation/task.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../../protocol/eip712/typedData.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { freePort, startChain, type TestChain } from "../../../test/helpers/world/chain.ts";
import { measure, nativeProgram, type Program, settleMs } from "./wrapped.ts";
import { mined } from "../../../orchestrator/chain/mined.ts";

/** An agent of the system: its program, its wrapper, and the verifier beside it. */
export interface SystemAgent {
  readonly account: Wallet;
  readonly signing: SigningKey;
  readonly program: Program;
  readonly port: number;
  wrapper: Wrapper;
  /** Undefined while the agent is silent. */
  server: AttestationServer | undefined;
  readonly verifier: Verifier;
  /** All that reaches it as a verifier: tasks, and evidence of its targets. */
  readonly received: SealedTask[];
  readonly evidence: string[];
  /** Of a verifier that does not do its work: what it says instead; rejects if it says nothing. */
  lie: (task: SealedTask) => Promise<Verdict | undefined>;
}

/** A chain, the attestation service, and agents as separate processes, all introduced. */
export class System {
  readonly chain: TestChain;
  readonly registry: Contract;
  readonly reader: RegistryReader;
  readonly agents: SystemAgent[] = [];
  readonly alerts: ServiceAlert[] = [];
  /** Every verdict that a verifier gave, and when. */
  readonly verdicts: { readonly target: string; readonly result: number; readonly atMs: number }[] = [];
  /** Programs, and the service's store. */
  readonly folder: string;
  readonly #options: ServiceOptions;
  service: AttestationService;
  /** 0: a block for each transaction. */
  #blockTimeSec = 0;

  private constructor(chain: TestChain, folder: string, options: ServiceOptions, registry: Contract) {
    this.chain = chain;
    this.folder = folder;
    this.registry = registry;
    this.reader = options.registry;
    this.#options = { ...options, onAlert: (alert) => void this.alerts.push(alert) };
    this.service = new AttestationService(this.#options);
  }

  static async start(agentCount: number): Promise<System> {
    const chain = await startChain();
    const folder = await mkdtemp(join(tmpdir(), "affiant-attestation-"));
    const account = new Wallet(toHex(randomBytes(32)), chain.provider);
    await chain.fund(account.address);
    await appointAttestationService(chain.deployer, chain.deployment, account.address);
    const { address } = chain.deployment.contracts.attestationRegistry;
    const registry = new Contract(address, iAttestationRegistryAbi, chain.provider);
    const keys = await newEncryptionKeyPair();
    const { chainId } = chain.deployment;
    const isSigningKey = (agent: string, key: Uint8Array) => isSigningKeyNow(chain, agent, key);
    const store = await SealedStore.open(join(folder, "store"), join(folder, "store.key.json"));
    const options: ServiceOptions = {
      store,
      references: new References(store),
      registry: new RegistryReader(registry, address),
      sender: walletSender(address, account),
      account,
      chainId,
      tasks: new TaskGiver({ account: account.address, chainId, keys, isSigningKey, allowPrivate: true }),
      servicePublicKey: toHex(keys.publicKey),
      examine: { isSigningKey, attempts: 1, attemptTimeoutMs: 20_000, allowPrivate: true },
      roundBlocks: 0,
      onAlert: () => undefined,
    };
    const system = new System(chain, folder, options, registry);
    for (let i = 0; i < agentCount; i++) await system.add();
    return system;
  }

  /** A service that was ended and started again, with nothing but its store. */
  restartService(change: { readonly sender?: TransactionSender } = {}): void {
    const references = new References(this.#options.store);
    this.service = new AttestationService({ ...this.#options, references, ...change });
  }

  get sender(): TransactionSender {
    return this.#options.sender;
  }

  /** Registers, enrols, wraps and introduces one more agent. */
  async add(make: (root: string) => Promise<Program> = nativeProgram): Promise<SystemAgent> {
    const { chainId } = this.chain.deployment;
    const account = new Wallet(toHex(randomBytes(32)));
    const signing = new SigningKey(newSigningSeed());
    await register(this.chain, account, signing);
    const program = await make(join(this.folder, account.address));
    const port = await freePort();
    const wrapping = await this.service.enrol({
      agent: account.address,
      operator: account.address,
      consent: await consentToNext(this.reader, chainId, account, account.address),
      tier: "software",
      url: `http://127.0.0.1:${port}`,
      manifest: await measure(program),
      root: program.root,
    });
    const wrapper = await Wrapper.start({ ...program, stdio: "ignore", wrapping, signing, settleMs });
    const verifier = new Verifier({
      account,
      chainId,
      registry: this.reader.address,
      encryptionKeys: wrapper.encryptionKeys,
      servicePublicKey: wrapping.servicePublicKey,
      isSigningKey: (agent, key) => isSigningKeyNow(this.chain, agent, key),
      isDrawn: drawnByChain(this.reader, account.address),
      attempts: 1,
      attemptTimeoutMs: 20_000,
      allowPrivate: true,
    });
    const agent: SystemAgent = {
      account,
      signing,
      program,
      port,
      wrapper,
      server: undefined,
      verifier,
      received: [],
      evidence: [],
      lie: honest,
    };
    await this.speak(agent);
    this.agents.push(agent);
    await this.service.introduce(account.address);
    return agent;
  }

  async speak(agent: SystemAgent): Promise<void> {
    const { wrapper, verifier, port, received, evidence } = agent;
    const logged: Pick<Verifier, "verify"> = {
      verify: async (task) => {
        received.push(task);
        const verdict = (await agent.lie(task)) ?? (await verifier.verify(task));
        this.verdicts.push({ target: task.place.target, result: verdict.result, atMs: performance.now() });
        if (verdict.evidence !== null) evidence.push(verdict.evidence);
        return verdict;
      },
    };
    agent.server = await serveAttestation({ wrapper, verifier: logged, port });
  }

  /** The agent answers nobody and verifies nobody any more. */
  async silence(agent: SystemAgent): Promise<void> {
    await agent.server?.close();
    agent.server = undefined;
  }

  agentOf(address: string): SystemAgent {
    const agent = this.agents.find(({ account }) => account.address === address);
    if (!agent) throw new Error(`no agent ${address}`);
    return agent;
  }

  async status(agent: SystemAgent): Promise<string> {
    return (await this.reader.standing(agent.account.address)).status;
  }

  /** Steps, and mines where there is nothing to do, until something holds. */
  async stepUntil(holds: () => Promise<boolean>, maxSteps = 60): Promise<void> {
    for (let step = 0; !(await holds()); step++) {
      if (step === maxSteps) throw new Error(`after ${maxSteps} steps: ${JSON.stringify(this.alerts.slice(-3))}`);
      if (await this.service.step()) continue;
      if (this.#blockTimeSec === 0) await this.chain.mine(1);
      else await sleep(50);
    }
  }

  /** From now on blocks come by the clock, each with all transactions that wait. */
  async mineEvery(seconds: number): Promise<void> {
    await this.chain.rpc("evm_setAutomine", false);
    await this.chain.rpc("evm_setIntervalMining", seconds);
    this.#blockTimeSec = seconds;
  }

  async roundIs(phase: string, number?: number): Promise<boolean> {
    const round = await this.reader.round();
    return round?.phase === phase && (number === undefined || round.number === number);
  }

  async close(): Promise<void> {
    for (const agent of this.agents) {
      await agent.server?.close();
      await agent.wrapper.stop();
    }
    await this.chain.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

function honest(): Promise<undefined> {
  return Promise.resolve(undefined);
}

async function isSigningKeyNow({ agents, provider }: TestChain, agent: string, key: Uint8Array): Promise<boolean> {
  return (await agents.getFunction("signingKeyValidAt")(agent, toHex(key), await provider.getBlockNumber())) as boolean;
}

async function register(chain: TestChain, account: Wallet, signing: SigningKey): Promise<void> {
  const { chainId, contracts } = chain.deployment;
  const message = {
    agent: account.address,
    signingKey: toHex(signing.publicKey),
    nonce: 0n,
    deadline: 10_000_000_000n,
  };
  const domain = agentRegistryDomain(BigInt(chainId), contracts.agentRegistry.address);
  const signature = await account.signTypedData(domain, signerTypes(agentRegistryTypes, "Register"), message);
  await mined(chain.agents.getFunction("registerSigned")(...Object.values(message), signature));
}
