import { readFileSync, writeFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { formatContractFile, parseContractFile } from "../../protocol/ucan/contractFile.ts";
import { readTokens } from "../../protocol/ucan/container.ts";
import { decodeDelegation, type Delegation } from "../../protocol/ucan/delegation.ts";
import { openEnvelope } from "../../protocol/ucan/envelope.ts";
import { orderChain } from "../../protocol/ucan/orderChain.ts";

/**
 * A contract in a file: as `affiant contract` writes it, or a UCAN token or container as other tools do.
 * @returns the chain from the owner's own contract to the holder's, where the file's delegations are one
 * @throws AffiantError ERR_INPUT_FILE, ERR_INPUT_UCAN
 */
export function readContractFile(path: string): readonly [Delegation, ...Delegation[]] {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  }
  if (/^\s*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"))) {
    return parseContractFile(Buffer.from(bytes).toString("utf8"));
  }
  const tokens = readTokens(bytes, (packed, maxOutputLength) => gunzipSync(packed, { maxOutputLength }));
  const [first, ...others] = tokens.filter((token) => !isInvocation(token)).map(decodeDelegation);
  if (first === undefined) throw new AffiantError("ERR_INPUT_UCAN", `${path} holds an invocation and no contract`);
  return orderChain([first, ...others]);
}

/** A container may hold what was invoked beside the chain; only the chain is a contract. */
function isInvocation(token: Uint8Array): boolean {
  try {
    openEnvelope(token, "inv");
    return true;
  } catch {
    return false;
  }
}

/** Never overwrites: a contract that was handed out may exist nowhere else. @throws AffiantError ERR_INPUT_FILE */
export function writeContractFile(path: string, chain: readonly Delegation[]): void {
  try {
    writeFileSync(path, formatContractFile(chain), { flag: "wx" });
  } catch (cause) {
    const exists = (cause as { code?: unknown }).code === "EEXIST";
    const message = exists ? `${path} is there already` : `${path} cannot be written`;
    throw new AffiantError("ERR_INPUT_FILE", message, { cause });
  }
}
