import { parseEthrDid } from "../did/ethr.ts";
import { isHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import { type EntryClaims, entryKinds } from "./claims.ts";

const namePattern = /^[A-Za-z0-9_.:/-]{1,128}$/;
const digestPattern = /^[A-Za-z0-9_-]{43}$/;
const cidPattern = /^[a-zA-Z0-9]{8,128}$/;

const required = ["_sd", "_sd_alg", "act", "iat", "iss", "kind", "nb", "policy", "prev", "seq"];
const optional = ["ctr", "everyBlocks", "thread"];

/**
 * Asserts that a value has the form of entry claims: shapes, ranges, and nothing unknown. It looks at one entry alone;
 * whether `seq` and `prev` follow on is the log's and the auditor's business.
 * @throws AffiantError ERR_INPUT_ENTRY naming the claim, ERR_INPUT_DID for `iss`
 */
export function checkEntryClaims(value: unknown): asserts value is EntryClaims {
  const claims = asObject(value, "the claims");
  checkKeys(claims, required, optional, "the claims");
  checkDigests(claims["_sd"]);
  check(claims["_sd_alg"] === "sha-256", "_sd_alg is not sha-256");
  check(isName(claims["act"]), "act is not a name of 1 to 128 characters");
  check(
    claims["everyBlocks"] === undefined || (claims["kind"] === "heartbeat" && isCount(claims["everyBlocks"])),
    "everyBlocks is not a whole number in a heartbeat",
  );
  check(claims["thread"] === undefined || isName(claims["thread"]), "thread is not a name of 1 to 128 characters");
  check(
    claims["ctr"] === undefined || (typeof claims["ctr"] === "string" && cidPattern.test(claims["ctr"])),
    "ctr is not a CID",
  );
  check(isCount(claims["iat"]), "iat is not a time in whole Unix seconds");
  check(entryKinds.includes(claims["kind"] as EntryClaims["kind"]), "kind is not one of " + entryKinds.join(", "));
  check(isHex(claims["policy"], 32), "policy is not 32 bytes of lower-case hex");
  check(isCount(claims["seq"]), "seq is not a whole number from 0");
  check(
    claims["seq"] === 0 ? claims["prev"] === null : isHex(claims["prev"], 32),
    "prev is the entryId before, and null exactly at seq 0",
  );
  checkNotBefore(claims["nb"], claims["iss"]);
}

function checkNotBefore(value: unknown, issuer: unknown): void {
  const block = asObject(value, "nb");
  checkKeys(block, ["blockHash", "blockNumber", "chainId"], [], "nb");
  check(isHex(block["blockHash"], 32), "nb.blockHash is not 32 bytes of lower-case hex");
  check(isCount(block["blockNumber"]), "nb.blockNumber is not a whole number from 0");
  check(typeof issuer === "string", "iss is not a DID");
  const { chainId } = parseEthrDid(issuer as string);
  check(
    isCount(block["chainId"]) && BigInt(block["chainId"] as number) === chainId,
    "nb.chainId is not the chain of iss",
  );
}

function checkDigests(value: unknown): void {
  check(Array.isArray(value) && value.length <= 16, "_sd is not a list of at most 16 digests");
  const digests = value as readonly unknown[];
  digests.forEach((digest, i) => {
    check(typeof digest === "string" && digestPattern.test(digest), "_sd holds something that is no SHA-256 digest");
    check(i === 0 || (digests[i - 1] as string) < (digest as string), "_sd is not sorted, or holds a digest twice");
  });
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  check(typeof value === "object" && value !== null && !Array.isArray(value), `${what} are not a JSON object`);
  return value as Record<string, unknown>;
}

function checkKeys(value: Record<string, unknown>, must: string[], may: string[], what: string): void {
  for (const key of must) check(key in value, `${what} lack ${key}`);
  for (const key of Object.keys(value))
    check(must.includes(key) || may.includes(key), `${what} hold an unknown ${key}`);
}

function isName(value: unknown): boolean {
  return typeof value === "string" && namePattern.test(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AffiantError("ERR_INPUT_ENTRY", message);
}
