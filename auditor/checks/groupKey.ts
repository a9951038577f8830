import type { Hex } from "../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { type GroupKeyUse, readGroupKeyUse } from "../../protocol/escrow/groupKeyUse.ts";
import type { AuditedEntry } from "../auditedEntry.ts";
import type { ChainReader, GroupEpoch } from "../chain/chainReader.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";
import type { OpenedDisclosures } from "./disclosures.ts";

/**
 * For an act that was asked for under a group's key: which epoch, who held its key, and that all of them were attested when
 * it was published. The epoch has to be one that members used when the act was done: published by the anchor's block, and
 * not over at the entry's not-before block. That the message came under this key, the agent says; who else held it could
 * have written it, which is why calls are signed.
 * @returns undefined for an act that names no group key
 */
export async function checkGroupKey(
  entry: AuditedEntry,
  opened: OpenedDisclosures,
  keyEscrow: Hex,
  upperBound: number | null,
  chain: ChainReader | undefined,
): Promise<Verdict | undefined> {
  const { subject } = entry;
  let use: GroupKeyUse | undefined;
  try {
    use = readGroupKeyUse(opened.context);
  } catch (error) {
    if (!isAffiantError(error)) throw error;
    return fails("group-key", subject, "AUDIT_GROUP_KEY_MALFORMED", { detail: `The act's ${error.message}.` });
  }
  if (!use) return undefined;
  if (use.escrow !== keyEscrow) {
    const detail = "The key is another contract's than the deployment's KeyEscrow.";
    return fails("group-key", subject, "AUDIT_GROUP_KEY_UNKNOWN", { expected: keyEscrow, found: use.escrow, detail });
  }
  if (!chain?.groupEpoch || !chain.attestationAt) {
    const detail = "Who held the key that the act was asked for under, the chain would say.";
    return unproven("group-key", subject, "AUDIT_CHAIN_NOT_GIVEN", { detail });
  }
  const epoch = await chain.groupEpoch(keyEscrow, use.group, use.epoch);
  if (epoch?.keyCommitment !== use.keyCommitment) {
    const detail = `The chain knows no such key: epoch ${use.epoch} of group ${use.group}.`;
    const words = { expected: epoch?.keyCommitment ?? null, found: use.keyCommitment, detail };
    return fails("group-key", subject, "AUDIT_GROUP_KEY_UNKNOWN", words);
  }
  return (
    timing(entry, use, epoch, upperBound) ??
    (await holders(entry, epoch, chain)) ??
    holds("group-key", subject, inWords(use, epoch))
  );
}

function timing(
  { subject, decoded }: AuditedEntry,
  { epoch }: GroupKeyUse,
  { publishedAtBlock, nextPublishedAtBlock, graceBlocks }: GroupEpoch,
  upperBound: number | null,
): Verdict | undefined {
  const { blockNumber } = decoded.claims.nb;
  if (upperBound !== null && publishedAtBlock > upperBound) {
    const detail = `Epoch ${epoch} was published in block ${publishedAtBlock}, after the act was anchored.`;
    const words = { expected: `by block ${upperBound}`, found: `block ${publishedAtBlock}`, detail };
    return fails("group-key", subject, "AUDIT_GROUP_KEY_LATER", words);
  }
  if (nextPublishedAtBlock !== null && blockNumber > nextPublishedAtBlock + graceBlocks) {
    const lastBlock = nextPublishedAtBlock + graceBlocks;
    const detail = `Epoch ${epoch} was over at block ${blockNumber}: the next one came in block ${nextPublishedAtBlock}.`;
    const words = { expected: `by block ${lastBlock}`, found: `block ${blockNumber}`, detail };
    return fails("group-key", subject, "AUDIT_GROUP_KEY_OVER", words);
  }
  return undefined;
}

async function holders(entry: AuditedEntry, epoch: GroupEpoch, chain: ChainReader): Promise<Verdict | undefined> {
  const { subject, agentAddress } = entry;
  if (!epoch.holders.includes(agentAddress)) {
    const detail = "The agent was not given the key that it says it was asked under.";
    const words = { expected: epoch.holders.join(", "), found: agentAddress, detail };
    return fails("group-key", subject, "AUDIT_GROUP_KEY_NOT_HELD", words);
  }
  const { blockNumber } = entry.decoded.claims.nb;
  const { publishedAtBlock, attestationRegistry } = epoch;
  const trusted = async (agent: Hex, block: number): Promise<boolean> =>
    (await chain.attestationAt?.(attestationRegistry, agent, block))?.status === "trusted";
  for (const holder of epoch.holders) {
    // Trust may begin in that block before the publication, and end in it afterwards; the state is known at blocks' ends.
    const then = (await trusted(holder, publishedAtBlock - 1)) || (await trusted(holder, publishedAtBlock));
    if (!then) {
      const detail = `${holder} was given the key and was not attested at block ${publishedAtBlock}.`;
      const words = { expected: "trusted", found: holder, detail };
      return fails("group-key", subject, "AUDIT_GROUP_KEY_UNATTESTED", words);
    }
    if (blockNumber > publishedAtBlock && !(await trusted(holder, blockNumber))) {
      const detail = `The epoch was over at block ${blockNumber}: ${holder}, who held its key, had lost trust.`;
      return fails("group-key", subject, "AUDIT_GROUP_KEY_OVER", { expected: "trusted", found: holder, detail });
    }
  }
  return undefined;
}

function inWords({ group, epoch }: GroupKeyUse, { publishedAtBlock, holders: held }: GroupEpoch): string {
  const who = held.join(", ");
  return `Under epoch ${epoch} of group ${group}, published in block ${publishedAtBlock} to ${held.length} agents, all attested then: ${who}.`;
}
