import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { text } from "node:stream/consumers";

import { ActLedger } from "../../../adapters/acts/actLedger.ts";
import { ClaimStore } from "../../../adapters/acts/claimStore.ts";
import { HttpFront } from "../../../adapters/mcp/http/httpFront.ts";
import { httpUpstream } from "../../../adapters/mcp/upstreams.ts";
import { type Act, signEntry } from "../../../agent/entry/signEntry.ts";
import { Journal } from "../../../agent/journal/journal.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import type { BenchReport, BenchRow } from "../report.ts";

const key = new SigningKey(new Uint8Array(32).fill(1));
/** Calls that count, after as many that warm up as are a quarter of them. */
const measured = 400;
const warmUp = 100;

/** A tool call through the gateway over HTTP on both sides, beside the bare call, and beside its commits alone. */
export async function gatewayRows(): Promise<BenchReport> {
  const work = mkdtempSync(join(tmpdir(), "affiant-bench-"));
  const server = await toolServer();
  const journal = new Journal(join(work, "journal.sqlite"));
  const claims = new ClaimStore(join(work, "claims"));
  const agent = { ready: () => Promise.resolve(), enter: (act: Act) => Promise.resolve(enter(journal, act)) };
  const ledger = new ActLedger({ agent, gate: () => Promise.resolve(undefined), claims });
  const upstream = httpUpstream({ url: new URL(server.url), headers: {}, maxBytes: 1 << 20 });
  const front = new HttpFront({ host: "127.0.0.1", port: 0, upstream, ledger });
  const url = await front.listen();
  const disk = openDisk(work);
  const spent = { gateway: [] as number[], bare: [] as number[], disk: [] as number[] };
  try {
    for (let at = 0; at < warmUp + measured; at++) {
      const turns = [
        async () => spent.gateway.push(await callTimed(url, at)),
        async () => spent.bare.push(await callTimed(server.url, at)),
        () => Promise.resolve(spent.disk.push(disk.commit())),
      ];
      // Who goes first changes with each, so that a machine that grows busy favours nobody.
      for (let turn = 0; turn < turns.length; turn++) await turns[(turn + at) % turns.length]?.();
    }
  } finally {
    await front.close();
    await server.close();
    journal.close();
    claims.close();
    disk.close();
    rmSync(work, { recursive: true });
  }
  const row = (share: number): BenchRow => {
    const onDisk = shareOf(spent.disk, share);
    return {
      name: `a tool call through the gateway, p${share * 100}`,
      value: shareOf(spent.gateway, share),
      unit: "ms",
      ...(share === 0.99 ? { target: 1.5 * onDisk + 5 } : {}),
      peer: { name: `its three commits with fsync, p${share * 100}`, value: onDisk, source: "run" },
    };
  };
  const bare = (share: number): BenchRow => ({
    name: `the bare tool call, p${share * 100}`,
    value: shareOf(spent.bare, share),
    unit: "ms",
  });
  return {
    rows: [row(0.5), row(0.99), bare(0.5), bare(0.99)],
    notes: [
      "The gateway: a stateless call (2026-07-28) over HTTP, judged, claimed on disk, passed to a server over HTTP, signed and entered before it is answered.",
      "Its commits alone: the claim, the entry and the claim's end, each a commit with fsync to a file like the gateway's; taken in turns with the calls.",
      "The bar: p99 through the gateway is at most 1.5 × p99 of its commits alone + 5 ms.",
    ],
  };
}

function enter(journal: Journal, act: Act): void {
  journal.transaction(() => {
    const head = journal.head();
    const place = {
      iss: `did:ethr:0x7a69:0x${"1".repeat(40)}`,
      seq: head ? head.seq + 1 : 0,
      prev: head ? head.entryId : null,
      nb: { blockHash: `0x${"1".repeat(64)}`, blockNumber: 1, chainId: 31337 },
      policy: `0x${"2".repeat(64)}`,
      iat: 1_800_000_000,
    } as const;
    journal.insert(signEntry(act, place, key), act.idempotencyKey ?? null);
  });
}

/** Files kept as the gateway keeps its own: claims under a rollback journal in a file of one process, entries in a WAL. */
function openDisk(folder: string): { commit(): number; close(): void } {
  const claims = new DatabaseSync(join(folder, "disk-claims.sqlite"));
  claims.exec(
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)",
  );
  const entries = new DatabaseSync(join(folder, "disk-entries.sqlite"));
  entries.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)",
  );
  const filler = "x".repeat(800);
  return {
    commit: () => {
      const begun = performance.now();
      claims.prepare("INSERT INTO t (text) VALUES (?)").run(filler);
      entries.prepare("INSERT INTO t (text) VALUES (?)").run(filler);
      claims.prepare("DELETE FROM t").run();
      return performance.now() - begun;
    },
    close: () => {
      claims.close();
      entries.close();
    },
  };
}

async function toolServer(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { id } = JSON.parse(body) as { id: number };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, result: { resultType: "complete", content: [] } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`, close };
}

async function callTimed(url: string, id: number): Promise<number> {
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const begun = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": "2026-07-28",
      "mcp-method": "tools/call",
      "mcp-name": "pay",
    },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id,
      method: "tools/call",
      params: { name: "pay", arguments: { cents: id }, _meta },
    }),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return performance.now() - begun;
}

function shareOf(values: readonly number[], share: number): number {
  const counted = values.slice(warmUp).sort((one, other) => one - other);
  return counted[Math.floor(counted.length * share)] ?? NaN;
}
