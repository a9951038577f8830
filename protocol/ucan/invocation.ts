import { CID } from "multiformats/cid";

import { formatKeyDid, type KeyDid } from "../did/key.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { assertCommand } from "./command.ts";
import { type Ed25519Signer, type Envelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { cidOf, encodeIpld, type IpldMap } from "./ipld.ts";
import { checkFields, readBytes, readCids, readDid, readMap, readTime } from "./payload.ts";

/** One call: the caller asks the executor to run a command with these arguments, and names the contracts that allow it. */
export interface Invocation {
  readonly issuer: string;
  readonly subject: string;
  /** Who is to execute it; the subject where the token names nobody else. */
  readonly executor: string;
  readonly command: string;
  readonly args: IpldMap;
  /** CIDs of the delegations, from the subject's own to the one made out to the caller. */
  readonly proofs: readonly string[];
  readonly nonce: Uint8Array;
  readonly expiresAtSec: number | null;
  readonly issuedAtSec: number | undefined;
  /** CID of subject, command, arguments and nonce (UCAN Invocation §Task): two calls with one task are a replay. */
  readonly taskCid: string;
  readonly envelope: Envelope;
}

const required = ["iss", "sub", "cmd", "args", "prf", "nonce", "exp"];
const optional = ["aud", "meta", "iat", "cause"];

/** @throws AffiantError ERR_INPUT_UCAN */
export function decodeInvocation(bytes: Uint8Array): Invocation {
  const envelope = openEnvelope(bytes, "inv");
  const { payload } = envelope;
  checkFields(payload, required, optional);
  const command = payload["cmd"];
  assertCommand(command);
  const subject = readDid(payload, "sub");
  const args = readMap(payload, "args") ?? {};
  const nonce = readBytes(payload, "nonce");
  readMap(payload, "meta");
  return {
    issuer: readDid(payload, "iss"),
    subject,
    executor: payload["aud"] === undefined ? subject : readDid(payload, "aud"),
    command,
    args,
    proofs: readCids(payload, "prf"),
    nonce,
    expiresAtSec: readTime(payload, "exp") ?? null,
    issuedAtSec: readTime(payload, "iat") ?? undefined,
    taskCid: cidOf(encodeIpld({ sub: subject, cmd: command, args, nonce })).toString(),
    envelope,
  };
}

export interface InvocationTerms {
  readonly subject: KeyDid;
  readonly executor?: KeyDid;
  readonly command: string;
  readonly args: IpldMap;
  readonly proofs: readonly string[];
  /** At least 12 random bytes. */
  readonly nonce: Uint8Array;
  readonly expiresAtSec: number | null;
  readonly issuedAtSec?: number;
}

/** @throws AffiantError ERR_INPUT_UCAN for terms that could not be read back */
export async function issueInvocation(terms: InvocationTerms, signer: Ed25519Signer): Promise<Invocation> {
  if (terms.nonce.length < 12) throw new AffiantError("ERR_INPUT_UCAN", "a nonce has at least 12 bytes");
  const payload: IpldMap = {
    iss: formatKeyDid(signer.publicKey),
    sub: terms.subject,
    cmd: terms.command,
    args: terms.args,
    prf: terms.proofs.map((cid) => CID.parse(cid)),
    nonce: terms.nonce,
    exp: terms.expiresAtSec,
    ...(terms.executor === undefined ? {} : { aud: terms.executor }),
    ...(terms.issuedAtSec === undefined ? {} : { iat: terms.issuedAtSec }),
  };
  const { bytes } = await sealEnvelope("inv", payload, signer);
  return decodeInvocation(bytes);
}
