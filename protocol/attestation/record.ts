import { AbiCoder, concat, getAddress, keccak256, toBeHex } from "ethers";

import type { Hex } from "../encoding/hex.ts";
import {
  type AttestationRecordKind,
  attestationRecordKinds,
  type AttestationResult,
  attestationResults,
  type AttestationStatus,
  attestationStatuses,
} from "./types.ts";

/** One line of the registry's history; `contracts/types/AttestationWords.sol` draws its 256 bits. */
export interface AttestationRecord {
  /** Whom it is about. */
  readonly enrolment: number;
  readonly kind: AttestationRecordKind;
  /** From here on, before expiry and lineage are looked at. */
  readonly status: AttestationStatus;
  readonly blockNumber: number;
  /** First block in which trust is over; 0 unless the status is trusted. */
  readonly expiresAtBlock: number;
  /** 0 = outside of the rounds. */
  readonly round: number;
  readonly passes: number;
  readonly fails: number;
  readonly timeouts: number;
  /** Enrolment of the one agent that vouches; 0 = several do, or the service. */
  readonly voucher: number;
  /** Index of the agent's record before; 0 = none. */
  readonly previous: number;
  /** Index of an earlier one, for searches; 0 = none. */
  readonly skip: number;
}

/** A verdict as the event `AttestationRecorded` shows it. */
export interface RecordedVerdict {
  readonly verifier: string;
  readonly result: AttestationResult;
  readonly attempts: number;
  /** It came when its seat was closed, and counted for nothing. */
  readonly late: boolean;
  readonly evidenceHash: Hex;
}

export function unpackRecord(word: bigint): AttestationRecord {
  const bits = (from: number, width: number): number => Number(BigInt.asUintN(width, word >> BigInt(from)));
  return {
    enrolment: bits(0, 24),
    kind: nameOf(attestationRecordKinds, bits(24, 8)),
    status: nameOf(attestationStatuses, bits(32, 8)),
    blockNumber: bits(40, 40),
    expiresAtBlock: bits(80, 40),
    round: bits(120, 24),
    passes: bits(144, 8),
    fails: bits(152, 8),
    timeouts: bits(160, 8),
    voucher: bits(168, 24),
    previous: bits(192, 32),
    skip: bits(224, 32),
  };
}

/** The verdicts of the event: two words each, verifier | result << 160 | attempts << 168 | late << 176 and the evidence hash. */
export function unpackVerdicts(words: readonly Hex[]): RecordedVerdict[] {
  return Array.from({ length: Math.floor(words.length / 2) }, (_, i) => {
    const author = BigInt(words[2 * i] ?? 0);
    return {
      verifier: getAddress(toBeHex(BigInt.asUintN(160, author), 20)),
      result: nameOf(attestationResults, Number(BigInt.asUintN(8, author >> 160n))),
      attempts: Number(BigInt.asUintN(8, author >> 168n)),
      late: ((author >> 176n) & 1n) === 1n,
      evidenceHash: words[2 * i + 1] ?? "0x",
    };
  });
}

/**
 * The running hash after a record: `keccak256(abi.encode(head, agent, record, keccak256(abi.encodePacked(verdicts))))`.
 * @param verdicts the words of the event
 */
export function nextRotHead(head: Hex, agent: string, word: bigint, verdicts: readonly Hex[]): Hex {
  const values = [head, agent, word, keccak256(concat(verdicts))];
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes32", "address", "uint256", "bytes32"], values)) as Hex;
}

function nameOf<Name>(names: readonly Name[], number: number): Name {
  const name = names[number];
  if (name === undefined) throw new RangeError(`no name for ${number}`);
  return name;
}
