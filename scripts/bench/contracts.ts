/** Verifying calls under contracts, beside the bare signatures they contain; and what a guarded call costs over HTTP. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import express from "express";

import { Guard } from "../../agent/calls/guard.ts";
import { SqliteReplayStore } from "../../agent/calls/replayStore.ts";
import { CachedRevocations } from "../../agent/calls/revocations.ts";
import { guarded } from "../../agent/calls/serveCall.ts";
import { type Act, signEntry } from "../../agent/entry/signEntry.ts";
import { Journal } from "../../agent/journal/journal.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { type Call, formatCall, parseCall } from "../../protocol/ucan/callMessage.ts";
import { type Delegation, issueDelegation } from "../../protocol/ucan/delegation.ts";
import { type Invocation, issueInvocation } from "../../protocol/ucan/invocation.ts";
import { parseScope } from "../../protocol/ucan/shorthand.ts";
import { verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import { openDisk, postTimed } from "./guard/disk.ts";
import type { Bench, BenchRow } from "./report.ts";

const nowSec = 1_800_000_000;
const owner = new SigningKey(new Uint8Array(32).fill(1));
const agent = formatEthrDid(31337n, `0x${"1".repeat(40)}`);
const scope = parseScope("payment:charge:max_10000usd");

export const bench: Bench = async () => {
  const rows: BenchRow[] = [];
  for (const length of [1, 3, 8]) rows.push(await chainRow(length));
  rows.push(...(await callRows()));
  return {
    rows,
    notes: [
      "A verification reads the call from its bytes (contracts that it read before are not decoded again), checks the whole chain and verifies length + 1 signatures.",
      "The peer verifies as many signatures of the same messages with node:crypto and does nothing else; the two take turns, medians of 80.",
      "The disk alone: two commits in a row to files like those of a guarded call, each with fsync, and nothing else.",
      "A guarded call is judged, claimed against replay and entered (signed, on disk with fsync) before it is answered.",
    ],
  };
};

interface Chain {
  readonly links: readonly Delegation[];
  readonly holder: SigningKey;
}

async function chainOf(length: number): Promise<Chain> {
  const links: Delegation[] = [];
  let holder = owner;
  for (let i = 0; i < length; i++) {
    const next = new SigningKey(new Uint8Array(32).fill(10 + i));
    const terms = { audience: next.did, subject: owner.did, ...scope, nonce: new Uint8Array(12).fill(i), agent };
    links.push(await issueDelegation({ ...terms, expiresAtSec: null }, holder));
    holder = next;
  }
  return { links, holder };
}

async function callOf({ links, holder }: Chain, number: number): Promise<Invocation> {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number);
  const proofs = links.map((link) => link.envelope.cid);
  const terms = { subject: owner.did, command: "/payment/charge", args: { amount: 1, currency: "USD" }, proofs, nonce };
  return issueInvocation({ ...terms, expiresAtSec: nowSec + 60 }, holder);
}

async function chainRow(length: number): Promise<BenchRow> {
  const chain = await chainOf(length);
  const invocation = await callOf(chain, 0);
  const message = formatCall(invocation, chain.links);
  const tokens = [...chain.links, invocation].map(({ envelope, issuer }) => ({ envelope, issuer }));
  const keys = [owner, ...chain.links.map((_, i) => new SigningKey(new Uint8Array(32).fill(10 + i)))];

  const ours = (): void => {
    const call: Call = parseCall(message);
    const options = { owner: owner.did, executor: owner.did, nowSec, verifySignature: verifyNative };
    if (!verifyInvocation(call.invocation, call.delegations, options).allowed) throw new Error("refused");
  };
  const bare = (): void => {
    for (const [i, { envelope }] of tokens.entries()) {
      const key = keys[i] as SigningKey;
      if (!verifyNative(envelope.signature, envelope.signedBytes, key.publicKey)) throw new Error("refused");
    }
  };
  const [oursSec, bareSec] = secondsInTurns([ours, bare], Math.ceil(3200 / (length + 1)));
  return {
    name: `verify a chain of ${length}`,
    value: 1 / oursSec,
    unit: "chains/s",
    peer: { name: `${length + 1} bare Ed25519 verifications`, value: 1 / bareSec, source: "run" },
  };
}

/**
 * Seconds a run for each function; they take turns in small portions, so that both meet the same machine, and the median
 * portion counts: one that the machine interrupted says nothing of either.
 */
function secondsInTurns(works: readonly [() => void, () => void], runs: number): [number, number] {
  const spent: [number[], number[]] = [[], []];
  const portions = 80;
  const size = Math.ceil(runs / portions);
  for (const work of works) for (let run = 0; run < size * 10; run++) work();
  for (let portion = 0; portion < portions; portion++) {
    for (const [i, work] of works.entries()) {
      const begun = performance.now();
      for (let run = 0; run < size; run++) work();
      spent[i as 0 | 1].push(performance.now() - begun);
    }
  }
  const median = (values: number[]): number => values.sort((x, y) => x - y)[portions / 2] ?? NaN;
  return [median(spent[0]) / size / 1000, median(spent[1]) / size / 1000];
}

async function callRows(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "affiant-bench-"));
  const chain = await chainOf(1);
  const calls = await Promise.all(Array.from({ length: 1200 }, (_, i) => callOf(chain, i)));
  const bodies = calls.map((call) => JSON.stringify(formatCall(call, chain.links)));
  const replayStore = new SqliteReplayStore(join(folder, "calls.sqlite"));
  const journal = new Journal(join(folder, "journal.sqlite"));
  const source = { read: () => Promise.resolve({ blockNumber: 1 }) };
  const guard = new Guard({
    executor: owner.did,
    replayStore,
    revocations: new CachedRevocations(source, 10),
    nowSec: () => nowSec,
  });
  const app = express().use(express.json());
  const recorder = { record: (act: Act) => Promise.resolve(enter(journal, act)) };
  const handler = (): { ok: boolean } => ({ ok: true });
  app.post("/guarded", guarded({ guard, recorder, command: "/payment/charge", handler }));
  app.post("/bare", (_, response) => void response.json({ result: { ok: true } }));
  const server = createServer(app);
  try {
    const url = await listen(server);
    const disk = openDisk(folder);
    const spent = { guarded: [] as number[], bare: [] as number[], disk: [] as number[] };
    for (const [i, body] of bodies.entries()) {
      for (const route of ["guarded", "bare"] as const) {
        const ms = await postTimed(`${url}/${route}`, body);
        if (i >= 200) spent[route].push(ms); // what comes before warms both up
      }
      if (i >= 200) spent.disk.push(disk.commitTwice(body));
    }
    disk.close();
    return [
      percentileRow(spent, 0.5),
      percentileRow(spent, 0.99, 5),
      diskRow(spent.disk, 0.5),
      diskRow(spent.disk, 0.99),
    ];
  } finally {
    await new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    replayStore.close();
    journal.close();
    rmSync(folder, { recursive: true });
  }
}

/** Signs an entry and stores it, as an agent does before it answers. */
function enter(journal: Journal, act: Act): void {
  journal.transaction(() => {
    const head = journal.head();
    const place = {
      iss: agent,
      seq: head ? head.seq + 1 : 0,
      prev: head ? head.entryId : null,
      nb: { blockHash: `0x${"1".repeat(64)}`, blockNumber: 1, chainId: 31337 },
      policy: `0x${"2".repeat(64)}`,
      iat: nowSec,
    } as const;
    journal.insert(signEntry(act, place, owner), act.idempotencyKey ?? null);
  });
}

function percentileRow(spent: { guarded: number[]; bare: number[] }, share: number, target?: number): BenchRow {
  const at = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
  const overhead = at(spent.guarded) - at(spent.bare);
  return {
    name: `overhead of a guarded call, p${share * 100}`,
    value: overhead,
    unit: "ms",
    ...(target === undefined ? {} : { target }),
    peer: { name: `unguarded call, p${share * 100}`, value: at(spent.bare), source: "run" },
  };
}

function diskRow(values: number[], share: number): BenchRow {
  const value = values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
  return { name: `the disk alone, p${share * 100}`, value, unit: "ms" };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
