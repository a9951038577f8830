import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { Agent } from "../../agent/agent.ts";
import { exportEvidence } from "../../agent/export/exportEvidence.ts";
import { beatIfDue, startHeartbeats } from "../../agent/heartbeat/startHeartbeats.ts";
import { auditEvidence } from "../../auditor/audit.ts";
import { RpcChain } from "../../auditor/chain/rpcChain.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import type { AgentHead } from "../../protocol/api/types.ts";
import { decodeLeaf } from "../../protocol/entry/leaf.ts";
import { readEvidence } from "../../protocol/evidence/readEvidence.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { parseAgentHead } from "../../protocol/log/agentHead.ts";
import { ed25519NoteVerifier } from "../../protocol/log/noteKey.ts";
import { verifyNote } from "../../protocol/log/signedNote.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { startWorld, type World } from "./world/world.ts";

describe("agent: that nothing is left out", () => {
  let world: World;
  let dir: string;
  let agent: Agent;

  before(async () => {
    world = await startWorld();
  });

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "affiant-complete-"));
    agent = await world.ready(dir, "a");
  });

  afterEach(async () => {
    world.proxy.heal();
    agent.close();
    await rm(dir, { recursive: true });
  });

  after(() => world.close());

  async function evidenceFile(): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    const { deployment } = world.chain;
    const mining = setInterval(() => void world.chain.mine(1), 50);
    try {
      await exportEvidence({ agents: [agent], relayer: agent.relayer, deployment }, (piece) => void pieces.push(piece));
    } finally {
      clearInterval(mining);
    }
    return Buffer.concat(pieces);
  }

  async function turned(bytes: Uint8Array): Promise<string[]> {
    const chain = await RpcChain.open(world.chain.url);
    try {
      const { verdicts } = await auditEvidence(bytes, { chain, verify: verifyNative });
      return verdicts.filter(({ outcome }) => outcome !== "holds").map(({ code }) => code);
    } finally {
      chain.close();
    }
  }

  it("the log states, signed, how many entries it has at every size that it signed", async () => {
    const sizes: number[] = [];
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { size, entryId } = await agent.record({ act: "test.act" });
      sizes.push(size);
      ids.push(entryId);
    }
    const { vkey, origin } = await agent.relayer.log();
    for (const [i, size] of sizes.entries()) {
      const head = await agent.relayer.head(agent.did, size);
      const { outcome, text } = verifyNote(head.statement, [ed25519NoteVerifier(vkey, verifyNative)]);
      expect(outcome).to.equal("verified");
      const expected = { origin, size, agent: agent.did, count: i + 1, lastEntryId: ids[i] };
      expect(parseAgentHead(text!)).to.deep.include(expected);
      expect(head).to.deep.include({ seq: i, count: i + 1, entryId: ids[i], size });
    }
    const { entries, count, statement } = await agent.relayer.entriesOf(agent.did, 0, 2);
    expect([entries.length, count]).to.deep.equal([2, 3]);
    expect(statement).to.equal((await agent.relayer.head(agent.did)).statement);
    expect(await rejectionCode(agent.relayer.head(agent.did, 1_000_000))).to.equal("ERR_NOT_FOUND_PROOF");
  });

  it("a relayer that hides the last entries is found out by the agent's receipts, before it exports", async () => {
    for (let i = 0; i < 3; i++) await agent.record({ act: "test.act" });
    const honest = await evidenceFile();
    expect(await turned(honest)).to.deep.equal([]);
    const { size } = agent.journal.entry(0)!.receipt!;
    const early = await agent.relayer.head(agent.did, size); // truly signed, of a tree with one entry
    const lies: readonly (readonly [string, (head: AgentHead) => AgentHead])[] = [
      ["an early statement for the newest", () => early],
      ["fewer than it signed", (head) => ({ ...head, count: 1, seq: 0, entryId: early.entryId })],
    ];
    for (const [what, lie] of lies) {
      world.proxy.rewrite(/\/head\?size=/, (text) => JSON.stringify(lie(JSON.parse(text) as AgentHead)));
      expect(await rejectionCode(evidenceFile()), what).to.equal("ERR_PROOF_RECEIPT");
    }
    world.proxy.heal();
    expect((await evidenceFile()).equals(honest)).to.equal(true);
  });

  it("an evidence file whose tail was cut says so, whoever seals it anew", async () => {
    for (let i = 0; i < 3; i++) await agent.record({ act: "test.act" });
    const evidence = readEvidence(await evidenceFile());
    const sealed = (entries: typeof evidence.entries) => Buffer.from(writeEvidence({ ...evidence, entries }));
    expect(await turned(sealed(evidence.entries))).to.deep.equal([]);
    expect(await turned(sealed(evidence.entries.slice(0, 2)))).to.deep.equal(["AUDIT_TAIL_CUT"]);
    expect(await turned(sealed(evidence.entries.slice(0, 1)))).to.deep.equal(["AUDIT_TAIL_CUT"]);
    expect(await turned(sealed(evidence.entries.toSpliced(1, 1)))).to.deep.equal(["AUDIT_SEQUENCE_GAP"]);
    const silent = Buffer.from(writeEvidence({ ...evidence, entries: evidence.entries.slice(0, 2), heads: [] }));
    expect(await turned(silent)).to.deep.equal(["AUDIT_HEAD_ABSENT"]);
  });

  it("takes in what was recorded under the anchor after the export began to wait for it", async () => {
    await agent.record({ act: "test.act" });
    let late: Promise<unknown> | undefined;
    world.proxy.rewrite(/\/v1\/log$/, (text) => {
      late ??= agent.record({ act: "test.act" });
      return text;
    });
    const bytes = await evidenceFile();
    await late;
    expect(await turned(bytes)).to.deep.equal([]);
  });

  it("beats when half of the promised blocks went by without an entry, and takes the promise back", async () => {
    const beats = await startHeartbeats(agent, { everyBlocks: 10, pollMs: 3_600_000 });
    expect(await beatIfDue(agent, 10)).to.equal(false);
    await world.chain.mine(4);
    expect(await beatIfDue(agent, 10)).to.equal(false);
    await world.chain.mine(1);
    expect(await beatIfDue(agent, 10)).to.equal(true);
    await beats.stop();
    const claims = agent.journal.entriesFrom(0, 9).map(({ leaf }) => decodeLeaf(leaf).claims);
    expect(claims.map(({ kind, everyBlocks }) => [kind, everyBlocks])).to.deep.equal([
      ["heartbeat", 10],
      ["heartbeat", 10],
      ["heartbeat", 0],
    ]);
    await world.chain.mine(50);
    expect(await turned(await evidenceFile())).to.deep.equal([]);
  });

  it("tells a silence from a deletion", async () => {
    await agent.heartbeat(10);
    await world.chain.mine(30);
    await agent.notBeforeBlock(); // the next entry must not name a block that was read before
    await agent.record({ act: "test.act" });
    await agent.heartbeat(0);
    const evidence = readEvidence(await evidenceFile());
    const silent = await turned(Buffer.from(writeEvidence(evidence)));
    expect(silent).to.deep.equal(["AUDIT_HEARTBEAT_MISSED"]);
    const deleted = { ...evidence, entries: evidence.entries.toSpliced(1, 1) };
    expect(await turned(Buffer.from(writeEvidence(deleted)))).to.deep.equal([
      "AUDIT_SEQUENCE_GAP",
      "AUDIT_HEARTBEAT_MISSED",
    ]);
  });
});
