/**
 * `npm run torture -- strangers [SERVICE…] [--json]`: every public endpoint of relayer, wrapper, attestation service and guarded agent, with
 * the worst requests that we can build for it. Counts what a request costs before it is known whose it is, as multiples of one bare
 * Ed25519 check, threads included; that `/healthz` answers throughout; and that nobody unknown is answered with a 5xx.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { verifyRate } from "../bench/ingest/verifyRate.ts";
import { batchCall, drive } from "../bench/ingest/load.ts";
import { startWorld, type World } from "../bench/ingest/world.ts";
import { Writer } from "../bench/ingest/writers.ts";
import { attack, type Outcome } from "./strangers/attack.ts";
import { strangersCases, type Target } from "./strangers/cases.ts";
import { endpointsOf, type Service, services } from "./strangers/endpoints.ts";

const limit = 200;

interface Row {
  readonly service: Service;
  readonly endpoint: string;
  readonly worst: string;
  readonly checks: number;
  readonly statuses: string;
  readonly slowestMs: number;
  readonly violations: readonly string[];
}

const world = await startWorld();
const children: ChildProcess[] = [];
try {
  const [writer] = await Writer.register(world, 1);
  const known = (writer as Writer).sign(256);
  await drive(world.url, [[batchCall(known)]]);
  const samples = known.slice(0, 64).map((leaf) => ({ leaf, publicKey: (writer as Writer).publicKey }));
  const { cpuSecEach } = await verifyRate(samples, 2);
  const rows: Row[] = [];
  const named = services.filter((service) => process.argv.includes(service));
  for (const service of named.length > 0 ? named : services)
    rows.push(...(await attackService(service, await placeOf(service), cpuSecEach)));
  report(rows, cpuSecEach);

  async function placeOf(service: Service): Promise<{ url: string; pid: number; target: Target }> {
    const served = service === "relayer" ? undefined : await start(service);
    return {
      url: served?.url ?? world.url,
      pid: served?.pid ?? world.relayerPid,
      target: await targetOf(world, known, served?.did ?? (writer as Writer).did),
    };
  }
} finally {
  for (const child of children) child.kill("SIGTERM");
  await world.close();
}

async function start(service: Service): Promise<{ url: string; did: string; pid: number }> {
  const child = spawn(process.execPath, ["--no-warnings", join(import.meta.dirname, "strangers/served.ts"), service], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return { ...(JSON.parse(line) as { url: string; did: string }), pid: child.pid ?? 0 };
}

async function targetOf({ provider, deployment, url }: World, leaves: readonly string[], did: string): Promise<Target> {
  const block = await provider.getBlock("latest");
  const issuer = encodeURIComponent(issuerOf(leaves[0] ?? ""));
  const answer = await fetch(`${url}/v1/agents/${issuer}/entries?limit=1`);
  const { entries } = (await answer.json()) as { entries: { entryId: string }[] };
  return {
    deployment,
    block: { blockHash: block?.hash ?? "", blockNumber: block?.number ?? 0 },
    known: leaves,
    entryId: entries[0]?.entryId ?? "",
    did,
  };
}

function issuerOf(leaf: string): string {
  return (JSON.parse(Buffer.from(leaf.split(".")[1] ?? "", "base64url").toString("utf8")) as { iss: string }).iss;
}

async function attackService(
  service: Service,
  place: { url: string; pid: number; target: Target },
  cpuSecEach: number,
): Promise<Row[]> {
  const cases = (await strangersCases(place.target))[service];
  const rows: Row[] = [];
  for (const endpoint of endpointsOf(service)) {
    const outcomes: { what: string; outcome: Outcome }[] = [];
    for (const one of cases[endpoint] ?? [])
      outcomes.push({ what: one.what, outcome: await attack(place.url, place.pid, one) });
    rows.push(rowOf(service, endpoint, outcomes, cpuSecEach));
  }
  return rows;
}

function rowOf(
  service: Service,
  endpoint: string,
  outcomes: readonly { what: string; outcome: Outcome }[],
  cpuSecEach: number,
): Row {
  const violations: string[] = [];
  if (outcomes.length === 0) violations.push("has no case");
  for (const { what, outcome } of outcomes) {
    const checks = outcome.cpuSec / cpuSecEach;
    if (checks > limit) violations.push(`${what}: ${Math.round(checks)} checks`);
    if (outcome.statuses.some((status) => status >= 500))
      violations.push(`${what}: a 5xx (${outcome.statuses.join(" ")})`);
    if (outcome.unanswered > 0) violations.push(`${what}: /healthz was not answered ${outcome.unanswered} times`);
  }
  const [worst] = [...outcomes].sort((a, b) => b.outcome.cpuSec - a.outcome.cpuSec);
  return {
    ...{ service, endpoint, worst: worst?.what ?? "none", violations },
    checks: (worst?.outcome.cpuSec ?? 0) / cpuSecEach,
    statuses: [...new Set(outcomes.flatMap(({ outcome }) => outcome.statuses))].sort().join(" "),
    slowestMs: Math.max(0, ...outcomes.map(({ outcome }) => outcome.slowestMs)),
  };
}

function report(rows: readonly Row[], cpuSecEach: number): void {
  const violations = rows.flatMap(({ service, endpoint, violations: found }) =>
    found.map((what) => `${service} ${endpoint}: ${what}`),
  );
  if (process.argv.includes("--json")) console.log(JSON.stringify({ rows, cpuSecEach, limit, violations }, null, 2));
  else {
    console.table(
      rows.map(({ service, endpoint, worst, checks, statuses, slowestMs }) => ({
        ...{ service, endpoint, worst, "Ed25519 checks": Math.round(checks), statuses },
        "/healthz at worst, ms": Math.round(slowestMs),
      })),
    );
    console.log(
      `one bare Ed25519 check takes ${(cpuSecEach * 1e6).toFixed(0)} µs of CPU here; at most ${limit} of them a request`,
    );
    for (const violation of violations) console.log(`VIOLATION ${violation}`);
  }
  console.log(`strangers: ${rows.length} endpoints, ${violations.length} violations`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
