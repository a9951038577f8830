import { CID } from "multiformats/cid";

import { toBase64 } from "../encoding/base64.ts";
import type { Json } from "../json/canonical.ts";
import { type Ipld, isIpldMap } from "./ipld.ts";

/**
 * An IPLD value as JSON, for entries and people: links and bytes as in DAG-JSON, integers that a double cannot hold as
 * decimal strings. For reading only; nothing is decoded from this form.
 */
export function ipldToJson(value: Ipld): Json {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Uint8Array) return { "/": { bytes: toBase64(value).replace(/=+$/, "") } };
  if (Array.isArray(value)) return (value as readonly Ipld[]).map(ipldToJson);
  const cid = CID.asCID(value);
  if (cid) return { "/": cid.toString() };
  if (isIpldMap(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, ipldToJson(item)]));
  return value as Json;
}
