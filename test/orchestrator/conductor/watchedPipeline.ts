import type { AttestationStatus } from "../../../protocol/attestation/types.ts";
import { createAgentKeys } from "../../../agent/keys/keystore.ts";
import type { Conductor } from "../../../orchestrator/conductor/conductor.ts";
import { Watch } from "../../../orchestrator/conductor/watch.ts";
import { type Incumbent, Records } from "../../../orchestrator/state/records.ts";
import { StateFile, stateFileIn } from "../../../orchestrator/state/stateFile.ts";
import type { WrapperCommand } from "../../../orchestrator/wrapping/messages.ts";
import { eventually } from "../../helpers/eventually.ts";

export interface WatchedPipeline {
  readonly watch: Watch;
  readonly records: Records;
  /** What was done, in order. */
  readonly done: string[];
  readonly said: string[];
  /** What the next attestations end with. */
  readonly failures: Error[];
  reusedTickets: number;
  /** What the chain says of an identity, by the name of its folder. */
  stands(folder: string, status: AttestationStatus, sinceBlock: number): void;
  /** Waits until it has looked so often again. */
  looks(count: number): Promise<void>;
  end(): Promise<void>;
}

/** Order and payment, attested, in one group; a chain that says what it is told to say; and everything done is written down. */
export async function watched(dataDir: string): Promise<WatchedPipeline> {
  const file = new StateFile(stateFileIn(dataDir));
  const records = new Records(file);
  const standings = new Map<string, { status: AttestationStatus; sinceBlock: number }>();
  const done: string[] = [];
  const said: string[] = [];
  const failures: Error[] = [];
  const stop = new AbortController();
  let looked = 0;

  const settle = async (agent: string, generation: number): Promise<Incumbent> => {
    const folder = generation === 1 ? agent : `${agent}-${generation}`;
    const { did, address } = await createAgentKeys({ dataDir, name: folder, chainId: 31337 });
    standings.set(folder, { status: "trusted", sinceBlock: 1 });
    return records.keep({
      agent,
      generation,
      folder,
      site: "s",
      release: "r",
      version: 1,
      state: "attested",
      did,
      address,
    });
  };
  await settle("order", 1);
  await settle("payment", 1);

  const write = (what: string): void => void done.push(what);
  const incumbentOf = (agent: string): Incumbent => records.incumbent(agent)!;
  const publisher = {
    name: "shop/floor",
    step: async () => void (looked > 0 && !quiet() && write("step")),
    demandRotation: async () => write("rotate"),
  };
  const folderAt = (address: string) => records.history().find((one) => one.address === address)?.folder ?? "";
  const world = { reusedTickets: 0 };
  const conductor = {
    pipeline: {
      agents: [{ name: "order" }, { name: "payment" }],
      groups: [{ members: ["order", "payment"] }],
      restart: { maxReplacements: 1 },
    },
    options: {
      records,
      layout: { dataDir },
      attestation: {
        standing: async (address: string) => standings.get(folderAt(address)),
        reusedTickets: async () => world.reusedTickets,
      },
      fleet: {
        command: async (agent: string, command: WrapperCommand) => write(`${agent} ${command.do}`),
        dismiss: async (agent: string) => write(`dismiss ${agent}`),
        recordCountOf: async () => 1,
      },
      self: { record: async ({ act }: { act: string }) => write(`record ${act}`) },
      relayer: { requestAnchor: async () => write("anchor") },
    },
    incumbentOf,
    groups: async () => [publisher],
    admit: async () => {
      write("admit");
      return true;
    },
    demandAttestation: async (agent: string) => {
      write(`demand ${agent}`);
      records.change(incumbentOf(agent), { state: "wrapped" });
    },
    attestOne: async (agent: string) => {
      write(`attest ${agent}`);
      const failure = failures.shift();
      if (failure) throw failure;
      const { folder } = incumbentOf(agent);
      standings.set(folder, { status: "trusted", sinceBlock: 10 });
      return records.change(incumbentOf(agent), { state: "attested" });
    },
    wrap: async ({ name }: { name: string }) => {
      write(`wrap ${name}`);
      return settle(name, incumbentOf(name).generation + 1);
    },
  };
  const watch = new Watch({
    conductor: conductor as unknown as Conductor,
    say: (level, _, text) => said.push(level === "alarm" ? `ALARM ${text}` : text),
    intervalMs: 5,
    stop: stop.signal,
    obey: async () => void looked++,
  });
  // Its own looks at the group, when nothing else is under way, are not steps that anybody asked for.
  const quiet = (): boolean => watch.quiet;

  return Object.assign(world, {
    watch,
    records,
    done,
    said,
    failures,
    stands(folder: string, status: AttestationStatus, sinceBlock: number) {
      standings.set(folder, { status, sinceBlock });
    },
    async looks(count: number) {
      const until = looked + count;
      await eventually(() => looked >= until && watch.quiet);
    },
    async end() {
      stop.abort();
      await watch.ended();
      file.close();
    },
  });
}
