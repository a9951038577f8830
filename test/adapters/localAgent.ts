import { Agent, type AgentParts } from "../../agent/agent.ts";
import { Journal } from "../../agent/journal/journal.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { createAgentKeys, openAgentKeys } from "../../agent/keys/keystore.ts";
import { decodeDisclosure } from "../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";

/** Refunds are made once in a thread; a transfer is of at most 100; nothing is wiped. */
export const desk: PolicyBundle = {
  format: "affiant-policy/1",
  name: "desk",
  description: "For tests of what leads to the ledger.",
  schema: `entity Agent; entity System;
    action "lookup", "refund", "transfer", "wipe", "fail", "Bash", "mcp__mail__send", "run_shell_command" appliesTo {
      principal: Agent, resource: System, context: { refunds?: Long, amount?: Long } };`,
  policies: `@id("all") permit (principal, action, resource);
    @id("once") @rule("Refund once in a conversation") @needs("refunds")
    forbid (principal, action == Action::"refund", resource) when { context has refunds && context.refunds > 0 };
    @id("small") @rule("Transfer at most 100") @needs("amount")
    forbid (principal, action == Action::"transfer", resource) when { context has amount && context.amount > 100 };
    @id("never") @rule("Never wipe") forbid (principal, action == Action::"wipe", resource);`,
  facts: { refunds: '$count(before[act = "refund"])', amount: "input.amount" },
  thread: "thread",
  undecidable: [],
};

export interface LocalAgent {
  readonly agent: Agent;
  /** What stops it from making entries: none unless set. */
  trouble: AffiantError | undefined;
  /** What is in the journal, in order. */
  entries(): readonly { act: string; kind: string; thread?: string; input?: Json; output?: Json; context?: Json }[];
}

/** An agent with real keys, a real journal and a policy in force, on a chain and at a relayer that only answer. */
export async function localAgent(dataDir: string, bundle: PolicyBundle = desk, name = "support"): Promise<LocalAgent> {
  await createAgentKeys({ dataDir, name, chainId: 31337, cost: 2 }).catch(() => undefined);
  const keys = await openAgentKeys(dataDir, name, undefined);
  const { path, journal: file } = agentFolder(dataDir, name);
  const journal = new Journal(file);
  const policy = policyHashOf(bundle);
  const nb = { chainId: 31337, blockNumber: 1, blockHash: `0x${"11".repeat(32)}` } as const;
  const local: LocalAgent = {
    agent: undefined as unknown as Agent,
    trouble: undefined,
    entries: () =>
      journal.entriesFrom(0, 1_000).map(({ leaf, disclosures }) => {
        const { act, kind, thread } = decodeLeaf(leaf).claims;
        const values = disclosures.map((text) => decodeDisclosure(text)).map((one) => [one.name, one.value]);
        return { act, kind, ...(thread && { thread }), ...(Object.fromEntries(values) as object) };
      }),
  };
  const standing = (): Promise<unknown> =>
    local.trouble ? Promise.reject(local.trouble) : Promise.resolve({ nb, policy });
  const parts = {
    keys,
    journal,
    folder: path,
    deployment: { chainId: 31337 },
    relayer: { head: () => Promise.resolve({ seq: null, entryId: null }), policy: () => Promise.resolve(bundle) },
    registries: { standing },
    rpc: { close: () => undefined },
    outbox: { delivered: () => new Promise(() => undefined) },
    settings: { notBeforeDepth: 0, mineTimeoutMs: 1, standingMaxAgeMs: 0, nowSec: () => 1_800_000_000 },
  };
  return Object.assign(local, { agent: new Agent(parts as unknown as AgentParts) });
}
