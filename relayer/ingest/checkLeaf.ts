import { hash } from "node:crypto";

import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { fromBase64urlNative } from "../../protocol/encoding/nodeBase64url.ts";
import { maxLeafBytes, readLeaf } from "../../protocol/entry/leaf.ts";
import { openDisclosures } from "../../protocol/entry/disclosure.ts";
import { AffiantError, isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { LeafRun } from "./leafRun.ts";
import { type Finding, VerificationPacker } from "./packing.ts";
import type { Refusal } from "./verifiedEntry.ts";

/** The tag 0x00 of RFC 9162 and room for a leaf: hashed and verified from here, nothing is copied again. */
const tagged = Buffer.alloc(1 + maxLeafBytes);

/** Decodes each leaf strictly and checks its signature and disclosures. Never throws. */
export function checkRun({ bytes, bounds, disclosures }: LeafRun): VerificationPacker {
  const leaves = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const packer = new VerificationPacker(bounds.length / 2);
  for (let i = 0; i < bounds.length; i += 2) {
    try {
      const leaf = leaves.toString("latin1", bounds[i], bounds[i + 1]);
      packer.found(checkLeaf(leaf, disclosures?.[i / 2] ?? []));
    } catch (error) {
      packer.refused(refusalOf(error));
    }
  }
  return packer;
}

/** @throws AffiantError with the code of the refusal */
function checkLeaf(leaf: string, disclosures: readonly string[]): Finding {
  const { claims, publicKey, signature, signingInputLength } = readLeaf(leaf, fromBase64urlNative);
  tagged.write(leaf, 1, "latin1");
  const signingInput = tagged.subarray(1, 1 + signingInputLength);
  if (!verifyNative(signature, signingInput, publicKey)) {
    throw new AffiantError("ERR_PROOF_SIGNATURE", "the entry's signature does not verify under the key it names");
  }
  if (disclosures.length > 0) openDisclosures(claims._sd, disclosures);
  const end = 1 + leaf.length;
  return {
    entryId: hash("sha256", tagged.subarray(1, end), "binary"),
    leafHash: hash("sha256", tagged.subarray(0, end), "binary"),
    seq: claims.seq,
    prev: claims.prev,
    claims: {
      did: claims.iss,
      publicKeyHex: toHex(publicKey),
      blockNumber: claims.nb.blockNumber,
      blockHash: claims.nb.blockHash,
      policy: claims.policy,
    },
  };
}

function refusalOf(error: unknown): Refusal {
  if (isAffiantError(error)) return { code: error.code, message: error.message };
  return { code: "ERR_INTERNAL_UNEXPECTED", message: "the entry could not be read" };
}
