import { isObject, type JsonObject } from "./readMessage.ts";

/** Revisions in which each request says its version, and none opens a session. */
export const statelessVersions: readonly string[] = ["2026-07-28"];
/** Revisions that begin with `initialize`, newest first. */
export const sessionVersions: readonly string[] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const versionKey = "io.modelcontextprotocol/protocolVersion";

/** The revision that a request says it is of (MCP 2026-07-28, `_meta`). */
export function versionOfParams(params: JsonObject | undefined): string | undefined {
  const meta = params?.["_meta"];
  const version = isObject(meta) ? meta[versionKey] : undefined;
  return typeof version === "string" ? version : undefined;
}

/** The token under which progress of a request is told; as it stands in its text. */
export function progressTokenOf(params: JsonObject | undefined): string | undefined {
  const meta = params?.["_meta"];
  const token = isObject(meta) ? meta["progressToken"] : undefined;
  return token === undefined ? undefined : JSON.stringify(token);
}
