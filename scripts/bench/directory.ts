import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Interface, type InterfaceAbi } from "ethers";

import { Endpoint } from "../../directory/chain/endpoint.ts";
import { Follower } from "../../directory/chain/follower.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { Catalog, queryOf } from "../../directory/discovery/catalog.ts";
import { stateHash } from "../../directory/fold/stateHash.ts";
import { serveDirectory } from "../../directory/http/server.ts";
import { contractNames, loadSnapshot, writeSnapshot } from "../../directory/snapshot/snapshot.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { addressOf, random, syntheticContracts } from "../../test/helpers/directory/syntheticEvents.ts";
import type { Bench, BenchRow } from "./report.ts";

const chainId = 31_337;

/** `npm run bench -- directory [--events N] [--agents N]`; 100,000 events and 10,000 agents without. */
export const bench: Bench = async (args) => {
  const events = wholeOf(args, "--events", 100_000);
  const agents = wholeOf(args, "--agents", 10_000);
  const folder = await mkdtemp(join(tmpdir(), "affiant-bench-"));
  const stub = spawn(
    process.execPath,
    ["--no-warnings", join(import.meta.dirname, "directory/stub.ts"), `${events}`, `${agents}`],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    const { url, blocks } = await readyLine(stub);
    // Twice, and the better one counts: the stub and the peer's code are warm then.
    const bare = [await timed(() => bareDecoding(url, blocks)), await timed(() => bareDecoding(url, blocks))];
    const bareMs = Math.min(...bare);
    const live = open(join(folder, "live.sqlite"), url);
    const heapBefore = process.memoryUsage().rss;
    const indexMs = await timed(() => live.follower.catchUp());
    const grownMb = (process.memoryUsage().rss - heapBefore) / 2 ** 20;
    const rows: BenchRow[] = [
      {
        name: "events indexed, beside bare eth_getLogs and ethers decoding of the same",
        value: (1_000 * events) / indexMs,
        unit: "events/s",
        target: 0.5,
        peer: { name: "bare", value: (1_000 * events) / bareMs, source: "run" },
      },
      { name: "resident memory grown while indexing", value: grownMb, unit: "MiB" },
      await fromSnapshot(folder, url, live.store, blocks, indexMs),
      ...(await questions(live.store, agents)),
    ];
    live.source.close();
    await live.store.close();
    return {
      rows,
      notes: [
        `${events} synthetic events of ${agents} agents from one JSON-RPC stub in a process of its own; targets are ratios (ours / peer)`,
        "not beside Ponder: it was not set up here",
      ],
    };
  } finally {
    stub.kill();
    await rm(folder, { recursive: true, force: true });
  }
};

async function fromSnapshot(
  folder: string,
  url: string,
  live: SqliteStore,
  blocks: number,
  replayMs: number,
): Promise<BenchRow> {
  const path = join(folder, "snapshot.jsonl");
  const contracts = contractNames(syntheticContracts);
  await writeSnapshot(live, chainId, path, { contracts, atBlock: Math.floor(0.98 * blocks) });
  const begun = open(join(folder, "begun.sqlite"), url);
  const value = await timed(async () => {
    await loadSnapshot(begun.store, path);
    await begun.follower.catchUp();
  });
  const [one, other] = [await stateHash(begun.store, chainId, 1e12), await stateHash(live, chainId, 1e12)];
  if (one !== other) throw new Error("the state from the snapshot is another one");
  begun.source.close();
  await begun.store.close();
  return {
    name: "from a snapshot at 98 %, load and hash check included, beside the replay from genesis",
    value: value / 1_000,
    unit: "s",
    target: 0.05,
    peer: { name: "replay", value: replayMs / 1_000, source: "run" },
  };
}

/** A look-up and a ranked search, each beside the bare query behind a plain server: medians of the same number of requests. */
async function questions(store: SqliteStore, agents: number): Promise<BenchRow[]> {
  const catalog = new Catalog(":memory:", store);
  await fillCatalog(catalog, store, agents);
  const served = await serveDirectory({ store, chainId, catalog }, { host: "127.0.0.1", port: 0 });
  const select = store.sql.prepare(
    "SELECT value FROM rows WHERE chain = ? AND projection = 'agents' AND key = ? ORDER BY block DESC LIMIT 1",
  );
  const match = catalog.sql.prepare(
    "SELECT c.agent, c.facts, bm25(words) AS rank FROM words JOIN cards c ON c.id = words.rowid WHERE words MATCH ? ORDER BY rank LIMIT 10",
  );
  const bare = await plain((request, response) => {
    const url = new URL(request.url ?? "/", "http://bare");
    const text = url.searchParams.get("q");
    const found = text === null ? select.get(chainId, url.pathname.slice(1)) : match.all(queryOf(text));
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(found));
  });
  const next = random(3);
  const some = Array.from({ length: 300 }, () => addressOf(Math.floor(next() * agents)));
  const words = Array.from({ length: 100 }, (_, i) =>
    encodeURIComponent(`${nouns[i % nouns.length]} in ${codes[i % codes.length]}`),
  );
  const row = async (
    name: string,
    target: number,
    ours: readonly string[],
    theirs: readonly string[],
  ): Promise<BenchRow> => {
    for (const url of [...ours.slice(0, 20), ...theirs.slice(0, 20)]) await ask(url);
    const value = await medianMs(ours);
    return {
      name,
      value,
      unit: "ms",
      target,
      peer: { name: "bare query", value: await medianMs(theirs), source: "run" },
    };
  };
  const rows = [
    await row(
      "a look-up over HTTP, beside a bare select",
      3,
      some.map((agent) => `${served.url}/v1/agents/${agent}`),
      some.map((agent) => `${bare.url}/${agent}`),
    ),
    await row(
      "a ranked search over HTTP, beside a bare FTS5 query",
      5,
      words.map((q) => `${served.url}/v1/search?q=${q}`),
      words.map((q) => `${bare.url}/?q=${q}`),
    ),
  ];
  await served.close();
  bare.close();
  catalog.close();
  return rows;
}

const nouns = ["refund", "weather", "parcel", "invoice", "translation", "forecast", "booking", "payroll"];
const codes = ["EUR", "USD", "GBP", "CHF", "JPY"];

async function fillCatalog(catalog: Catalog, store: SqliteStore, agents: number): Promise<void> {
  const next = random(8);
  const one = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  for (let i = 0; i < agents; i++) {
    const agent = addressOf(i);
    const card = {
      name: `${one(nouns)} desk ${i}`,
      description: `${one(nouns)} in ${one(codes)}`,
      skills: [{ name: one(nouns), tags: [one(nouns)] }],
    };
    const row = store.sql
      .prepare(
        "SELECT value FROM rows WHERE chain = ? AND projection = 'cards' AND key = ? ORDER BY block DESC LIMIT 1",
      )
      .get(chainId, `agent/${agent}`) as { value: string } | undefined;
    const contentHash = row ? (JSON.parse(row.value) as { contentHash: string }).contentHash : "";
    catalog.put(chainId, agent, { outcome: "holds", detail: "", signedBy: [], card, contentHash, keys: "" }, 1, 1);
  }
}

async function bareDecoding(url: string, blocks: number): Promise<void> {
  const endpoint = new Endpoint({ url });
  const byAddress = new Map(
    syntheticContracts.map(({ address, abi }) => [address, new Interface(abi as InterfaceAbi)]),
  );
  const addresses = [...byAddress.keys()];
  for (let from = 0; from < blocks; from += 40) {
    for (const { address, topics, data } of await endpoint.logs(addresses, from, Math.min(blocks - 1, from + 39))) {
      byAddress.get(address)?.parseLog({ topics, data });
    }
  }
  endpoint.close();
}

function open(path: string, url: string) {
  const store = new SqliteStore(path);
  const source = new ChainSource(chainId, [{ url }]);
  return { store, source, follower: new Follower({ chainId, store, source, contracts: syntheticContracts }) };
}

async function plain(listener: RequestListener) {
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

async function readyLine(stub: ChildProcess): Promise<{ url: string; blocks: number }> {
  let text = "";
  for await (const chunk of stub.stdout ?? []) {
    text += String(chunk);
    if (text.includes("\n")) return JSON.parse(text) as { url: string; blocks: number };
  }
  throw new Error("the stub ended");
}

async function ask(url: string): Promise<void> {
  const response = await fetch(url);
  await response.text();
}

async function medianMs(urls: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (const url of urls) times.push(await timed(() => ask(url)));
  return times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function wholeOf(args: readonly string[], flag: string, fallback: number): number {
  const at = args.indexOf(flag);
  return at < 0 ? fallback : Number(args[at + 1]);
}
