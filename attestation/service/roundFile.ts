import { randomBytes } from "node:crypto";

import { keccak256 } from "ethers";

import type { TaskPlace } from "../../protocol/attestation/task.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Verdict } from "../verifier/signVerdict.ts";
import type { SealedStore } from "./sealedStore.ts";

/** One target in one draw, under one of its versions. */
export type Draw = Pick<TaskPlace, "round" | "seed" | "target" | "enrolment">;

/** What the service knows of one target in one draw. */
export interface TargetFile {
  /** What was sent: nothing, the panel's verdicts, or the fresh verifiers' as well. */
  sent: "nothing" | "panel" | "fresh";
  /** By verifier. */
  readonly nonces: Record<string, Hex>;
  readonly verdicts: Record<string, Verdict>;
}

/**
 * The service's memory of rounds. A nonce is stored before it is used and a verdict when it comes, so that a service that
 * ends in the middle brings the same tasks again and asks nobody twice for what it has.
 */
export class RoundFiles {
  readonly #store: SealedStore;

  constructor(store: SealedStore) {
    this.#store = store;
  }

  /** A fresh secret, on disk before anybody is told its commitment. */
  async newSecret(): Promise<Hex> {
    const secret = toHex(randomBytes(32));
    const commitment = keccak256(secret) as Hex;
    await this.#store.put(`secret ${commitment}`, { secret });
    return commitment;
  }

  async secretOf(commitment: Hex): Promise<Hex | undefined> {
    return (await this.#store.get<{ secret: Hex }>(`secret ${commitment}`))?.secret;
  }

  /** By seed: after a reorg that draws otherwise nothing of the draw before is left. */
  async target(draw: Draw): Promise<TargetFile> {
    const file = await this.#store.get<TargetFile>(nameOf(draw));
    return file ?? { sent: "nothing", nonces: {}, verdicts: {} };
  }

  save(draw: Draw, file: TargetFile): Promise<void> {
    return this.#store.put(nameOf(draw), file);
  }
}

/** N for a pair: drawn once. @returns whether it is new and has to be stored before it is used */
export function nonceFor(file: TargetFile, verifier: string): { readonly nonce: Hex; readonly isNew: boolean } {
  const known = file.nonces[verifier];
  if (known) return { nonce: known, isNew: false };
  const nonce = toHex(randomBytes(32));
  file.nonces[verifier] = nonce;
  return { nonce, isNew: true };
}

function nameOf({ round, seed, target, enrolment }: Draw): string {
  return `target ${round} ${seed} ${target} ${enrolment}`;
}
