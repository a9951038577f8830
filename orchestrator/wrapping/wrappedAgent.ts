import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

import { Contract } from "ethers";

import { printJson, printLines } from "../../host/terminal/print.ts";
import type { Agent } from "../../agent/agent.ts";
import { Registries } from "../../agent/chain/registries.ts";
import { Rpc } from "../../agent/chain/rpc.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { type AgentKeys, createAgentKeys, openAgentKeys } from "../../agent/keys/keystore.ts";
import { readSecretFile } from "../../agent/keys/secretFile.ts";
import { openAgent } from "../../agent/openAgent.ts";
import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { RegistryReader } from "../../attestation/service/registry.ts";
import { drawnByChain } from "../../attestation/verifier/drawnByChain.ts";
import { softwareBackend } from "../../attestation/evidence/backend.ts";
import type { MeasureOptions } from "../../attestation/measure/measureProcess.ts";
import { Verifier } from "../../attestation/verifier/verifier.ts";
import { type AttestationServer, serveAttestation } from "../../attestation/wrap/attestationServer.ts";
import { consentToNext } from "../../attestation/wrap/consent.ts";
import { announceEndpoint, enrolWrapper } from "../../attestation/wrap/enrolWrapper.ts";
import { Wrapper, type WrapperOptions } from "../../attestation/wrap/wrapper.ts";
import { readWrapping, writeWrapping } from "../../attestation/wrap/wrapping.ts";
import { parseTicket, ticketIdOf } from "../../protocol/attestation/enrolment.ts";
import { measurementOf } from "../../protocol/attestation/manifest.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import type { WrapperConfig } from "./config.ts";
import type { NumberedCommand, WrapperCommand, WrapperMessage } from "./messages.ts";

/** How often the service is told where this wrapper listens: it may have been restored from an older copy. */
const announceEveryMs = 30_000;
/** A program that ended is known to have; one that is slow is waited for. */
const readyTimeoutMs = 1_500_000;
/** Who is started here has its service and the other agents of its pipeline on this machine. */
const allowPrivate = true;

/** One agent under supervision, with everything that is done in its name outside of its program. */
export class WrappedAgent {
  readonly #config: WrapperConfig;
  readonly #keys: AgentKeys;
  readonly #agent: Agent;
  readonly #rpc: Rpc;
  readonly #server: AttestationServer;
  readonly #stopping = new AbortController();
  #wrapper: Wrapper | undefined;
  #verifier: Verifier | undefined;
  #child: ChildProcess | undefined;
  #policy: Readonly<Record<string, unknown>> = {};
  #firstReady = Promise.withResolvers<void>();
  #whole = false;
  /** m of what was enrolled. */
  #enrolled: Hex | undefined;
  #held = false;
  /** The process that was last found to be what was enrolled. */
  #soundPid: number | undefined;
  /** The process that may open what is sealed to the evidence: none, until the orchestrator saw it attested. */
  #admittedPid: number | undefined;
  #endedOnPurpose = false;
  readonly #gone = Promise.withResolvers<number>();

  private constructor(config: WrapperConfig, keys: AgentKeys, agent: Agent, rpc: Rpc, serve: ServerOf) {
    this.#config = config;
    this.#keys = keys;
    this.#agent = agent;
    this.#rpc = rpc;
    this.#server = serve.server;
    this.#enrolled = config.measurement;
    serve.into(this);
  }

  /** The exit code to end with, once the program has ended for good and nobody asked for that. */
  get programGone(): Promise<number> {
    return this.#gone.promise;
  }

  static async start(config: WrapperConfig): Promise<WrappedAgent> {
    const { dataDir, folder, relayerUrl, rpcUrl, deployment, passphrase, port } = config;
    const keys = await openOrCreateKeys(config);
    const agent = await openAgent({ dataDir, name: folder, relayerUrl, rpcUrl, deployment, passphrase });
    const bundle = await loadPolicyBundle(config.policyDir);
    await agent.register();
    const policy = { ...(await agent.commitPolicy(bundle)), name: bundle.name };
    // It listens before the program runs: where, is part of what is enrolled.
    let self: WrappedAgent | undefined;
    const server = await serveAttestation({
      wrapper: {
        answer: (challenge) => self?.answering().answer(challenge) ?? throwStarting(),
        get answered() {
          return self?.answering().answered ?? throwStarting();
        },
      },
      verifier: { verify: (task) => self?.verifying().verify(task) ?? throwStarting() },
      port,
    });
    const rpc = new Rpc({ url: rpcUrl, chainId: deployment.chainId });
    const wrapped = new WrappedAgent(config, keys, agent, rpc, { server, into: (one) => (self = one) });
    wrapped.#policy = policy;
    await wrapped.#run();
    return wrapped;
  }

  answering(): Wrapper {
    return this.#wrapper ?? throwStarting();
  }

  verifying(): Verifier {
    return this.#verifier ?? throwStarting();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    // A program that is held cannot hear that it is to end.
    this.#child?.kill("SIGCONT");
    await this.#wrapper?.stop();
    await this.#server.close();
    this.#agent.close();
    this.#rpc.close();
  }

  async #run(): Promise<void> {
    const { command, restart, programEnvironment } = this.#config;
    const { signing } = this.#keys;
    this.#wrapper = await Wrapper.start({
      command,
      ...restart,
      env: programEnvironment,
      // Its first output is the ready line, which is read here; the channel is its leash.
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      wrapping: await this.#wrapping(),
      signing,
      backend: { ...softwareBackend, measure: (pid, options) => this.#measure(pid, options) },
      onSpawn: (child) => this.#follow(child),
      // What comes up after a crash is another process: it gets keys when it has been attested itself.
      mayUseKeys: () => this.#admittedPid !== undefined && this.#admittedPid === this.#wrapper?.pid,
      onCrash: ({ code, signal }) => {
        this.#tell({ says: "program-ended", code, signal });
      },
      untilReady: () => this.#untilReady(),
    });
    this.#verifier = this.#verifierOf(this.#wrapper);
    process.on("message", (message) => void this.#obey(message as NumberedCommand));
    // A listener keeps the channel, and with it this process, alive; it has an end of its own.
    process.channel?.unref();
    const announced = Promise.withResolvers<void>();
    void this.#keepAnnouncing(announced.resolve);
    // Whoever is told that this agent is ready may have it challenged at once.
    await announced.promise;
    void this.#wrapper.ended.then(({ code }) => {
      if (!this.#stopping.signal.aborted && !this.#endedOnPurpose) this.#gone.resolve(code === 0 ? 0 : 1);
    });
    this.#whole = true;
    this.#sayReady();
  }

  /** What the service gave for the version that is to run, or how to get it with the ticket. */
  async #wrapping(): Promise<WrapperOptions["wrapping"]> {
    const { wrappingFile, ticketFile, root, include, dataDir, folder } = this.#config;
    const ticket = { ...parseTicket(await readSecretFile(ticketFile)), service: this.#config.serviceUrl };
    const known = await readWrapping(wrappingFile).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    const { facts, signing } = this.#keys;
    if (known?.agent === facts.did && known.ticketId === ticketIdOf(ticket.secret)) return known;
    const pendingFile = `${agentFolder(dataDir, folder).path}/enrolment.json`;
    // The agent owns itself: its account says that its next version may be enrolled.
    const { account } = this.#keys;
    const consent = () => consentToNext(this.#reader(), this.#config.deployment.chainId, account, account.address);
    const place = {
      ticket,
      agent: facts.did,
      signing,
      url: this.#server.url,
      root,
      include,
      pendingFile,
      consent,
      allowPrivate,
    };
    return {
      root,
      include,
      enrol: async (manifest) => {
        this.#enrolled = measurementOf(manifest);
        const wrapping = await enrolWrapper(place, manifest);
        await writeWrapping(wrappingFile, wrapping);
        this.#tell({ says: "measured", measurement: this.#enrolled });
        return wrapping;
      },
    };
  }

  #reader(): RegistryReader {
    const { address } = this.#config.deployment.contracts.attestationRegistry;
    return new RegistryReader(new Contract(address, iAttestationRegistryAbi, this.#rpc.provider), address);
  }

  /** Answers stay honest, whatever is found; but a program that was changed does nothing more until somebody decides. */
  async #measure(pid: number, options: MeasureOptions): Promise<Hex> {
    const found = await softwareBackend.measure(pid, options);
    if (this.#enrolled !== undefined && found !== this.#enrolled) {
      this.#child?.kill("SIGSTOP");
      if (!this.#held) this.#tell({ says: "changed" });
      this.#held = true;
    } else this.#soundPid = pid;
    return found;
  }

  /**
   * A record on chain may be of the process before, whose evidence was on its way when it ended: what was not measured
   * since it runs counts as unknown. @throws AffiantError ERR_UNAVAILABLE_TARGET
   */
  #soundProcess(): number {
    const { pid } = this.answering();
    if (pid !== undefined && pid === this.#soundPid && !this.#held) return pid;
    throw new AffiantError(
      "ERR_UNAVAILABLE_TARGET",
      "the program was not found to be what was enrolled, since it runs",
    );
  }

  #verifierOf(wrapper: Wrapper): Verifier {
    const { deployment } = this.#config;
    const { address } = deployment.contracts.attestationRegistry;
    const { account } = this.#keys;
    const registries = new Registries(this.#rpc, deployment);
    return new Verifier({
      account,
      chainId: deployment.chainId,
      registry: address,
      encryptionKeys: wrapper.encryptionKeys,
      servicePublicKey: wrapper.wrapping.servicePublicKey,
      isSigningKey: (agent, key) => registries.isSigningKey(agent, key),
      allowPrivate,
      isDrawn: drawnByChain(this.#reader(), account.address),
    });
  }

  /** Hands the program's output on, and looks for the line by which it says that it is ready. */
  #follow(child: ChildProcess): void {
    this.#child = child;
    let rest = "";
    let ready = false;
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (!ready && saysReady(line)) {
          ready = true;
          this.#firstReady.resolve();
          if (this.#whole) this.#sayReady();
        } else printLines("stdout", [line]);
      }
    });
    child.once("exit", () => this.#firstReady.reject(new AffiantError("ERR_UNAVAILABLE_PROCESS", "the program ended")));
    this.#firstReady.promise.catch(() => undefined);
  }

  async #untilReady(): Promise<void> {
    const late = sleep(readyTimeoutMs, undefined, { ref: false }).then(() => {
      throw new AffiantError("ERR_UNAVAILABLE_PROCESS", "the program did not become ready in time");
    });
    await Promise.race([this.#firstReady.promise, late]);
  }

  #sayReady(): void {
    const { facts } = this.#keys;
    const { wrapping, pid } = this.answering();
    const url = `http://127.0.0.1:${this.#config.programEnvironment["AFFIANT_PORT"] ?? ""}`;
    const line = {
      ready: true,
      url,
      pid,
      did: facts.did,
      policy: this.#policy,
      attestationUrl: this.#server.url,
      version: wrapping.version,
    };
    printJson("stdout", line);
    this.#tell({ says: "program-ready", pid: pid ?? 0 });
  }

  async #obey({ id, command }: NumberedCommand): Promise<void> {
    try {
      await this.#execute(command);
      this.#tell({ says: "answer", id });
    } catch (error) {
      const code = isAffiantError(error) ? error.code : "ERR_INTERNAL_UNEXPECTED";
      this.#tell({ says: "answer", id, error: (error as Error).message, code });
    }
  }

  async #execute(command: WrapperCommand): Promise<void> {
    switch (command.do) {
      case "admit":
        this.#admittedPid = this.#soundProcess();
        return;
      case "vouch":
        this.#soundProcess();
        return;
      case "isolate":
        this.#child?.kill("SIGSTOP");
        return;
      case "release":
        this.#held = false;
        this.#child?.kill("SIGCONT");
        return;
      case "revoke":
        await this.#agent.revokeContracts(command.contractIds);
        return;
      case "end-program":
        this.#endedOnPurpose = true;
        this.#admittedPid = undefined;
        // It is not trusted to end gently, nor to say anything more.
        this.#child?.kill("SIGKILL");
        await this.#wrapper?.stop();
    }
  }

  #tell(message: WrapperMessage): void {
    if (process.connected) process.send?.(message);
  }

  async #keepAnnouncing(onTold: () => void): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const { wrapping } = this.answering();
      const told =
        // Where the service listens now, and not where it did when the ticket was given out.
        await announceEndpoint(this.#config.serviceUrl, wrapping, this.#server.url, Date.now(), allowPrivate).then(
          () => true,
          (error: Error) => {
            printLines("stderr", [`the attestation service was not told where this wrapper listens: ${error.message}`]);
            return false;
          },
        );
      if (told) onTold();
      await sleep(told ? announceEveryMs : 1_000, undefined, { signal }).catch(() => undefined);
    }
  }
}

interface ServerOf {
  readonly server: AttestationServer;
  readonly into: (self: WrappedAgent) => void;
}

/** The keys are made here, in the process that answers for them; nobody hands them to it. */
async function openOrCreateKeys({ dataDir, folder, deployment, passphrase }: WrapperConfig): Promise<AgentKeys> {
  await createAgentKeys({ dataDir, name: folder, chainId: deployment.chainId, passphrase }).catch((error: unknown) => {
    if (!isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) throw error;
  });
  return openAgentKeys(dataDir, folder, passphrase);
}

function saysReady(line: string): boolean {
  if (!line.startsWith("{")) return false;
  try {
    return (JSON.parse(line) as { ready?: unknown }).ready === true;
  } catch {
    return false; // a line of its log that only looks like JSON
  }
}

function isMissing(error: unknown): boolean {
  return isAffiantError(error) && (error.cause as NodeJS.ErrnoException | undefined)?.code === "ENOENT";
}

function throwStarting(): never {
  throw new AffiantError("ERR_UNAVAILABLE_TARGET", "the program is being started");
}
