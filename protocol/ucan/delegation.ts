import { type EthrDid, parseEthrDid } from "../did/ethr.ts";
import { formatKeyDid, type KeyDid } from "../did/key.ts";
import { type Hex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { assertCommand } from "./command.ts";
import { type Ed25519Signer, type Envelope, openEnvelope, sealEnvelope } from "./envelope.ts";
import { cidOf, type Ipld, type IpldMap } from "./ipld.ts";
import { checkFields, readBytes, readDid, readMap, readTime } from "./payload.ts";
import { parsePolicy, type UcanPolicy } from "./policy.ts";

/** A scoped contract: `issuer` lets `audience` do `command` on `subject`, within `policy` and time. */
export interface Delegation {
  readonly issuer: string;
  readonly audience: string;
  /** Whose authority is passed on: the DID at the chain's root. Null is a powerline (any subject). */
  readonly subject: string | null;
  readonly command: string;
  readonly policy: UcanPolicy;
  readonly nonce: Uint8Array;
  readonly notBeforeSec: number | undefined;
  /** Null means that it never expires. */
  readonly expiresAtSec: number | null;
  readonly meta: IpldMap | undefined;
  /** The issuer's account, from `meta.agent`: whose revocations count on chain. */
  readonly issuerAgent: EthrDid | undefined;
  readonly envelope: Envelope;
}

const required = ["iss", "aud", "sub", "cmd", "pol", "nonce", "exp"];
const optional = ["nbf", "meta"];

/** @throws AffiantError ERR_INPUT_UCAN */
export function decodeDelegation(bytes: Uint8Array): Delegation {
  const envelope = openEnvelope(bytes, "dlg");
  const { payload } = envelope;
  checkFields(payload, required, optional);
  const command = payload["cmd"];
  assertCommand(command);
  const meta = readMap(payload, "meta");
  return {
    issuer: readDid(payload, "iss"),
    audience: readDid(payload, "aud"),
    subject: payload["sub"] === null ? null : readDid(payload, "sub"),
    command,
    policy: parsePolicy(payload["pol"] as Ipld),
    nonce: readBytes(payload, "nonce"),
    notBeforeSec: readTime(payload, "nbf") ?? undefined,
    expiresAtSec: readTime(payload, "exp") ?? null,
    meta,
    issuerAgent: readAgent(meta),
    envelope,
  };
}

function readAgent(meta: IpldMap | undefined): EthrDid | undefined {
  const agent = meta?.["agent"];
  if (agent === undefined) return undefined;
  if (typeof agent !== "string") throw new AffiantError("ERR_INPUT_UCAN", "meta.agent is not a DID");
  parseEthrDid(agent);
  return agent as EthrDid;
}

export interface DelegationTerms {
  readonly audience: KeyDid;
  /** Defaults to the issuer: the first link of a chain. */
  readonly subject?: KeyDid;
  readonly command: string;
  /** Statements of the UCAN policy language over the call's arguments. */
  readonly policy: readonly Ipld[];
  /** At least 12 random bytes; they make two otherwise equal contracts two. */
  readonly nonce: Uint8Array;
  readonly notBeforeSec?: number;
  readonly expiresAtSec: number | null;
  /** The issuer's account. */
  readonly agent?: EthrDid;
}

/** @throws AffiantError ERR_INPUT_UCAN for terms that could not be read back */
export async function issueDelegation(terms: DelegationTerms, signer: Ed25519Signer): Promise<Delegation> {
  if (terms.nonce.length < 12) throw new AffiantError("ERR_INPUT_UCAN", "a nonce has at least 12 bytes");
  const issuer = formatKeyDid(signer.publicKey);
  const payload: IpldMap = {
    iss: issuer,
    aud: terms.audience,
    sub: terms.subject ?? issuer,
    cmd: terms.command,
    pol: terms.policy,
    nonce: terms.nonce,
    exp: terms.expiresAtSec,
    ...(terms.notBeforeSec === undefined ? {} : { nbf: terms.notBeforeSec }),
    ...(terms.agent === undefined ? {} : { meta: { agent: terms.agent } }),
  };
  const { bytes } = await sealEnvelope("dlg", payload, signer);
  return decodeDelegation(bytes);
}

/** What the ContractRegistry calls a contract: the SHA-256 in its CID, 32 bytes. */
export function contractIdOf(delegation: Delegation): Hex {
  return toHex(cidOf(delegation.envelope.bytes).multihash.digest);
}
