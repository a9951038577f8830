import { randomBytes } from "node:crypto";

import type { SignedEntry } from "../journal/journal.ts";
import type { SigningKey } from "../keys/signingKey.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import type { EntryClaims, EntryKind, NotBeforeBlock } from "../../protocol/entry/claims.ts";
import { disclosureDigest, disclosureNames, encodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { assembleLeaf, entryIdOf, entrySigningInput } from "../../protocol/entry/leaf.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { jsonOf, type Recordable } from "../../protocol/json/jsonOf.ts";

/** What an agent wants on record. `Value` is what it says in JSON, or in what becomes JSON. */
export interface Act<Value extends Recordable = Recordable> {
  /** Name of what was done, e.g. `payment.charge`; 1 to 128 of `A-Z a-z 0-9 _ . : / -`. */
  readonly act: string;
  /** Default `act`. */
  readonly kind?: EntryKind;
  /** What went in, what came out, and what was known or said beside: only their salted digests are signed and sent. */
  readonly input?: Value;
  readonly output?: Value;
  readonly context?: Value;
  /** Groups entries of one task or conversation. */
  readonly thread?: string;
  /** CID of the scoped contract under which it was done. */
  readonly ctr?: string;
  /** Of a heartbeat: at most so many blocks until the next sign of life; 0 promises none. */
  readonly everyBlocks?: number;
  /** An act recorded under a key is never recorded again under the same key, whatever crashed in between. */
  readonly idempotencyKey?: string;
  /** When it was done by the agent's clock, Unix seconds. Default: now. */
  readonly iat?: number;
}

/** An act whose values are JSON as they stand. */
export type JsonAct = Act<Json>;

/** What stands in an entry beside the act. */
export interface EntryPlace {
  readonly iss: EthrDid;
  readonly seq: number;
  readonly prev: Hex | null;
  readonly nb: NotBeforeBlock;
  readonly policy: Hex;
  readonly iat: number;
}

/**
 * Makes and signs the entry of an act, with a fresh salt of 16 bytes for each disclosure.
 * @throws AffiantError ERR_INPUT_ENTRY, ERR_INPUT_MALFORMED for values that JSON cannot say, ERR_LIMIT_ENTRY_SIZE
 */
export function signEntry(act: Act, place: EntryPlace, key: SigningKey): SignedEntry {
  const disclosures = disclosureNames.flatMap((name) => {
    const value = act[name];
    if (value === undefined) return [];
    return [encodeDisclosure({ name, value: jsonOf(value), salt: randomBytes(16).toString("base64url") })];
  });
  const claims: EntryClaims = {
    _sd: disclosures.map(disclosureDigest).sort(),
    _sd_alg: "sha-256",
    act: act.act,
    ...(act.ctr === undefined ? {} : { ctr: act.ctr }),
    ...(act.everyBlocks === undefined ? {} : { everyBlocks: act.everyBlocks }),
    kind: act.kind ?? "act",
    ...(act.thread === undefined ? {} : { thread: act.thread }),
    ...place,
  };
  const signingInput = entrySigningInput(claims, key.publicKey);
  const leaf = assembleLeaf(signingInput, key.sign(utf8(signingInput)));
  return { seq: place.seq, entryId: entryIdOf(leaf), leaf, disclosures };
}
