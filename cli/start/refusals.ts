import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { readEvidence } from "../../protocol/evidence/readEvidence.ts";
import type { Json } from "../../protocol/json/canonical.ts";

/** Something that an agent declined to do, as it stands in the evidence. */
export interface RecordedRefusal {
  /** DID. */
  readonly agent: string;
  readonly act: string;
  readonly thread: string;
  readonly reason: string;
  /** The rule of the agent's policy that it named, if it named one. */
  readonly rule: string | undefined;
  /** The error's code, if it was a call that was refused before it became a step: by its contract, for example. */
  readonly code: string | undefined;
  readonly entryId: string;
}

/** The refusals in an evidence file, in the order of the log, with the reasons that the agents disclose. */
export function refusalsIn(evidence: Uint8Array): readonly RecordedRefusal[] {
  return readEvidence(evidence).entries.flatMap(({ leaf, disclosures }) => {
    const { claims, entryId } = decodeLeaf(leaf);
    if (claims.kind !== "refusal") return [];
    const output = disclosures.map(decodeDisclosure).find(({ name }) => name === "output")?.value;
    return [
      {
        agent: claims.iss,
        act: claims.act,
        thread: claims.thread ?? "",
        reason: textOf(output, "reason") ?? textOf(output, "detail") ?? "(the reason is not disclosed)",
        rule: textOf(output, "rule"),
        code: textOf(output, "refused"),
        entryId,
      },
    ];
  });
}

function textOf(value: Json | undefined, key: string): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const field = (value as Readonly<Record<string, Json>>)[key];
  return typeof field === "string" ? field : undefined;
}
