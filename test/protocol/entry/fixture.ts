import { createPrivateKey, sign } from "node:crypto";

import type { EntryClaims } from "../../../protocol/entry/claims.ts";
import { disclosureDigest, encodeDisclosure } from "../../../protocol/entry/disclosure.ts";
import { assembleLeaf, entrySigningInput } from "../../../protocol/entry/leaf.ts";

/** The key of RFC 8037 appendix A.1. */
export const privateJwk = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
} as const;

export const privateKey = createPrivateKey({ key: privateJwk, format: "jwk" });
export const publicKey = Uint8Array.from(Buffer.from(privateJwk.x, "base64url"));

export const disclosures = [
  encodeDisclosure({ name: "input", value: { amount: 10, to: "Zoë" }, salt: "AAECAwQFBgcICQoLDA0ODw" }),
  encodeDisclosure({ name: "output", value: ["ok", null], salt: "EBESExQVFhcYGRobHB0eHw" }),
];

/** Well-formed claims; a test changes one thing. */
export const claims: EntryClaims = {
  _sd: disclosures.map(disclosureDigest).sort(),
  _sd_alg: "sha-256",
  act: "payment.charge",
  iat: 1_700_000_000,
  iss: "did:ethr:0x7a69:0x00112233445566778899aabbccddeeff00112233",
  kind: "act",
  nb: { blockHash: `0x${"ab".repeat(32)}`, blockNumber: 12, chainId: 31337 },
  policy: `0x${"cd".repeat(32)}`,
  prev: `0x${"ef".repeat(32)}`,
  seq: 7,
  thread: "order-7",
};

export function signLeaf(of: EntryClaims = claims): string {
  const signingInput = entrySigningInput(of, publicKey);
  return assembleLeaf(signingInput, sign(null, Buffer.from(signingInput), privateKey));
}
