import { CID } from "multiformats/cid";

import { AffiantError } from "../errors/affiantError.ts";
import { type Ipld, type IpldMap, isIpldMap } from "./ipld.ts";

/** Readers of payload fields, strict: a field of another form, or one that is not known, refuses the token. */
export function checkFields(payload: IpldMap, required: readonly string[], optional: readonly string[]): void {
  for (const key of required) if (!(key in payload)) throw malformed(`${key} is missing`);
  for (const key of Object.keys(payload)) {
    if (!required.includes(key) && !optional.includes(key)) throw malformed(`${key} is not a field of this token`);
  }
}

export function readDid(payload: IpldMap, key: string): string {
  const value = payload[key];
  if (typeof value !== "string" || !/^did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,256}$/.test(value)) {
    throw malformed(`${key} is not a DID`);
  }
  return value;
}

/** Unix seconds, or null where the specification allows it. */
export function readTime(payload: IpldMap, key: string): number | null | undefined {
  const value = payload[key];
  if (value === undefined || value === null) return value;
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed(`${key} is not a time in whole seconds`);
  return value as number;
}

export function readBytes(payload: IpldMap, key: string): Uint8Array {
  const value = payload[key];
  if (!(value instanceof Uint8Array)) throw malformed(`${key} is not bytes`);
  return value;
}

export function readMap(payload: IpldMap, key: string): IpldMap | undefined {
  const value = payload[key];
  if (value === undefined) return undefined;
  if (!isIpldMap(value)) throw malformed(`${key} is not a map`);
  return value;
}

export function readCids(payload: IpldMap, key: string): readonly string[] {
  const value = payload[key];
  if (!Array.isArray(value)) throw malformed(`${key} is not a list of links`);
  return value.map((item: Ipld) => {
    const cid = CID.asCID(item);
    if (!cid) throw malformed(`${key} holds something that is no link`);
    return cid.toString();
  });
}

function malformed(message: string): AffiantError {
  return new AffiantError("ERR_INPUT_UCAN", message);
}
