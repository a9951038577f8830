import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { utf8 } from "../../protocol/encoding/bytes.ts";

/** The name of an act or a thread as an entry can carry it. */
const actName = /^[A-Za-z0-9_.:/-]{1,128}$/;

/**
 * A tool's name as an act's. Characters that an act's name cannot hold become their code between colons (`get order` is
 * `get:20:order`), so that no tool is judged by the rules for another; of a longer name the rest stands as its digest.
 */
export function actNameOfTool(tool: string): string {
  if (actName.test(tool)) return tool;
  if (tool === "") return "unnamed";
  const name = tool.replaceAll(/[^A-Za-z0-9_./-]/gu, (char) => `:${(char.codePointAt(0) as number).toString(16)}:`);
  return actName.test(name) ? name : `${name.slice(0, 62)}::${bytesToHex(sha256(utf8(tool.toWellFormed())))}`;
}

/** A conversation's name as a thread's: itself, or the digest of one that an entry cannot hold. */
export function threadNameOf(name: string): string {
  return actName.test(name) ? name : bytesToHex(sha256(utf8(name.toWellFormed())));
}
