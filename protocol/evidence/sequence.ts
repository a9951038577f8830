import { sha256 } from "@noble/hashes/sha2.js";

import { type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { canonicalJsonBytes } from "../json/canonical.ts";
import { checkEvidenceLine, type EvidenceLine } from "./lines.ts";

/**
 * The rules that bind the lines of a file together, one home for writer and reader: order of the lines, policies
 * ascending by hash, entries ascending by index, heads by agent, and the seal. With these a set of facts has exactly one file, so no
 * byte can change without changing what is said.
 */
export class EvidenceSequence {
  readonly #hash = sha256.create();
  #previous: EvidenceLine["type"] | undefined;
  #policyHash: Hex = "0x";
  #entryIndex = -1;
  #entryCount = 0;
  #headAgent = "";

  /**
   * Takes the next line in. Call {@link hashed} with its bytes afterwards, except for the end line.
   * @throws AffiantError ERR_INPUT_EVIDENCE
   */
  accept(value: unknown): EvidenceLine {
    checkEvidenceLine(value);
    check(follows(this.#previous, value.type), `a line of type ${value.type} cannot stand here`);
    if (value.type === "policy") {
      const hash = toHex(sha256(canonicalJsonBytes(value.bundle)));
      check(this.#policyHash < hash, "policies are not sorted by their hash, or one is there twice");
      this.#policyHash = hash;
    }
    if (value.type === "entry") {
      check(this.#entryIndex < value.index, "entries are not sorted by their index, or one is there twice");
      this.#entryIndex = value.index;
      this.#entryCount += 1;
    }
    if (value.type === "head") {
      check(this.#headAgent < value.agent, "heads are not sorted by their agent, or one is there twice");
      this.#headAgent = value.agent;
    }
    if (value.type === "end") {
      check(value.count === this.#entryCount, `count says ${value.count}, the file holds ${this.#entryCount} entries`);
      check(value.sha256 === this.digest(), "sha256 is not the digest of the lines before");
    }
    this.#previous = value.type;
    return value;
  }

  hashed(lineBytes: Uint8Array): void {
    this.#hash.update(lineBytes);
  }

  /** SHA-256 over all bytes so far. */
  digest(): Hex {
    return toHex(this.#hash.clone().digest());
  }

  get entryCount(): number {
    return this.#entryCount;
  }

  /** Whether the end line was accepted. */
  get sealed(): boolean {
    return this.#previous === "end";
  }
}

const successors: Readonly<Record<"start" | EvidenceLine["type"], readonly EvidenceLine["type"][]>> = {
  start: ["header"],
  header: ["policy", "checkpoint"],
  policy: ["policy", "checkpoint"],
  checkpoint: ["entry"],
  entry: ["entry", "head", "end"],
  head: ["head", "end"],
  end: [],
};

function follows(previous: EvidenceLine["type"] | undefined, next: EvidenceLine["type"]): boolean {
  return successors[previous ?? "start"].includes(next);
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_EVIDENCE", message);
}
