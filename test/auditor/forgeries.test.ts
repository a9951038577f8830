import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { SigningKey } from "ethers";

import { auditEvidence } from "../../auditor/audit.ts";
import type { TrustedContracts } from "../../auditor/checks/chain.ts";
import { type AuditCode, auditCodes } from "../../auditor/codes.ts";
import type { CheckName } from "../../auditor/verdict.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { utf8 } from "../../protocol/encoding/bytes.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import type { Evidence, EvidenceEntry, EvidenceHead, EvidenceHeader } from "../../protocol/evidence/types.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { logIdOf } from "../../protocol/log/logId.ts";
import { formatEd25519VerifierKey } from "../../protocol/log/noteKey.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import {
  agentNamed,
  blockHashOf,
  chainId,
  chainOf,
  chargePolicy,
  contracts,
  honestEntries,
  headOver,
  honestWorld,
  logOver,
  noteOver,
  operatorAddress,
  origin,
  seed,
  stockPolicy,
  type World,
  worldOf,
} from "./world.ts";

/** What must not hold: check, code, outcome if it is not `fails`, and what was expected and found. */
type Expected = readonly [
  check: CheckName,
  code: AuditCode,
  more?: { outcome?: "unproven"; line?: number; expected?: string | number | null; found?: string | number | null },
];

interface Forgery {
  readonly what: string;
  readonly forge: () => World | Promise<World>;
  readonly trusted?: TrustedContracts;
  /** All verdicts that do not hold, in the order of the report. */
  readonly turns: readonly Expected[];
}

const payment = agentNamed("payment");
const thief = { secret: seed("thief"), publicKey: ed25519.getPublicKey(seed("thief")) };
const otherOrigin = "log.example/other";
const word = (text: string): Hex => toHex(seed(text));

function withHeader(header: Partial<EvidenceHeader>, world = honestWorld()): World {
  return { ...world, evidence: { ...world.evidence, header: { ...world.evidence.header, ...header } } };
}

function withCheckpoint(checkpoint: Partial<Evidence["checkpoint"]>, world = honestWorld()): World {
  return { ...world, evidence: { ...world.evidence, checkpoint: { ...world.evidence.checkpoint, ...checkpoint } } };
}

function withEntries(
  change: (entries: EvidenceEntry[]) => (EvidenceEntry | undefined)[],
  world = honestWorld(),
): World {
  const entries = change([...world.evidence.entries]).filter((entry) => entry !== undefined);
  return { ...world, evidence: { ...world.evidence, entries } };
}

function withEntry(position: number, change: (entry: EvidenceEntry) => Partial<EvidenceEntry>, world?: World): World {
  return withEntries((entries) => entries.map((e, i) => (i === position ? { ...e, ...change(e) } : e)), world);
}

function withState(change: (state: World["state"], world: World) => void, world = honestWorld()): World {
  change(world.state, world);
  return world;
}

const paymentPolicies = (state: World["state"]) => state.policies.filter(({ agent }) => agent === payment.address);
const rootOf = (world: World, size = 5) => toHex(logOver(world.entries.map(({ leaf }) => leaf)).root(size));
const honest = honestWorld();
const honestRoot = logOver(honest.entries.map(({ leaf }) => leaf)).root(5);

function withHeads(change: (heads: readonly EvidenceHead[]) => EvidenceHead[], world = honestWorld()): World {
  return { ...world, evidence: { ...world.evidence, heads: change(world.evidence.heads) } };
}

/** Another statement in the place of the agent's. */
function withHeadOf(head: EvidenceHead, world = honestWorld()): World {
  return withHeads((heads) => heads.map((own) => (own.agent === head.agent ? head : own)), world);
}

const forgeries: readonly Forgery[] = [
  {
    what: "a log rewritten after its anchor, with the operator's own signature",
    forge: () => {
      const rewritten = honestWorld({ 4: { values: { input: { amount: 1 } } } });
      return { ...rewritten, state: honest.state };
    },
    turns: [
      [
        "anchor",
        "AUDIT_ANCHOR_MISMATCH",
        {
          expected: `size 5, root ${rootOf(honest)}`,
          found: `size 5, root ${rootOf(honestWorld({ 4: { values: { input: { amount: 1 } } } }))}`,
        },
      ],
      ...Array.from({ length: 5 }, () => ["not-after", "AUDIT_NO_UPPER_BOUND", { outcome: "unproven" }] as const),
    ],
  },
  {
    what: "an entry dropped from the middle",
    forge: () => withEntries((entries) => entries.toSpliced(2, 1)),
    turns: [["sequence", "AUDIT_SEQUENCE_GAP", { line: 7, expected: 1, found: 2 }]],
  },
  {
    what: "an agent's first entry dropped",
    forge: () => withEntries((entries) => entries.toSpliced(0, 1)),
    turns: [["sequence", "AUDIT_SEQUENCE_GAP", { line: 6, expected: 0, found: 1 }]],
  },
  {
    what: "two entries exchanged in the file",
    forge: () =>
      withEntries((entries) => {
        const [first, , third] = entries;
        return entries.map((e, i) => (i === 0 ? { ...third!, index: 0 } : i === 2 ? { ...first!, index: 2 } : e));
      }),
    turns: [
      ["inclusion", "AUDIT_INCLUSION", { line: 5 }],
      ["sequence", "AUDIT_SEQUENCE_GAP", { line: 5, expected: 0, found: 1 }],
      ["not-after", "AUDIT_NO_UPPER_BOUND", { line: 5, outcome: "unproven" }],
      ["inclusion", "AUDIT_INCLUSION", { line: 7 }],
      ["sequence", "AUDIT_SEQUENCE_ORDER", { line: 7, expected: 2, found: 0 }],
      ["not-before", "AUDIT_BLOCK_DECREASES", { line: 7, expected: 21, found: 20 }],
      ["not-after", "AUDIT_NO_UPPER_BOUND", { line: 7, outcome: "unproven" }],
    ],
  },
  {
    what: "two entries exchanged in the log itself",
    forge: () => {
      const nb = { blockHash: blockHashOf(20), blockNumber: 20, chainId };
      const [a, b, c, d, e] = honestEntries({ 2: { claims: { nb } }, 3: { claims: { nb } } });
      return worldOf([a!, b!, d!, c!, e!]);
    },
    turns: [
      ["sequence", "AUDIT_SEQUENCE_GAP", { line: 7, expected: 1, found: 2 }],
      ["sequence", "AUDIT_SEQUENCE_ORDER", { line: 8, expected: 3, found: 1 }],
    ],
  },
  {
    what: "an entry that names another one before it",
    forge: () => honestWorld({ 4: { prev: word("another") } }),
    turns: [
      ["sequence", "AUDIT_SEQUENCE_PREV", { line: 9, expected: honest.entries[1]!.entryId, found: word("another") }],
    ],
  },
  {
    what: "two entries of one sequence number",
    forge: () => {
      const entries = honestEntries();
      const fork = honestEntries({ 3: { values: { input: { amount: 2 } } } })[3]!;
      return worldOf([...entries, fork]);
    },
    turns: [
      [
        "sequence",
        "AUDIT_SEQUENCE_FORK",
        {
          line: 10,
          expected: honest.entries[3]!.entryId,
          found: honestEntries({ 3: { values: { input: { amount: 2 } } } })[3]!.entryId,
        },
      ],
    ],
  },
  {
    what: "one entry twice in the log",
    forge: () => worldOf([...honestEntries(), honestEntries()[3]!]),
    turns: [["sequence", "AUDIT_SEQUENCE_DUPLICATE", { line: 10, found: 2 }]],
  },
  {
    what: "an entry that names a policy which was not in force",
    forge: () => honestWorld({ 0: { claims: { policy: policyHashOf(stockPolicy) } } }),
    turns: [
      [
        "policy-in-force",
        "AUDIT_POLICY_OTHER",
        { line: 5, expected: policyHashOf(chargePolicy), found: policyHashOf(stockPolicy) },
      ],
    ],
  },
  {
    what: "a policy committed one block after the act's",
    forge: () => withState((state) => Object.assign(paymentPolicies(state)[0]!, { block: 21 })),
    turns: [["policy-in-force", "AUDIT_POLICY_NONE", { line: 5, found: policyHashOf(chargePolicy) }]],
  },
  {
    what: "a policy superseded between act and anchor",
    forge: () =>
      withState((state) => state.policies.push({ agent: payment.address, policyHash: word("newer"), block: 40 })),
    turns: [
      [
        "policy-in-force",
        "AUDIT_POLICY_CHANGED_IN_WINDOW",
        { line: 7, outcome: "unproven", expected: "version 1", found: "version 2 since block 40" },
      ],
      [
        "policy-in-force",
        "AUDIT_POLICY_CHANGED_IN_WINDOW",
        { line: 8, outcome: "unproven", expected: "version 1", found: "version 2 since block 40" },
      ],
    ],
  },
  {
    what: "a key revoked in the block that the first act names",
    forge: () => withState((state) => Object.assign(state.keys[0]!, { revokedAtBlock: 20 })),
    turns: [5, 7, 8].map(
      (line) => ["signing-key", "AUDIT_KEY_NOT_VALID", { line, found: toHex(payment.publicKey) }] as const,
    ),
  },
  {
    what: "a key revoked between act and anchor",
    forge: () => withState((state) => Object.assign(state.keys[0]!, { revokedAtBlock: 40 })),
    turns: [7, 8].map(
      (line) =>
        [
          "signing-key",
          "AUDIT_KEY_ENDED_IN_WINDOW",
          { line, outcome: "unproven", found: toHex(payment.publicKey) },
        ] as const,
    ),
  },
  {
    what: "an entry under a key that the registry does not know",
    forge: () => honestWorld({ 4: { signer: thief } }),
    turns: [["signing-key", "AUDIT_KEY_NOT_VALID", { line: 9, found: toHex(thief.publicKey) }]],
  },
  {
    what: "an entry that names the agent's key and is signed by another",
    forge: () => {
      const entries = honestEntries({
        4: { signer: { secret: thief.secret, publicKey: agentNamed("stock").publicKey } },
      });
      return worldOf(entries);
    },
    turns: [["signature", "AUDIT_SIGNATURE", { line: 9, found: toHex(agentNamed("stock").publicKey) }]],
  },
  {
    what: "an agent of another chain",
    forge: () => {
      const nb = { blockHash: blockHashOf(21), blockNumber: 21, chainId: 1 };
      const iss = formatEthrDid(1n, agentNamed("stock").address);
      return honestWorld({ 1: { claims: { iss, nb } }, 4: { claims: { iss, nb } } });
    },
    turns: [5, 8].map((n) => ["issuer", "AUDIT_ISSUER_CHAIN", { line: n + 1, expected: chainId, found: 1 }] as const),
  },
  {
    what: "an entry that is no entry",
    forge: () => {
      const world = withEntry(4, ({ leaf }) => ({ leaf: leaf.replace(".", "..") }));
      return world;
    },
    turns: [
      ["entry", "AUDIT_ENTRY_MALFORMED", { line: 9 }],
      ["completeness", "AUDIT_TAIL_CUT", { expected: 2, found: 1 }],
    ],
  },
  {
    what: "a block hash that the chain does not have",
    forge: () => honestWorld({ 4: { claims: { nb: { blockHash: word("no block"), blockNumber: 21, chainId } } } }),
    turns: [["not-before", "AUDIT_BLOCK_HASH", { line: 9, expected: blockHashOf(21), found: word("no block") }]],
  },
  {
    what: "a block that does not exist yet",
    forge: () => honestWorld({ 4: { claims: { nb: { blockHash: blockHashOf(51), blockNumber: 51, chainId } } } }),
    turns: [
      ["not-before", "AUDIT_BLOCK_UNKNOWN", { line: 9, found: 51 }],
      ["not-after", "AUDIT_BLOCK_AFTER_ANCHOR", { line: 9, expected: "at most 40", found: 51 }],
    ],
  },
  {
    what: "a block later than the anchor",
    forge: () => honestWorld({ 4: { claims: { nb: { blockHash: blockHashOf(41), blockNumber: 41, chainId } } } }),
    turns: [["not-after", "AUDIT_BLOCK_AFTER_ANCHOR", { line: 9, expected: "at most 40", found: 41 }]],
  },
  {
    what: "a block before the agent's last one",
    forge: () => honestWorld({ 4: { claims: { nb: { blockHash: blockHashOf(19), blockNumber: 19, chainId } } } }),
    turns: [["not-before", "AUDIT_BLOCK_DECREASES", { line: 9, expected: 20, found: 19 }]],
  },
  {
    what: "a clock that was set back before the block that the entry names",
    forge: () => honestWorld({ 0: { claims: { iat: 1_800_000_000 - 301 } } }),
    turns: [["clock", "AUDIT_CLOCK_OUTSIDE", { line: 5, found: 1_800_000_000 - 301, outcome: "unproven" }]],
  },
  {
    what: "a clock that is ahead of the anchor",
    forge: () => honestWorld({ 4: { claims: { iat: 1_800_000_020 + 301 } } }),
    turns: [["clock", "AUDIT_CLOCK_OUTSIDE", { line: 9, found: 1_800_000_321, outcome: "unproven" }]],
  },
  {
    what: "a clock that goes back along an agent's entries, by one second",
    forge: () => honestWorld({ 2: { claims: { iat: 1_799_999_999 } } }),
    turns: [
      [
        "clock",
        "AUDIT_CLOCK_DECREASES",
        { line: 7, expected: 1_800_000_000, found: 1_799_999_999, outcome: "unproven" },
      ],
    ],
  },
  {
    what: "disclosures of two entries exchanged",
    forge: () => {
      const [a, , b] = honest.evidence.entries;
      return withEntries((entries) =>
        entries.map((e, i) => ({ ...e, disclosures: (i === 0 ? b! : i === 2 ? a! : e).disclosures })),
      );
    },
    turns: [5, 7].map((line) => ["disclosures", "AUDIT_DISCLOSURE", { line }] as const),
  },
  {
    what: "an inclusion proof with another hash",
    forge: () => withEntry(4, ({ proof }) => ({ proof: proof.with(0, word("hash")) })),
    turns: [
      ["inclusion", "AUDIT_INCLUSION", { line: 9, expected: rootOf(honest) }],
      ["not-after", "AUDIT_NO_UPPER_BOUND", { line: 9, outcome: "unproven" }],
    ],
  },
  {
    what: "the checkpoint of another log",
    forge: () =>
      withCheckpoint({ note: noteOver(logOver(honest.entries.map((e) => e.leaf)).root(5), 5, { name: otherOrigin }) }),
    turns: [
      ["checkpoint", "AUDIT_CHECKPOINT_ORIGIN", { line: 4, expected: origin, found: otherOrigin }],
      ["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, expected: operatorAddress }],
    ],
  },
  {
    what: "a checkpoint signed by somebody else",
    forge: () => {
      const root = logOver(honest.entries.map((e) => e.leaf)).root(5);
      return withCheckpoint({ note: noteOver(root, 5, { secret: thief.secret }) });
    },
    turns: [["checkpoint", "AUDIT_CHECKPOINT_SIGNATURE", { line: 4, expected: honest.evidence.header.vkey }]],
  },
  {
    what: "a checkpoint with a third signature",
    forge: () => {
      const { note } = honest.evidence.checkpoint;
      return withCheckpoint({ note: `${note}${note.trimEnd().split("\n").at(-1)!}\n` });
    },
    turns: [["checkpoint", "AUDIT_CHECKPOINT_MALFORMED", { line: 4, expected: "1 or 2", found: 3 }]],
  },
  {
    what: "a checkpoint whose signatures changed places",
    forge: () => {
      const [last, first, ...text] = honest.evidence.checkpoint.note.trimEnd().split("\n").reverse();
      return withCheckpoint({ note: `${[first, last, ...text].reverse().join("\n")}\n` });
    },
    turns: [
      ["checkpoint", "AUDIT_CHECKPOINT_SIGNATURE", { line: 4, expected: honest.evidence.header.vkey }],
      ["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, expected: operatorAddress }],
    ],
  },
  {
    what: "a statement by an account that never operated the log",
    forge: () => {
      const root = logOver(honest.entries.map((e) => e.leaf)).root(5);
      return withCheckpoint({ note: noteOver(root, 5, { statedBy: new SigningKey(seed("stranger")) }) });
    },
    turns: [["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, expected: operatorAddress }]],
  },
  {
    what: "the operator's statement of another checkpoint",
    forge: () => {
      const other = noteOver(seed("root"), 5).trimEnd().split("\n").at(-1)!;
      const note = honest.evidence.checkpoint.note.trimEnd().split("\n").with(-1, other);
      return withCheckpoint({ note: `${note.join("\n")}\n` });
    },
    turns: [["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, expected: operatorAddress }]],
  },
  {
    what: "a checkpoint that is none",
    forge: () => withCheckpoint({ note: "trust me\n" }),
    turns: [
      [
        "log",
        "AUDIT_LOG_KEY",
        { line: 1, expected: toHex(ed25519.getPublicKey(seed("note key"))), found: honest.evidence.header.vkey },
      ],
      ["checkpoint", "AUDIT_CHECKPOINT_MALFORMED", { line: 4 }],
      ["anchor", "AUDIT_CHECKPOINT_MALFORMED", { line: 4 }],
      ...[5, 6, 7, 8, 9].flatMap((line): Expected[] => [
        ["inclusion", "AUDIT_CHECKPOINT_MALFORMED", { line }],
        ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }],
      ]),
      ["completeness", "AUDIT_CHECKPOINT_MALFORMED"],
      ["completeness", "AUDIT_CHECKPOINT_MALFORMED"],
    ],
  },
  {
    what: "key and checkpoint of somebody who is not the log",
    forge: () => {
      const root = logOver(honest.entries.map((e) => e.leaf)).root(5);
      const world = withCheckpoint({ note: noteOver(root, 5, { secret: thief.secret }) });
      return withHeader({ vkey: formatEd25519VerifierKey(origin, thief.publicKey) }, world);
    },
    turns: [
      [
        "log",
        "AUDIT_LOG_KEY",
        { line: 1, expected: toHex(ed25519.getPublicKey(seed("note key"))), found: toHex(thief.publicKey) },
      ],
      ["completeness", "AUDIT_HEAD_SIGNATURE"],
      ["completeness", "AUDIT_HEAD_SIGNATURE"],
    ],
  },
  {
    what: "the id of another log",
    forge: () =>
      withHeader(
        { logId: logIdOf(otherOrigin) },
        withState((state, { evidence }) => {
          state.logs[logIdOf(otherOrigin)] = state.logs[evidence.header.logId]!;
          state.anchors[logIdOf(otherOrigin)] = state.anchors[evidence.header.logId]!;
        }),
      ),
    turns: [["log", "AUDIT_LOG_ID", { line: 1, expected: logIdOf(origin), found: logIdOf(otherOrigin) }]],
  },
  {
    what: "a log that the chain does not know",
    forge: () => withState((state) => (state.logs = {})),
    turns: [
      ["log", "AUDIT_LOG_UNKNOWN", { line: 1, found: logIdOf(origin) }],
      ["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, expected: "" }],
    ],
  },
  {
    what: "a log registered with another origin",
    forge: () => withState((state) => Object.assign(state.logs[logIdOf(origin)]!, { origin: otherOrigin })),
    turns: [["log", "AUDIT_LOG_ORIGIN", { line: 1, expected: otherOrigin, found: origin }]],
  },
  {
    what: "a log that showed two histories",
    forge: () =>
      withCheckpoint(
        { anchorIndex: null },
        withState((state) => Object.assign(state.logs[logIdOf(origin)]!, { equivocationCount: 1 })),
      ),
    turns: [
      ["equivocation", "AUDIT_LOG_EQUIVOCATED", { line: 1, outcome: "unproven", expected: 0, found: 1 }],
      ["anchor", "AUDIT_ANCHOR_NOT_CLAIMED", { line: 4, outcome: "unproven" }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "a log that showed two histories, in a file whose anchor is another tree's",
    forge: () =>
      withCheckpoint(
        { anchorIndex: 0 },
        withState((state) => Object.assign(state.logs[logIdOf(origin)]!, { equivocationCount: 1 })),
      ),
    turns: [
      ["equivocation", "AUDIT_LOG_EQUIVOCATED", { line: 1, outcome: "unproven", expected: 0, found: 1 }],
      ["anchor", "AUDIT_ANCHOR_MISMATCH", { line: 4 }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "a statement of a former operator about more than it handed over",
    forge: () =>
      withState((state) => {
        const log = state.logs[logIdOf(origin)]!;
        const operators = [...log.operators, payment.address];
        state.logs[logIdOf(origin)] = { ...log, operators, handoverSizes: [0, 4] };
      }),
    turns: [
      ["operator", "AUDIT_OPERATOR_STATEMENT", { line: 4, outcome: "unproven", expected: "at most 4", found: 5 }],
    ],
  },
  {
    what: "an anchor that does not exist",
    forge: () => withCheckpoint({ anchorIndex: 7 }),
    turns: [
      ["anchor", "AUDIT_ANCHOR_UNKNOWN", { line: 4, found: 7 }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "an anchor of an earlier tree",
    forge: () => withCheckpoint({ anchorIndex: 0 }),
    turns: [
      [
        "anchor",
        "AUDIT_ANCHOR_MISMATCH",
        { line: 4, expected: `size 2, root ${rootOf(honest, 2)}`, found: `size 5, root ${rootOf(honest)}` },
      ],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "a later anchor of the same tree",
    forge: () => {
      const world = withState((state, { evidence }) => {
        const anchors = state.anchors[evidence.header.logId]!;
        anchors.push({ ...anchors[1]!, blockNumber: 45 });
      });
      return withCheckpoint({ anchorIndex: 2 }, world);
    },
    turns: [
      ["anchor", "AUDIT_ANCHOR_NOT_FIRST", { line: 4, expected: 1, found: 2 }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "no anchor",
    forge: () => withCheckpoint({ anchorIndex: null }),
    turns: [
      ["anchor", "AUDIT_ANCHOR_NOT_CLAIMED", { line: 4, outcome: "unproven" }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "an anchor in a block without one",
    forge: () => withCheckpoint({ anchorIndex: null, anchorBlock: 41 }),
    turns: [
      ["anchor", "AUDIT_ANCHOR_UNKNOWN", { line: 4, found: 41 }],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "an anchor in the block of an earlier one",
    forge: () => withCheckpoint({ anchorIndex: null, anchorBlock: 30 }),
    turns: [
      [
        "anchor",
        "AUDIT_ANCHOR_MISMATCH",
        { line: 4, expected: `size 2, root ${rootOf(honest, 2)}`, found: `size 5, root ${rootOf(honest)}` },
      ],
      ...[5, 6, 7, 8, 9].map((line): Expected => ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }]),
    ],
  },
  {
    what: "the last entry of an agent left out",
    forge: () => withEntries((entries) => entries.with(4, undefined as never)),
    turns: [["completeness", "AUDIT_TAIL_CUT", { line: 9, expected: 2, found: 1 }]],
  },
  {
    what: "the last entry left out with the log's word on it",
    forge: () => {
      const world = withEntries((entries) => entries.with(4, undefined as never));
      return withHeads((heads) => heads.filter(({ agent }) => agent !== world.stock.did), world);
    },
    turns: [["completeness", "AUDIT_HEAD_ABSENT", { outcome: "unproven" }]],
  },
  {
    what: "every entry of an agent left out, and its policy",
    forge: () => {
      const world = withEntries((entries) => entries.filter((_, i) => i !== 1 && i !== 4));
      return { ...world, evidence: { ...world.evidence, policies: [chargePolicy] } };
    },
    turns: [["completeness", "AUDIT_TAIL_CUT", { line: 7, expected: 2, found: 0 }]],
  },
  {
    what: "a log that states fewer entries than it has",
    forge: () => withHeadOf(headOver(honestRoot, 5, honest.stock.did, [honest.entries[1]!])),
    turns: [["completeness", "AUDIT_HEAD_HIDES", { expected: 2, found: 1 }]],
  },
  {
    what: "a log that states another last entry",
    forge: () => withHeadOf(headOver(honestRoot, 5, honest.stock.did, [honest.entries[1]!, honest.entries[2]!])),
    turns: [
      ["completeness", "AUDIT_HEAD_ENTRY", { expected: honest.entries[2]!.entryId, found: honest.entries[4]!.entryId }],
    ],
  },
  {
    what: "a statement of an earlier tree, after which the agent's last entry came",
    forge: () => {
      const earlier = logOver(honest.entries.map(({ leaf }) => leaf)).root(4);
      const world = withEntries((entries) => entries.with(4, undefined as never));
      return withHeadOf(headOver(earlier, 4, honest.stock.did, [honest.entries[1]!]), world);
    },
    turns: [["completeness", "AUDIT_HEAD_OTHER"]],
  },
  {
    what: "the statement about another agent",
    forge: () => withHeadOf({ ...headOver(honestRoot, 5, payment.did, [honest.entries[1]!]), agent: honest.stock.did }),
    turns: [["completeness", "AUDIT_HEAD_OTHER"]],
  },
  {
    what: "a statement that somebody else signed",
    forge: () => {
      const own = [honest.entries[1]!, honest.entries[4]!];
      return withHeadOf(headOver(honestRoot, 5, honest.stock.did, own, { secret: thief.secret }));
    },
    turns: [["completeness", "AUDIT_HEAD_SIGNATURE"]],
  },
  {
    what: "a statement that is none",
    forge: () => withHeadOf({ agent: honest.stock.did, note: "all there\n" }),
    turns: [["completeness", "AUDIT_HEAD_MALFORMED"]],
  },
  {
    what: "a checkpoint in the place of a statement",
    forge: () => withHeadOf({ agent: honest.stock.did, note: noteOver(honestRoot, 5, { statedBy: null }) }),
    turns: [["completeness", "AUDIT_HEAD_MALFORMED"]],
  },
  {
    what: "a silence longer than promised, and the entry that ended it",
    forge: () =>
      honestWorld({
        2: { claims: { act: "heartbeat", kind: "heartbeat", everyBlocks: 3 } },
        3: { claims: { nb: { blockHash: blockHashOf(29), blockNumber: 29, chainId } } },
      }),
    turns: [
      [
        "heartbeat",
        "AUDIT_HEARTBEAT_MISSED",
        { line: 7, outcome: "unproven", expected: "an entry by block 24", found: 29 },
      ],
      [
        "heartbeat",
        "AUDIT_HEARTBEAT_MISSED",
        { line: 8, outcome: "unproven", expected: "an entry by block 32", found: 40 },
      ],
    ],
  },
  {
    what: "a policy left out",
    forge: () => ({ ...honest, evidence: { ...honest.evidence, policies: [stockPolicy] } }),
    turns: [["policy-bundle", "AUDIT_POLICY_BUNDLE_MISSING", { line: 4, expected: policyHashOf(chargePolicy) }]],
  },
  {
    what: "a policy that nobody named",
    forge: () => {
      const stray = { ...chargePolicy, name: "stray" };
      const policies = [...honest.evidence.policies, stray];
      return { ...honest, evidence: { ...honest.evidence, policies } };
    },
    turns: [
      ["policy-bundle", "AUDIT_POLICY_BUNDLE_UNUSED", { found: policyHashOf({ ...chargePolicy, name: "stray" }) }],
    ],
  },
  {
    what: "a policy that Cedar does not accept",
    forge: () => {
      const broken = { ...stockPolicy, policies: "forbid everything" };
      const policyHash = policyHashOf(broken);
      const world = honestWorld({ 1: { claims: { policy: policyHash } }, 4: { claims: { policy: policyHash } } });
      Object.assign(world.state.policies[1]!, { policyHash });
      return { ...world, evidence: { ...world.evidence, policies: [chargePolicy, broken] } };
    },
    turns: [
      [
        "policy-bundle",
        "AUDIT_POLICY_BUNDLE_INVALID",
        { found: policyHashOf({ ...stockPolicy, policies: "forbid everything" }) },
      ],
    ],
  },
  {
    what: "the registry of agents of another deployment",
    forge: () =>
      withState((state) => {
        state.agentRegistry = contracts.logAnchor;
      }),
    turns: [
      ["contracts", "AUDIT_CONTRACT_OTHER", { line: 1, expected: contracts.logAnchor, found: contracts.agentRegistry }],
    ],
  },
  {
    what: "contracts that are not the trusted ones",
    forge: () => honestWorld(),
    trusted: { ...contracts, logAnchor: contracts.agentRegistry },
    turns: [
      ["contracts", "AUDIT_CONTRACT_OTHER", { line: 1, expected: contracts.agentRegistry, found: contracts.logAnchor }],
    ],
  },
  {
    what: "a contract that is not there",
    forge: () =>
      withState((state) => {
        state.code = Object.fromEntries(Object.entries(state.code).filter(([at]) => at !== contracts.agentRegistry));
      }),
    turns: [["contracts", "AUDIT_CONTRACT_ABSENT", { line: 1, found: contracts.agentRegistry }]],
  },
  {
    what: "another chain behind the endpoint",
    forge: () => withState((state) => (state.chainId = 1)),
    turns: [
      ["chain", "AUDIT_CHAIN_OTHER", { line: 1, expected: chainId, found: 1 }],
      ["log", "AUDIT_CHAIN_NOT_GIVEN", { line: 1, outcome: "unproven" }],
      ["operator", "AUDIT_CHAIN_NOT_GIVEN", { line: 4, outcome: "unproven" }],
      ["anchor", "AUDIT_CHAIN_NOT_GIVEN", { line: 4, outcome: "unproven" }],
      ...[5, 6, 7, 8, 9].flatMap((line): Expected[] => [
        ["not-before", "AUDIT_CHAIN_NOT_GIVEN", { line, outcome: "unproven" }],
        ["not-after", "AUDIT_NO_UPPER_BOUND", { line, outcome: "unproven" }],
        ["signing-key", "AUDIT_CHAIN_NOT_GIVEN", { line, outcome: "unproven" }],
        ["policy-in-force", "AUDIT_CHAIN_NOT_GIVEN", { line, outcome: "unproven" }],
      ]),
    ],
  },
];

describe("forged evidence", () => {
  for (const { what, forge, trusted, turns } of forgeries) {
    it(`is found out: ${what}`, async () => {
      const { evidence, state } = await forge();
      const chain = chainOf(state);
      const { verdicts } = await auditEvidence(utf8(writeEvidence(evidence)), { chain, contracts: trusted });
      const turned = verdicts.filter(({ outcome }) => outcome !== "holds");
      expect(turned.map(({ check, code, outcome }) => [check, code, outcome])).to.deep.equal(
        turns.map(([check, code, more]) => [check, code, more?.outcome ?? "fails"]),
      );
      turns.forEach(([, , { line, expected, found } = {}], i) => {
        if (line !== undefined) expect(turned[i]?.subject.line, "line").to.equal(line);
        if (expected !== undefined) expect(turned[i]?.expected, "expected").to.equal(String(expected));
        if (found !== undefined) expect(turned[i]?.found, "found").to.equal(String(found));
      });
    });
  }

  it("comes in every way for which there is a code", () => {
    const reached = new Set(forgeries.flatMap(({ turns }) => turns.map(([, code]) => code)));
    // The first is what holds; a file that cannot be read has tests of its own.
    const others = ["AUDIT_OK", "AUDIT_EVIDENCE_UNREADABLE"];
    const elsewhere = {
      "calls.test.ts": "CALL",
      "attestation.test.ts": "ATTESTATION",
      "groupKey.test.ts": "GROUP_KEY",
      "silence.test.ts": "CHAIN",
      "alteration.test.ts": "(?:EVIDENCE|HEADER)",
    };
    for (const [file, topic] of Object.entries(elsewhere)) {
      const tests = readFileSync(join(import.meta.dirname, file), "utf8");
      others.push(...(tests.match(new RegExp(`AUDIT_${topic}_[A-Z_]+`, "g")) ?? []));
    }
    expect([...new Set([...reached, ...others])]).to.have.members(Object.keys(auditCodes));
  });
});
