import { sha256 } from "@noble/hashes/sha2.js";

import { a2aForm } from "./a2aForm.ts";
import { formatKeyDid, parseKeyDid } from "../../protocol/did/key.ts";
import { verifyStrict } from "../../protocol/ed25519/verify.ts";
import { fromBase64url, toBase64url } from "../../protocol/encoding/base64url.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { toHex, type Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Json, parseCanonicalJson, toCanonicalJson } from "../../protocol/json/canonical.ts";

/** One JWS of an A2A agent card (A2A protocol, `AgentCardSignature`): base64url header and signature, payload detached. */
export interface CardSignature {
  readonly protected: string;
  readonly signature: string;
}

/** An A2A agent card. Its own members are the A2A protocol's; here only what is signed matters. */
export type AgentCard = { readonly [member: string]: Json };

export interface SignedCard {
  /** RFC 8785 form with `signatures`: serve these bytes as they are. */
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes: `contentHash` of `AgentRegistry.setCard`. */
  readonly contentHash: Hex;
}

/** Ed25519 over a message, 64 bytes. */
export type SignMessage = (message: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** What a check of a card finds. `signedBy` are keys, as did:key, with a good signature. */
export interface CardVerdict {
  readonly outcome: "holds" | "fails";
  readonly detail: string;
  readonly signedBy: readonly string[];
}

const maxCardBytes = 1 << 20;
/** More are not looked at: each costs two checks. */
const maxSignatures = 16;

/**
 * Signs a card as A2A 1.0 asks (section 8.4): a JWS over its A2A form. Signatures of others stay; an earlier one under the
 * same key goes. `alg` is `Ed25519` (RFC 9864).
 * @param publicKey 32 bytes; the header names it as did:key in `kid`
 * @throws AffiantError ERR_INPUT_PUBLIC_KEY, ERR_INPUT_MALFORMED
 */
export async function signCard(card: AgentCard, publicKey: Uint8Array, sign: SignMessage): Promise<SignedCard> {
  const kid = formatKeyDid(publicKey);
  const header = toBase64url(utf8(toCanonicalJson({ alg: "Ed25519", kid, typ: "JOSE" })));
  const signature = toBase64url(await sign(signingInput(header, a2aForm(card))));
  const others = listOf(card["signatures"]).filter((other) => kidOf(other) !== kid);
  const bytes = utf8(toCanonicalJson({ ...card, signatures: [...others, { protected: header, signature }] }));
  return { bytes, contentHash: toHex(sha256(bytes)) };
}

/**
 * Checks a card that was fetched: it is what the chain names, and one of the agent's keys signed it. Signatures under
 * other keys are ignored: a card may carry those of its other owners.
 * @param expected content hash and valid signing keys (32 bytes each) as `AgentRegistry.resolve` gives them
 * @throws AffiantError ERR_INPUT_ENCODING for what is no canonical JSON, ERR_INPUT_MALFORMED for what is no card
 */
export function verifyCard(
  bytes: Uint8Array,
  expected: { readonly contentHash: string; readonly signingKeys: readonly Uint8Array[] },
): CardVerdict {
  if (bytes.length > maxCardBytes) throw new AffiantError("ERR_INPUT_MALFORMED", "the card is larger than 1 MiB");
  const contentHash = toHex(sha256(bytes));
  if (contentHash !== expected.contentHash) {
    return { outcome: "fails", detail: `the card's SHA-256 is ${contentHash}, not what the chain names`, signedBy: [] };
  }
  const card = parseCanonicalJson(bytes);
  if (card === null || typeof card !== "object" || Array.isArray(card)) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "the card is not a JSON object");
  }
  const keys = new Set(expected.signingKeys.map((key) => formatKeyDid(key) as string));
  const forms = formsOf(card as AgentCard);
  const signedBy = signaturesOf(card as AgentCard)
    .map((signature) => signerOf(forms, signature))
    .filter((signer) => signer !== undefined && keys.has(signer)) as string[];
  return signedBy.length > 0
    ? { outcome: "holds", detail: "the card is the one on chain and is signed by the agent", signedBy }
    : { outcome: "fails", detail: "no signing key of the agent has signed the card", signedBy };
}

function signingInput(header: string, payload: string): Uint8Array {
  return utf8(`${header}.${toBase64url(utf8(payload))}`);
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function signaturesOf(card: AgentCard): readonly CardSignature[] {
  return listOf(card["signatures"])
    .slice(0, maxSignatures)
    .filter(
      (item: unknown): item is CardSignature & Json =>
        typeof (item as CardSignature | null)?.protected === "string" &&
        typeof (item as CardSignature | null)?.signature === "string",
    );
}

function headerOf(protectedHeader: string): Readonly<Record<string, unknown>> {
  return JSON.parse(new TextDecoder().decode(fromBase64url(protectedHeader))) as Record<string, unknown>;
}

/** What a signature calls its key; undefined where that cannot be read. */
function kidOf(signature: Json): unknown {
  try {
    return headerOf((signature as unknown as CardSignature).protected)["kid"];
  } catch {
    return undefined;
  }
}

/** The did:key under which a signature is good; undefined for one that is not, whatever is wrong with it. */
function signerOf(forms: readonly string[], { protected: header, signature }: CardSignature): string | undefined {
  try {
    const { alg, kid, crit } = headerOf(header);
    if ((alg !== "Ed25519" && alg !== "EdDSA") || typeof kid !== "string" || crit !== undefined) return undefined;
    const key = parseKeyDid(kid);
    const bytes = fromBase64url(signature);
    return forms.some((form) => verifyStrict(bytes, signingInput(header, form), key)) ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** The A2A form, and the whole card without `signatures`, which cards signed before A2A 1.0 have. */
function formsOf(card: AgentCard): readonly string[] {
  const { signatures: _, ...payload } = card;
  return [a2aForm(card), toCanonicalJson(payload)];
}
