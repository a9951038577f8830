import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";

import type { DeliveryStore, SealedKeySet } from "./publisher.ts";
import type { DeliverySource } from "../../agent/escrow/keyHolder.ts";
import type { Delivery } from "../../agent/escrow/receiveKey.ts";
import { fromHex, type Hex, isHex, toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/**
 * Sealed keys as files: `<folder>/<epoch>-<commitment>/<holder>.json`. Only sealed bytes are in them; who reads them all
 * learns who was given a key, and no key. The relayer's endpoint serves the same, to each member its own.
 */
export class DeliveryFolder implements DeliveryStore {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put({ epoch, keyCommitment, deliveries }: SealedKeySet): Promise<void> {
    const folder = this.#of(epoch, keyCommitment);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const [holder, { sealed, merkleProof }] of deliveries) {
      const path = join(folder, `${holder.toLowerCase()}.json`);
      const file = await open(`${path}.part`, "w", 0o600);
      try {
        await file.writeFile(JSON.stringify({ sealed: toHex(sealed), merkleProof }));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.part`, path);
    }
  }

  /** What one holder sees of it. */
  for(holder: string): DeliverySource {
    return { fetch: (epoch, keyCommitment) => this.#read(epoch, keyCommitment, holder) };
  }

  async #read(epoch: bigint, keyCommitment: Hex, holder: string): Promise<Delivery | undefined> {
    const path = join(this.#of(epoch, keyCommitment), `${holder.toLowerCase()}.json`);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw new AffiantError("ERR_INPUT_FILE", "the sealed key cannot be read", { cause: error });
    });
    return text === undefined ? undefined : parseDelivery(text);
  }

  #of(epoch: bigint, keyCommitment: Hex): string {
    return join(this.#folder, `${epoch}-${keyCommitment.slice(2)}`);
  }
}

/** @throws AffiantError ERR_INPUT_SEALED_KEY */
export function parseDelivery(text: string): Delivery {
  try {
    const { sealed, merkleProof } = JSON.parse(text) as { sealed: string; merkleProof: Hex[] };
    if (merkleProof.every((node) => isHex(node, 32))) return { sealed: fromHex(sealed), merkleProof };
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_SEALED_KEY", "not a sealed key as it is delivered", { cause });
  }
  throw new AffiantError("ERR_INPUT_SEALED_KEY", "the proof of a sealed key is not hashes");
}
