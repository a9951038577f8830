/** What a guarded call takes over HTTP, beside the two commits with fsync that it cannot do without. `--against FOLDER`: and beside another build. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import express from "express";

import type * as GuardModule from "../../agent/calls/guard.ts";
import type * as ServeModule from "../../agent/calls/serveCall.ts";
import type * as StoreModule from "../../agent/calls/replayStore.ts";
import type * as CachedModule from "../../agent/calls/revocations.ts";
import type * as JournalsModule from "../../agent/journal/journal.ts";
import type * as SignModule from "../../agent/entry/signEntry.ts";
import type { Act } from "../../agent/entry/signEntry.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { formatCall } from "../../protocol/ucan/callMessage.ts";
import { type Delegation, issueDelegation } from "../../protocol/ucan/delegation.ts";
import { issueInvocation } from "../../protocol/ucan/invocation.ts";
import { parseScope } from "../../protocol/ucan/shorthand.ts";
import { takeAgainst } from "./against.ts";
import { openDisk, postTimed } from "./guard/disk.ts";
import type { Bench, BenchRow } from "./report.ts";

const nowSec = 1_800_000_000;
const owner = new SigningKey(new Uint8Array(32).fill(1));
const buyer = new SigningKey(new Uint8Array(32).fill(2));
const agent = formatEthrDid(31337n, `0x${"1".repeat(40)}`);

/** Calls that count, after as many that warm up as are a quarter of them. */
const measured = 600;
const warmUp = 150;

export const bench: Bench = async (args) => {
  const { folder } = takeAgainst(args);
  const work = mkdtempSync(join(tmpdir(), "affiant-guard-"));
  const ours = await open(join(import.meta.dirname, "../.."), join(work, "ours"));
  const theirs = folder === undefined ? undefined : await open(folder, join(work, "theirs"));
  const disk = openDisk(work);
  const link = await contract();
  const spent = { ours: [] as number[], theirs: [] as number[], disk: [] as number[] };
  try {
    for (let i = 0; i < warmUp + measured; i++) {
      const body = await bodyOf(link, i);
      // Who goes first changes with each, so that a machine that grows busy favours nobody.
      const turns = [
        async () => spent.ours.push(await postTimed(ours.url, body)),
        ...(theirs ? [async () => spent.theirs.push(await postTimed(theirs.url, body))] : []),
        () => Promise.resolve(spent.disk.push(disk.commitTwice(body))),
      ];
      for (let turn = 0; turn < turns.length; turn++) await turns[(turn + i) % turns.length]?.();
    }
  } finally {
    disk.close();
    await ours.close();
    await theirs?.close();
    rmSync(work, { recursive: true });
  }
  return {
    rows: rowsOf(spent, theirs !== undefined),
    notes: [
      "A guarded call over HTTP on this machine, as its caller times it: judged, claimed against replay and entered (signed, on disk with fsync) before it is answered.",
      "The disk alone: two commits in a row to files like those of a guarded call, each with fsync, and nothing else; taken in turns with the calls.",
      "The bar: p99 of a guarded call is at most 1.5 × p99 of the disk alone + 2 ms.",
    ],
  };
};

function rowsOf(spent: { ours: number[]; theirs: number[]; disk: number[] }, compared: boolean): readonly BenchRow[] {
  const at = (values: readonly number[], share: number): number => {
    const counted = values.slice(warmUp).sort((a, b) => a - b);
    return counted[Math.floor(counted.length * share)] ?? NaN;
  };
  const row = (share: number): BenchRow => {
    const disk = at(spent.disk, share);
    return {
      name: `a guarded call, p${share * 100}`,
      value: at(spent.ours, share),
      unit: "ms",
      ...(share === 0.99 ? { target: 1.5 * disk + 2 } : {}),
      peer: { name: `its two commits with fsync, p${share * 100}`, value: disk, source: "run" },
    };
  };
  const against = (share: number): BenchRow => ({
    name: `a guarded call, p${share * 100}, ours by the other build's`,
    value: compared ? at(spent.ours, share) / at(spent.theirs, share) : null,
    unit: "×",
  });
  return [row(0.5), row(0.99), against(0.5), against(0.99)];
}

function contract(): Promise<Delegation> {
  const { command, policy } = parseScope("payment:charge:max_10000usd");
  const terms = { audience: buyer.did, command, policy, nonce: new Uint8Array(12), expiresAtSec: null, agent };
  return issueDelegation(terms, owner);
}

async function bodyOf(link: Delegation, number: number): Promise<string> {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(number);
  const args = { amount: 1, currency: "USD" };
  const proofs = [link.envelope.cid];
  const call = { subject: owner.did, command: "/payment/charge", args, proofs, nonce, expiresAtSec: nowSec + 60 };
  return JSON.stringify(formatCall(await issueInvocation(call, buyer), [link]));
}

/** A guarded endpoint of one build, in a folder of its own. Only what both builds have is used. */
async function open(build: string, folder: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const load = (path: string): Promise<unknown> => import(pathToFileURL(join(build, path)).href);
  const { Guard } = (await load("agent/calls/guard.ts")) as typeof GuardModule;
  const { guarded } = (await load("agent/calls/serveCall.ts")) as typeof ServeModule;
  const stores = (await load("agent/calls/replayStore.ts")) as typeof StoreModule;
  const cached = (await load("agent/calls/revocations.ts")) as typeof CachedModule;
  const journals = (await load("agent/journal/journal.ts")) as typeof JournalsModule;
  const { signEntry } = (await load("agent/entry/signEntry.ts")) as typeof SignModule;

  const replayStore = new stores.SqliteReplayStore(`${folder}-calls.sqlite`);
  const journal = new journals.Journal(`${folder}-journal.sqlite`);
  const revocations = new cached.CachedRevocations({ read: () => Promise.resolve({ blockNumber: 1 }) }, 10);
  const guard = new Guard({ executor: owner.did, replayStore, revocations, nowSec: () => nowSec });
  const recorder = {
    record: (act: Act): Promise<void> => {
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
      return Promise.resolve();
    },
  };
  const app = express().use(express.json());
  const handler = (): { ok: boolean } => ({ ok: true });
  app.post("/", guarded({ guard, recorder, command: "/payment/charge", handler }));
  const server: Server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      replayStore.close();
      journal.close();
    },
  };
}
