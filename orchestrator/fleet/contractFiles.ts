import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Hex } from "../../protocol/encoding/hex.ts";
import { parseContractFile } from "../../protocol/ucan/contractFile.ts";
import { contractIdOf } from "../../protocol/ucan/delegation.ts";

/** A contract between two agents of the pipeline, as its issuer left it. */
export interface IssuedContract {
  readonly id: Hex;
  /** did:key of who granted it. */
  readonly issuer: string;
  /** did:key of who may use it. */
  readonly audience: string;
  readonly command: string;
}

/**
 * The contracts in `<data>/contracts/*.json`, where agents leave what they grant. Files that are no contracts are passed
 * over: the folder is the agents'.
 */
export function issuedContracts(dataDir: string): readonly IssuedContract[] {
  const folder = join(dataDir, "contracts");
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      return parseContractFile(readFileSync(join(folder, name), "utf8")).map((contract) => ({
        id: contractIdOf(contract),
        issuer: contract.issuer,
        audience: contract.audience,
        command: contract.command,
      }));
    } catch {
      return [];
    }
  });
}
