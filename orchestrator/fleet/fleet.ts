import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

import type { AgentStanding } from "../../attestation/service/registry.ts";
import { type Blocks, withoutWatch } from "../../host/watch/blockWaiter.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Pipeline, PipelineAgent } from "../descriptor/pipeline.ts";
import type { Infrastructure } from "../infrastructure/infrastructure.ts";
import { releaseOf } from "../infrastructure/releaseOf.ts";
import type { ReadyLine } from "../process/childProcess.ts";
import type { Supervisor } from "../process/supervisor.ts";
import type { OrchestratorAgent } from "../self/orchestratorAgent.ts";
import type { Layout } from "../start/layout.ts";
import type { Incumbent, Records } from "../state/records.ts";
import type { WrapperCommand, WrapperNews } from "../wrapping/messages.ts";
import { type AttestationClient, operatorAccountOf } from "./attestationClient.ts";
import { installRequestOf, type Surroundings, ticketFileOf, wrapperProgram } from "./programs.ts";
import type { WrapperCalls } from "./wrapperCalls.ts";

export interface FleetOptions {
  readonly layout: Layout;
  readonly infrastructure: Infrastructure;
  readonly records: Records;
  readonly supervisor: Supervisor;
  readonly calls: WrapperCalls;
  readonly attestation: AttestationClient;
  readonly self: OrchestratorAgent;
  readonly around: Surroundings;
  readonly stop: AbortSignal;
  /** For each wait one of its own: who is told of a block has been told. */
  readonly blocks?: () => Blocks;
}

/** Thread of the orchestrator's entries about one version of one identity. */
export function threadOf({ folder, version }: Incumbent): string {
  return `${folder}.v${version}`;
}

/** The agents of a pipeline as processes and on the chain: installed, wrapped, enrolled, attested, ended. */
export class Fleet {
  readonly #options: FleetOptions;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  /** The holder of a place, made if there is none: decided and on disk before anything of it exists. */
  async prepare(pipeline: Pipeline, agent: PipelineAgent, site: string): Promise<Incumbent> {
    const { records, self } = this.#options;
    const release = await this.release(pipeline, agent);
    const known = records.incumbent(agent.name);
    const gone = known?.state === "convicted" || known?.state === "retired";
    let incumbent: Incumbent;
    if (!known || gone) {
      const generation = (known?.generation ?? 0) + 1;
      const folder = generation === 1 ? agent.name : `${agent.name}-${generation}`;
      incumbent = records.keep({ agent: agent.name, generation, folder, site, release, version: 1, state: "wanted" });
    } else if (known.release !== release || known.site !== site) {
      // The same identity, another version: it has to be enrolled and attested anew.
      incumbent = records.change(known, { release, site, version: known.version + 1, state: "wanted" });
    } else incumbent = known;
    const thread = threadOf(incumbent);
    const input = { agent: agent.name, operator: agent.operator, risk: agent.risk, site, release };
    await self.record({ act: "agent.place", thread, key: `${thread} place`, input });
    return incumbent;
  }

  release(pipeline: Pipeline, agent: PipelineAgent): Promise<string> {
    return releaseOf(agent, pipeline.attestation.include, dirname(pipeline.file));
  }

  /** Starts the wrapper of an agent and waits until its program is ready and enrolled. Its own run of it, if it is up. */
  async wrap(pipeline: Pipeline, agent: PipelineAgent, incumbent: Incumbent): Promise<Incumbent> {
    const { layout, infrastructure, supervisor, calls, around, self } = this.#options;
    const request = installRequestOf(pipeline, agent, incumbent);
    const installation = infrastructure.find(request) ?? (await infrastructure.install(request));
    await this.#leaveTicket(agent, incumbent);
    const known = this.#options.records.file.get<Hex>("measurement", threadOf(incumbent));
    const spec = wrapperProgram(layout, pipeline, agent, incumbent, installation, infrastructure, around, known);
    const onMessage = (message: unknown) => {
      const said = calls.take(message);
      if (said?.says === "measured") {
        this.#options.records.file.put("measurement", threadOf(incumbent), said.measurement);
      } else if (said) this.onSaid?.(agent.name, said);
    };
    const wrapped = this.ready(incumbent, await supervisor.start({ ...spec, onMessage }));
    const thread = threadOf(wrapped);
    const input = { agent: agent.name, did: wrapped.did ?? "", version: wrapped.version };
    await self.record({ act: "agent.enrol", thread, key: `${thread} enrol`, input });
    return wrapped;
  }

  /** Told what wrappers say of their own accord. */
  onSaid: ((agent: string, said: WrapperNews) => void) | undefined;

  /** Notes what a wrapper said when it was ready. */
  ready(incumbent: Incumbent, line: ReadyLine): Incumbent {
    const { did, policy } = line as unknown as Required<Pick<Incumbent, "did" | "policy">>;
    const { address } = parseEthrDid(did);
    const state = incumbent.state === "wanted" ? "wrapped" : incumbent.state;
    return this.#options.records.change(incumbent, { did, address, policy, state });
  }

  /**
   * Waits until the chain says that an agent is trusted, by a record that is newer than `sinceBlock`.
   * @throws AffiantError ERR_AUTH_NOT_ATTESTED if it is found wanting, ERR_UNAVAILABLE_TARGET if it takes too long
   */
  async attested(incumbent: Incumbent, sinceRecord = 0, timeoutMs = 1_800_000): Promise<Incumbent> {
    const { attestation, records, self, stop } = this.#options;
    const blocks = this.#options.blocks?.() ?? withoutWatch;
    const address = incumbent.address ?? "";
    let last = "";
    for (const until = Date.now() + timeoutMs; Date.now() < until && !stop.aborted;) {
      const standing = await attestation.standing(address);
      const count = await attestation.registry.recordCountOf(address);
      if (standing.status === "trusted" && count > sinceRecord) {
        const thread = threadOf(incumbent);
        const input = { agent: incumbent.agent, did: incumbent.did ?? "", round: standing.round };
        await self.record({ act: "agent.attest", thread, key: `${thread} attest ${count}`, input });
        return records.change(incumbent, { state: "attested" });
      }
      last = `${standing.status}, ${count} records, ${sinceRecord} before`;
      if (standing.status === "quarantined" || standing.status === "convicted") throw notTrusted(incumbent, standing);
      await blocks.next(200, 2_000, stop);
    }
    throw new AffiantError("ERR_UNAVAILABLE_TARGET", `${incumbent.folder} was not attested in time (${last})`, {
      hint: `See ${this.#options.layout.log("attestation")}`,
    });
  }

  installedProgram(pipeline: Pipeline, agent: PipelineAgent, incumbent: Incumbent): string {
    const found = this.#options.infrastructure.find(installRequestOf(pipeline, agent, incumbent));
    return found?.program ?? agent.program;
  }

  recordCountOf(incumbent: Incumbent): Promise<number> {
    return this.#options.attestation.registry.recordCountOf(incumbent.address ?? "");
  }

  /** Where the wrapper of an agent answers challenges, and shows the evidence that it gave. */
  wrapperUrlOf({ agent }: Incumbent): string | undefined {
    const port = this.#options.around.ports[agent]?.wrapper;
    return port === undefined ? undefined : `http://127.0.0.1:${port}`;
  }

  command(agent: string, command: WrapperCommand): Promise<void> {
    return this.#options.calls.command(agent, command);
  }

  dismiss(agent: string): Promise<void> {
    return this.#options.supervisor.dismiss(agent);
  }

  /** Hands over a ticket, once: the wrapper that uses it is the only one that can. */
  async #leaveTicket(agent: PipelineAgent, incumbent: Incumbent): Promise<void> {
    const { layout, attestation } = this.#options;
    const path = ticketFileOf(layout, incumbent);
    if (existsSync(path)) return;
    const measurement = this.#pinned(incumbent);
    const { address } = incumbent;
    const terms = { operator: operatorAccountOf(agent.operator), ...(address === undefined ? {} : { agent: address }) };
    const text = await attestation.issueTicket({ ...terms, ...(measurement === undefined ? {} : { measurement }) });
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, text, { mode: 0o600, flag: "wx" });
    renameSync(`${path}.new`, path);
  }

  /** A replacement must measure as the one before it did, if it is the same release. */
  #pinned({ agent, generation, release }: Incumbent): Hex | undefined {
    const before = this.#options.records
      .history()
      .findLast((one) => one.agent === agent && one.generation < generation && one.release === release);
    return before && this.#options.records.file.get<Hex>("measurement", threadOf(before));
  }
}

function notTrusted({ folder }: Incumbent, { status }: AgentStanding): AffiantError {
  return new AffiantError("ERR_AUTH_NOT_ATTESTED", `${folder} is ${status}: a verifier found it wanting`);
}
