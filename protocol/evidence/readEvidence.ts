import { AffiantError } from "../errors/affiantError.ts";
import { parseCanonicalJson } from "../json/canonical.ts";
import type { PolicyBundle } from "../policy/types.ts";
import { EvidenceSequence } from "./sequence.ts";
import type { Evidence, EvidenceCheckpoint, EvidenceEntry, EvidenceHead, EvidenceHeader } from "./types.ts";

const newline = 0x0a;

/**
 * Reads an evidence file as it arrives, in chunks of any size. Errors carry `details.line`, counted from 1.
 * Strict: one spelling a line (RFC 8785), prescribed order, nothing unknown, sealed by its end line, nothing after it.
 */
export class EvidenceReader {
  readonly #sequence = new EvidenceSequence();
  readonly #policies: PolicyBundle[] = [];
  readonly #entries: EvidenceEntry[] = [];
  readonly #heads: EvidenceHead[] = [];
  #header: EvidenceHeader | undefined;
  #checkpoint: EvidenceCheckpoint | undefined;
  #rest: Uint8Array[] = [];
  #lineNumber = 1;

  /** @throws AffiantError ERR_INPUT_EVIDENCE */
  push(chunk: Uint8Array): void {
    let start = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, start)) {
      this.#accept(joined(this.#rest, chunk.subarray(start, end + 1)));
      this.#rest = [];
      start = end + 1;
    }
    if (start < chunk.length) this.#rest.push(chunk.slice(start));
  }

  /** @throws AffiantError ERR_INPUT_EVIDENCE when the file is not whole */
  finish(): Evidence {
    if (this.#rest.length > 0) throw unreadable(this.#lineNumber, "the line does not end with a line feed");
    if (!this.#sequence.sealed || !this.#header || !this.#checkpoint) {
      throw unreadable(this.#lineNumber, "the file stops before its end line");
    }
    return {
      header: this.#header,
      policies: this.#policies,
      checkpoint: this.#checkpoint,
      entries: this.#entries,
      heads: this.#heads,
    };
  }

  /** @param bytes one line with its line feed */
  #accept(bytes: Uint8Array): void {
    try {
      const line = this.#sequence.accept(parseCanonicalJson(bytes.subarray(0, -1)));
      this.#sequence.hashed(bytes);
      switch (line.type) {
        case "header": {
          const { chainId, contracts, logId, origin, vkey } = line;
          this.#header = { chainId, contracts, logId, origin, vkey };
          break;
        }
        case "policy":
          this.#policies.push(line.bundle);
          break;
        case "checkpoint":
          this.#checkpoint = { anchorBlock: line.anchorBlock, anchorIndex: line.anchorIndex, note: line.note };
          break;
        case "entry": {
          const { disclosures, index, leaf, proof } = line;
          this.#entries.push({ disclosures, index, leaf, proof });
          break;
        }
        case "head":
          this.#heads.push({ agent: line.agent, note: line.note });
          break;
        case "end":
          break;
      }
    } catch (cause) {
      // Whatever a hostile line provokes, a stack overflow by nesting among it, ends as one named error.
      throw unreadable(this.#lineNumber, cause instanceof Error ? cause.message : String(cause), cause);
    }
    this.#lineNumber += 1;
  }
}

/** @throws AffiantError ERR_INPUT_EVIDENCE with the line number and what is wrong there */
export function readEvidence(bytes: Uint8Array): Evidence {
  const reader = new EvidenceReader();
  reader.push(bytes);
  return reader.finish();
}

function unreadable(line: number, what: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_EVIDENCE", `line ${line}: ${what}`, { details: { line }, cause });
}

function joined(parts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  if (parts.length === 0) return last;
  const all = [...parts, last];
  const bytes = new Uint8Array(all.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of all) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
