import { AffiantError } from "../../../protocol/errors/affiantError.ts";

/** What a row says was not written here: nothing is signed, sent or copied from it. */
export function rowAltered(table: string, id: string): AffiantError {
  return new AffiantError("ERR_CONFLICT_ROW_ALTERED", `the stored ${table} ${id} is not what this relayer wrote`, {
    details: { table, id },
    hint: "stop the relayer and look: affiant log fsck; docs/relayer.md says how to go on",
  });
}
