/** `npm run bench -- escrow`: what an epoch costs on chain and on the wire, and how soon one follows a loss of trust. */
import { createHash, randomBytes } from "node:crypto";

import { draftEpoch } from "../../orchestrator/escrow/draftEpoch.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";
import { groupIdOf } from "../../protocol/escrow/ids.ts";
import { liveRotation } from "./escrow/live.ts";
import { measure } from "./gas/escrow.ts";
import type { BenchReport, BenchRow } from "./report.ts";

/** Bytes of a commit of ts-mls, by members of the group: published figures. */
const tsMlsCommitBytes: Readonly<Record<number, number>> = { 8: 1_000, 32: 3_042, 64: 5_699 };
const sizes = [8, 32, 64, 128];
const random = (length: 32) => new Uint8Array(randomBytes(length));

export async function bench(): Promise<BenchReport> {
  const gas = await measure();
  const rows: BenchRow[] = gas.map(({ name, gas: value }) => ({ name, value, unit: "gas" }));
  for (const members of sizes) rows.push(...(await draftRows(members)));
  // Programs can be measured on Linux only.
  if (process.platform === "linux") rows.push(...(await liveRotation()));
  return {
    rows,
    notes: [
      "Gas: the whole transaction on the contracts as deployed, each member attested by the real registry.",
      "Bytes a member: its sealed key and Merkle proof, all that it receives for an epoch; beside it a ts-mls commit, which every member receives.",
      "MLS needs no publisher who knows the key, and heals after a member's compromise; here the publisher draws the key and is trusted with it.",
      "Rotation: separate processes, a block a second, a member's script changed on disk; keeper and members look at the chain by themselves.",
    ],
  };
}

async function draftRows(count: number): Promise<BenchRow[]> {
  const members = Array.from({ length: count }, (_, i) => ({
    holder: `0x${(i + 1).toString(16).padStart(40, "0")}`,
    encryptionKey: encryptionKeyOf(privateKeyOf(i)),
  }));
  const group = { chainId: 31_337n, escrow: `0x${"e5".repeat(20)}`, group: groupIdOf("bench") };
  const startedMs = performance.now();
  const draft = await draftEpoch({
    epoch: { ...group, epoch: 1n },
    members,
    publisherPrivateKey: privateKeyOf(-1),
    random,
  });
  const elapsedMs = performance.now() - startedMs;
  const sizesOf = [...draft.deliveries.values()].map((one) => one.sealed.length + 32 * one.merkleProof.length);
  const published = tsMlsCommitBytes[count];
  return [
    {
      name: `bytes a member, ${count} members`,
      value: Math.max(...sizesOf),
      unit: "bytes",
      ...(published === undefined ? {} : { peer: { name: "ts-mls commit", value: published, source: "published" } }),
    },
    { name: `drawing and sealing an epoch, ${count} members`, value: elapsedMs, unit: "ms" },
  ];
}

function privateKeyOf(member: number): Uint8Array {
  return new Uint8Array(createHash("sha256").update(`member ${member}`).digest());
}
