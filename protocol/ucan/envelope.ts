import { bytesEqual } from "../encoding/bytes.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { cidOf, decodeIpld, encodeIpld, type Ipld, type IpldMap, isIpldMap } from "./ipld.ts";
import { measureCbor } from "./measureCbor.ts";
import { maxCallSteps } from "./stepBudget.ts";

/** Varsig v1 header: Ed25519 (0xed, curve 0xed, SHA-512 0x13) over DAG-CBOR (0x71). The one suite that is accepted. */
const varsigHeader = Uint8Array.of(0x34, 0x01, 0xed, 0x01, 0xed, 0x01, 0x13, 0x71);

export type PayloadKind = "dlg" | "inv";

/** Written is 1.0.0; 1.0.0-rc.1 is the same format under the name it had before. */
const version = "1.0.0";
const readVersions = [version, "1.0.0-rc.1"];

/** A token is at most this long: a bound before anything is parsed. */
export const maxTokenBytes = 65_536;

export interface Envelope {
  readonly kind: PayloadKind;
  readonly payload: IpldMap;
  /** As long as its sender made it; only 64 bytes can verify. */
  readonly signature: Uint8Array;
  /** The bytes under the signature. */
  readonly signedBytes: Uint8Array;
  readonly bytes: Uint8Array;
  /** CIDv1 of `bytes` in base32: the token's name. */
  readonly cid: string;
  /** What reading it takes of a call's budget. */
  readonly steps: number;
}

/** Signs with Ed25519; 64 bytes. */
export interface Ed25519Signer {
  /** 32 bytes, RFC 8032 */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** A UCAN envelope `[signature, { h, "ucan/<kind>@<version>": payload }]` (UCAN §Envelope) in DAG-CBOR. */
export async function sealEnvelope(kind: PayloadKind, payload: IpldMap, signer: Ed25519Signer): Promise<Envelope> {
  const signed: IpldMap = { h: varsigHeader, [`ucan/${kind}@${version}`]: payload };
  const signedBytes = encodeIpld(signed);
  const signature = await signer.sign(signedBytes);
  const bytes = encodeIpld([signature, signed]);
  const { steps } = measureCbor(bytes);
  return { kind, payload, signature, signedBytes, bytes, cid: cidOf(bytes).toString(), steps };
}

/**
 * Reads an envelope strictly. The signature is not verified here.
 * @throws AffiantError ERR_INPUT_UCAN
 */
export function openEnvelope(bytes: Uint8Array, kind: PayloadKind): Envelope {
  check(bytes.length <= maxTokenBytes, `a token has at most ${maxTokenBytes} bytes`);
  const { steps } = measureCbor(bytes);
  if (steps > maxCallSteps) {
    throw new AffiantError("ERR_LIMIT_CALL_WORK", `a token holds at most ${maxCallSteps} items`);
  }
  const envelope = decodeIpld(bytes);
  check(Array.isArray(envelope) && envelope.length === 2, "a token is a pair of signature and signed part");
  const [signature, signed] = envelope as unknown as readonly [Ipld, Ipld];
  check(signature instanceof Uint8Array, "the signature is not bytes");
  check(isIpldMap(signed) && Object.keys(signed).length === 2, "the signed part is not a header and one payload");
  const header = signed["h"];
  check(header instanceof Uint8Array && bytesEqual(header, varsigHeader), "not signed with Ed25519 over DAG-CBOR");
  const payload = readVersions.map((known) => signed[`ucan/${kind}@${known}`]).find((found) => found !== undefined);
  check(isIpldMap(payload), `not a UCAN 1.0 ${kind === "dlg" ? "delegation" : "invocation"}`);
  // The encoding is known to be canonical: behind the list's head and the signature stands the signed part, as encoded.
  const signedBytes = bytes.subarray(1 + encodeIpld(signature).length);
  return { kind, payload, signature, signedBytes, bytes, cid: cidOf(bytes).toString(), steps };
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_UCAN", message);
}
