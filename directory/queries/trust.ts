import { assuranceTiers } from "../../protocol/attestation/types.ts";
import type { Doubt } from "../projections/attestation.ts";
import { numberOf, ordinal, type Row, textOf, zeroAddress } from "../projections/projection.ts";
import type { StateReader } from "./reader.ts";

/** How an agent stands at a block, as `AttestationRegistry.statusAt` and `isTrusted` would say. */
export interface Trust {
  readonly status: string;
  /** Attested, not expired, not in doubt, and the agent is active. */
  readonly isTrusted: boolean;
  readonly tier: string | null;
  readonly version: number;
  readonly operator: string | null;
  /** First block in which trust is over; 0 unless it was verified. */
  readonly expiresAtBlock: number;
  readonly recordIndex: number;
  readonly sinceBlock: number;
}

const none: Trust = {
  status: "none",
  isTrusted: false,
  tier: null,
  version: 0,
  operator: null,
  expiresAtBlock: 0,
  recordIndex: 0,
  sinceBlock: 0,
};

export async function trustOf(reader: StateReader, agent: string): Promise<Trust> {
  const row = await reader.row("attestation", `agent/${agent}`);
  if (!row || row["recordIndex"] === undefined) return none;
  const status = await statusOf(reader, row);
  return {
    status,
    isTrusted: status === "trusted" && (await isActive(reader, agent)),
    tier: assuranceTiers[numberOf(row["tier"] ?? 0)] ?? null,
    version: numberOf(row["version"] ?? 0),
    operator: row["operator"] === undefined ? null : textOf(row["operator"]),
    expiresAtBlock: numberOf(row["expiresAtBlock"] ?? 0),
    recordIndex: numberOf(row["recordIndex"]),
    sinceBlock: numberOf(row["sinceBlock"] ?? 0),
  };
}

/** `AttestationStore._derived`: trust that has run out, or whose only voucher is in doubt, is none. */
async function statusOf(reader: StateReader, row: Row): Promise<string> {
  const status = textOf(row["status"] ?? "none");
  if (status !== "trusted") return status;
  const voucher = numberOf(row["voucher"] ?? 0);
  const { asOf } = reader.block;
  if (voucher !== 0 && (await isDoubted(reader, voucher, numberOf(row["vouchedAtBlock"] ?? 0), asOf))) return "suspect";
  return asOf < numberOf(row["expiresAtBlock"] ?? 0) ? "trusted" : "expired";
}

/** `AttestationStore._isDoubted`: the first doubt that did not end before the word was given decides. */
async function isDoubted(reader: StateReader, enrolment: number, vouchedAt: number, atBlock: number): Promise<boolean> {
  const enrolled = await reader.row("attestation", `enrolment/${ordinal(enrolment)}`);
  if (!enrolled) return false;
  const row = await reader.row("attestation", `agent/${textOf(enrolled["agent"])}`);
  const doubts = (row?.["doubts"] ?? []) as readonly Doubt[];
  const decisive = doubts.find((doubt) => doubt.enrolment === enrolment && vouchedAt <= doubt.untilBlock);
  return decisive !== undefined && decisive.fromBlock <= vouchedAt && decisive.untilBlock <= atBlock;
}

/** Registered and not ended. */
export async function isActive(reader: StateReader, agent: string): Promise<boolean> {
  const row = await reader.row("agents", agent);
  return row?.["registeredAtBlock"] !== undefined && row["endedAtBlock"] === undefined && row["owner"] !== zeroAddress;
}
