import { type Ed25519Verify, verifyStrict } from "../ed25519/verify.ts";
import type { DecodedEntry } from "./leaf.ts";

/** Whether the key in the entry's header signed it. Whether that key was the agent's is for the registry to say. */
export function verifyEntrySignature(entry: DecodedEntry, verify: Ed25519Verify = verifyStrict): boolean {
  return verify(entry.signature, entry.signingInput, entry.publicKey);
}
