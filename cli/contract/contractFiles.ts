import { readFileSync, writeFileSync } from "node:fs";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { formatContractFile, parseContractFile } from "../../protocol/ucan/contractFile.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";

/** @throws AffiantError ERR_INPUT_FILE, ERR_INPUT_UCAN */
export function readContractFile(path: string): readonly [Delegation, ...Delegation[]] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read`, { cause });
  }
  return parseContractFile(text);
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
