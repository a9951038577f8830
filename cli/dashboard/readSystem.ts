import { existsSync } from "node:fs";

import { readAgents } from "../agentNames.ts";
import { type Environment, requireDeployment, requireRelayerUrl, requireRpcUrl } from "../environment.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { RpcChain } from "../../auditor/chain/rpcChain.ts";
import type { Finding, LiveAct, SystemAgent, SystemState } from "../../dashboard/model/system.ts";
import { type Incumbent, Records } from "../../orchestrator/state/records.ts";
import { type OrchestratorEvent, StateFile, stateFileIn } from "../../orchestrator/state/stateFile.ts";
import type { LogInfo } from "../../protocol/api/types.ts";
import { type EthrDid, parseEthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EntryKind } from "../../protocol/entry/claims.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";

const pageSize = 200;
const listed = 200;
/** A state is about now: it does not wait for something to come up. */
const retry = { attempts: 1 };

type Anchors = Awaited<ReturnType<RelayerClient["anchors"]>>;

interface OwnActs {
  next: number;
  readonly kinds: Record<EntryKind, number>;
  /** Whether its entries were read to their end once: what was counted until then is no count. */
  isWhole: boolean;
  acts: Omit<LiveAct, "anchored">[];
}

/** Reads how a system stands, again and again; of what the log has, only what is new. */
export class SystemReader {
  readonly #environment: Environment;
  readonly #own = new Map<string, OwnActs>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  async read(): Promise<SystemState> {
    const health: Finding[] = [];
    const { dataDir } = this.#environment;
    const names = await readAgents(dataDir);
    const { places, events } = recordsIn(dataDir);
    const known = new Map<string, { name: string; place?: Incumbent }>();
    for (const [did, name] of Object.entries(names)) known.set(did, { name });
    for (const place of places) if (place.did !== undefined) known.set(place.did, { name: place.folder, place });
    const client = await attempt(health, "relayer", "Is it up? affiant doctor says what is wrong with it.", () =>
      Promise.resolve(new RelayerClient({ url: requireRelayerUrl(this.#environment), retry, timeoutMs: 5000 })),
    );
    const log =
      client && (await attempt(health, "relayer", "Start it: npm start, or affiant relayer.", () => client.log()));
    const anchors = client && log ? await attempt(health, "anchors", "", () => allAnchors(client)) : undefined;
    if (client && log) {
      for (const did of known.keys()) {
        await attempt(health, `entries of ${names[did] ?? did}`, "", () => this.#follow(client, did as EthrDid));
      }
    }
    const chain = await attempt(health, "chain", "Is the endpoint up, and is it the one of the deployment?", () =>
      this.#askChain([...known.keys()] as EthrDid[]),
    );
    for (const { level, subject, text } of events.slice(0, 20)) {
      if (level === "alarm") health.push({ part: subject, ok: false, cause: text, remedy: "affiant events --alarms" });
    }
    const anchored = anchors?.at(-1)?.size ?? null;
    return {
      atMs: Date.now(),
      chain: chain ? { chainId: chain.chainId, block: chain.block } : null,
      log: log ? { origin: log.origin, size: log.size, anchored } : null,
      anchors: (anchors ?? []).slice(-100).map(({ size, blockNumber }) => ({ size, block: blockNumber })),
      agents: [...known].map(([did, { name, place }]) => this.#agent(did, name, place, chain?.standings.get(did))),
      acts: this.#newest(anchored),
      events: events
        .slice(0, listed)
        .map(({ atMs, level, subject, text }) => ({ atMs, alarm: level === "alarm", subject, text })),
      health: withGood(health, log, anchored),
    };
  }

  async #follow(client: RelayerClient, did: EthrDid): Promise<void> {
    const own = this.#own.get(did) ?? {
      next: 0,
      kinds: { act: 0, refusal: 0, heartbeat: 0, "key-event": 0 },
      acts: [],
      isWhole: false,
    };
    this.#own.set(did, own);
    for (;;) {
      const { entries, count } = await client.entriesOf(did, own.next, pageSize);
      for (const { seq, index, entryId, leaf } of entries) {
        const { claims } = decodeLeaf(leaf);
        own.kinds[claims.kind]++;
        own.acts.push({
          index,
          entryId,
          agent: did,
          act: claims.act,
          kind: claims.kind,
          thread: claims.thread ?? null,
          block: claims.nb.blockNumber,
          iatSec: claims.iat,
        });
        own.next = seq + 1;
      }
      own.acts = own.acts.slice(-listed);
      own.isWhole ||= own.next >= count;
      if (entries.length === 0 || own.next >= count) return;
    }
  }

  #newest(anchored: number | null): LiveAct[] {
    return [...this.#own.values()]
      .flatMap(({ acts }) => acts)
      .toSorted((a, b) => b.index - a.index)
      .slice(0, listed)
      .map((act) => ({ ...act, anchored: anchored !== null && act.index < anchored }));
  }

  #agent(
    did: string,
    name: string,
    place: Incumbent | undefined,
    standing: SystemAgent["standing"] | undefined,
  ): SystemAgent {
    const { kinds, isWhole = false } = this.#own.get(did) ?? {};
    return {
      name,
      did,
      site: place?.site ?? null,
      place: place?.state ?? null,
      standing: standing ?? null,
      entries:
        kinds && isWhole
          ? { acts: kinds.act, refusals: kinds.refusal, others: kinds.heartbeat + kinds["key-event"] }
          : null,
    };
  }

  async #askChain(agents: readonly EthrDid[]) {
    const { contracts, chainId } = requireDeployment(this.#environment);
    const registry = contracts.attestationRegistry.address.toLowerCase() as Hex;
    const chain = await RpcChain.open(requireRpcUrl(this.#environment), { attempts: 1, timeoutMs: 5000 });
    try {
      const { blockNumber: block } = await chain.head();
      const standings = new Map<string, SystemAgent["standing"]>();
      for (const did of agents) {
        const address = parseEthrDid(did).address.toLowerCase() as Hex;
        const standing = await chain.attestationAt(registry, address, block);
        if (!standing) continue;
        const { status, tier, sinceBlock, expiresAtBlock } = standing;
        standings.set(did, { status, tier, sinceBlock, expiresAtBlock });
      }
      return { chainId, block, standings };
    } finally {
      chain.close();
    }
  }
}

async function attempt<T>(
  health: Finding[],
  part: string,
  remedy: string,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    health.push({ part, ok: false, cause: error.message, remedy: error.hint ?? remedy });
    return undefined;
  }
}

async function allAnchors(client: RelayerClient): Promise<Anchors> {
  const all: Anchors[number][] = [];
  for (;;) {
    const more = await client.anchors(all.length, 100);
    all.push(...more);
    if (more.length < 100) return all;
  }
}

function withGood(health: readonly Finding[], log: LogInfo | undefined, anchored: number | null): readonly Finding[] {
  const good = ["relayer", "chain"].filter((part) => !health.some((finding) => finding.part === part));
  const waiting = log && anchored !== null ? log.size - anchored : null;
  return [
    ...health,
    ...good.map((part) => ({ part, ok: true, cause: "it answers", remedy: "" })),
    ...(waiting === null
      ? []
      : [{ part: "anchors", ok: true, cause: `${waiting} entries wait for the next anchor`, remedy: "" }]),
  ];
}

/** What the orchestrator wrote down; nothing where there never was one. */
function recordsIn(dataDir: string): { places: readonly Incumbent[]; events: readonly OrchestratorEvent[] } {
  const path = stateFileIn(dataDir);
  if (!existsSync(path)) return { places: [], events: [] };
  const state = new StateFile(path);
  try {
    const all: OrchestratorEvent[] = [];
    for (let page = state.events(0); page.length > 0; page = state.events(all.at(-1)?.id ?? 0)) all.push(...page);
    return { places: new Records(state).history(), events: all.toReversed() };
  } finally {
    state.close();
  }
}
