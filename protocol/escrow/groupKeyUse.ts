import { type Hex, isHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";
import type { Json } from "../json/canonical.ts";

/** Under which key an act was asked for: what an agent discloses as `groupKey` in the context of its entry. */
export interface GroupKeyUse {
  /** Lower-case address of the KeyEscrow. */
  readonly escrow: Hex;
  readonly group: Hex;
  readonly epoch: number;
  readonly keyCommitment: Hex;
}

/**
 * The `groupKey` of an entry's context; undefined if it names none.
 * @throws AffiantError ERR_INPUT_DISCLOSURE if what stands there is of another form
 */
export function readGroupKeyUse(context: Json | undefined): GroupKeyUse | undefined {
  if (typeof context !== "object" || context === null || Array.isArray(context)) return undefined;
  const use = (context as Readonly<Record<string, Json>>)["groupKey"];
  if (use === undefined) return undefined;
  const { escrow, group, epoch, keyCommitment, ...rest } = (use ?? {}) as Record<string, unknown>;
  const words = isHex(escrow, 20) && isHex(group, 32) && isHex(keyCommitment, 32);
  if (words && Number.isSafeInteger(epoch) && (epoch as number) > 0 && Object.keys(rest).length === 0) {
    return { escrow, group, epoch: epoch as number, keyCommitment };
  }
  throw new AffiantError("ERR_INPUT_DISCLOSURE", "groupKey is not {escrow, group, epoch, keyCommitment}");
}
