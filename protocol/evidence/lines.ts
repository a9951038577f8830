import { isHex } from "../encoding/hex.ts";
import { maxLeafBytes } from "../entry/leaf.ts";
import { AffiantError } from "../errors/affiantError.ts";
import type { PolicyBundle } from "../policy/types.ts";
import {
  type EvidenceCheckpoint,
  type EvidenceEntry,
  type EvidenceHead,
  type EvidenceHeader,
  evidenceFormat,
} from "./types.ts";

/** What stands on one line of the file, before it is serialised in RFC 8785 form. */
export type EvidenceLine =
  | ({ readonly type: "header"; readonly format: typeof evidenceFormat } & EvidenceHeader)
  | { readonly type: "policy"; readonly bundle: PolicyBundle }
  | ({ readonly type: "checkpoint" } & EvidenceCheckpoint)
  | ({ readonly type: "entry" } & EvidenceEntry)
  | ({ readonly type: "head" } & EvidenceHead)
  | { readonly type: "end"; readonly count: number; readonly sha256: string };

/** Which lines come before which. */
export const sortRank: Readonly<Record<EvidenceLine["type"], number>> = {
  header: 0,
  policy: 1,
  checkpoint: 2,
  entry: 3,
  head: 4,
  end: 5,
};

/** A tree of 2^53 leaves has inclusion proofs of at most 53 hashes. */
const maxProofHashes = 53;

/**
 * Asserts the shape of one line: fields, types, ranges, spelling. Whether a leaf decodes or a proof holds is for the
 * auditor, who gives a verdict for it; here only what makes the line readable at all.
 * @throws AffiantError ERR_INPUT_EVIDENCE
 */
export function checkEvidenceLine(value: unknown): asserts value is EvidenceLine {
  const line = asObject(value, "the line");
  switch (line["type"]) {
    case "header":
      return checkHeader(line);
    case "policy":
      checkKeys(line, ["bundle", "type"], "the policy line");
      asObject(line["bundle"], "the bundle");
      return;
    case "checkpoint":
      checkKeys(line, ["anchorBlock", "anchorIndex", "note", "type"], "the checkpoint line");
      for (const name of ["anchorIndex", "anchorBlock"]) {
        check(line[name] === null || isCount(line[name]), `${name} is neither null nor a whole number`);
      }
      check(line["anchorIndex"] === null || line["anchorBlock"] === null, "an anchor is named twice");
      check(isText(line["note"]), "note is not a text");
      return;
    case "entry":
      return checkEntry(line);
    case "head":
      checkKeys(line, ["agent", "note", "type"], "the head line");
      check(isText(line["agent"]), "agent is not a text");
      check(isText(line["note"]), "note is not a text");
      return;
    case "end":
      checkKeys(line, ["count", "sha256", "type"], "the end line");
      check(isCount(line["count"]), "count is not a whole number");
      check(isHex(line["sha256"], 32), "sha256 is not 32 bytes of lower-case hex");
      return;
    default:
      check(false, `no line has the type ${JSON.stringify(line["type"])?.slice(0, 40)}`);
  }
}

function checkHeader(line: Record<string, unknown>): void {
  check(line["format"] === evidenceFormat, `the format is not ${evidenceFormat}`);
  checkKeys(line, ["chainId", "contracts", "format", "logId", "origin", "type", "vkey"], "the header");
  check(isCount(line["chainId"]) && line["chainId"] !== 0, "chainId is not a whole number from 1");
  const contracts = asObject(line["contracts"], "the contracts");
  const names = ["agentRegistry", "attestationRegistry", "contractRegistry", "logAnchor", "policyRegistry"];
  checkKeys(contracts, names, "the contracts");
  for (const name of names) check(isHex(contracts[name], 20), `${name} is not an address in lower-case hex`);
  check(isHex(line["logId"], 32), "logId is not 32 bytes of lower-case hex");
  check(isText(line["origin"]), "origin is not a text");
  check(isText(line["vkey"]), "vkey is not a text");
}

function checkEntry(line: Record<string, unknown>): void {
  checkKeys(line, ["disclosures", "index", "leaf", "proof", "type"], "the entry line");
  check(isCount(line["index"]), "index is not a whole number");
  check(
    isText(line["leaf"]) && line["leaf"].length <= maxLeafBytes,
    `leaf is not a text of at most ${maxLeafBytes} bytes`,
  );
  const { disclosures, proof } = line;
  check(Array.isArray(disclosures) && disclosures.every(isText), "disclosures are not a list of texts");
  const texts = disclosures as readonly string[];
  for (let i = 1; i < texts.length; i++) {
    check((texts[i - 1] as string) < (texts[i] as string), "disclosures are not sorted, or one is there twice");
  }
  check(
    Array.isArray(proof) && proof.length <= maxProofHashes,
    `proof is not a list of at most ${maxProofHashes} hashes`,
  );
  check(
    proof.every((hash) => isHex(hash, 32)),
    "proof holds something that is not 32 bytes of lower-case hex",
  );
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} is not a JSON object`);
  return value as Record<string, unknown>;
}

function checkKeys(value: Record<string, unknown>, names: readonly string[], what: string): void {
  for (const name of names) check(Object.hasOwn(value, name), `${what} lacks ${name}`);
  for (const name of Object.keys(value)) check(names.includes(name), `${what} holds an unknown ${name.slice(0, 40)}`);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length > 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_EVIDENCE", message);
}
