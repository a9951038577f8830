import { rm } from "node:fs/promises";

import { expect } from "chai";
import { getBytes, hexlify, randomBytes, Wallet } from "ethers";

import { startWorld, type World } from "./world/world.ts";
import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import type { Agent } from "../../agent/agent.ts";
import { formatEd25519VerifierKey } from "../../protocol/log/noteKey.ts";
import { operatorNoteSigner } from "../../protocol/log/operatorNote.ts";
import { formatNote, type Note, type NoteSignature, parseNote } from "../../protocol/log/signedNote.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("agent: a relayer that lies", () => {
  const folder = tempFolders();
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world.close());
  afterEach(() => world.proxy.heal());

  const leaves = (agent: Agent) => agent.journal.entriesFrom(0, 1000).map(({ leaf }) => leaf);

  /** Lets the relayer answer, with one thing in its receipts changed. */
  function tamper(change: (receipt: Record<string, unknown>) => void): void {
    world.proxy.rewrite(/entries:batch/, (text) => {
      const answer = JSON.parse(text) as { results: { receipt: Record<string, unknown> }[] };
      for (const { receipt } of answer.results) change(receipt);
      return JSON.stringify(answer);
    });
  }

  /** An entry under such a receipt counts as not sent, and goes out again once the relayer tells the truth. */
  async function expectDisbelief(lie: () => void): Promise<void> {
    const agent = await world.ready(await folder(), "a");
    lie();
    expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_PROOF_RECEIPT");
    expect(agent.journal.countByStatus()).to.include({ signed: 1 });
    world.proxy.heal();
    expect(await agent.flush()).to.equal(1);
    expect(agent.journal.countByStatus()).to.include({ signed: 0 });
    agent.close();
  }

  const lies: readonly (readonly [what: string, change: (receipt: Record<string, unknown>) => void])[] = [
    ["another index", (receipt) => (receipt["index"] = (receipt["index"] as number) + 1)],
    ["another size", (receipt) => (receipt["size"] = (receipt["size"] as number) + 1)],
    ["another entry's id", (receipt) => (receipt["entryId"] = `0x${"00".repeat(32)}`)],
    [
      "a hash of its proof changed",
      (receipt) => (receipt["proof"] = [`0x${"00".repeat(32)}`, ...(receipt["proof"] as string[])]),
    ],
    [
      "a checkpoint that somebody changed",
      (receipt) => (receipt["checkpoint"] = (receipt["checkpoint"] as string).replace(/\n\d+\n/, "\n9\n")),
    ],
  ];
  for (const [what, change] of lies) {
    it(`is not believed: a receipt with ${what}`, async () => {
      await expectDisbelief(() => tamper(change));
    });
  }

  /** Lets the relayer answer with checkpoints whose second line is another one. */
  function restate(secondLine: (note: Note) => NoteSignature[]): void {
    tamper((receipt) => {
      const note = parseNote(receipt["checkpoint"] as string);
      receipt["checkpoint"] = formatNote(note.text, [note.signatures[0] as NoteSignature, ...secondLine(note)]);
    });
  }

  /** The line of an account that says it operates the log. */
  function statedBy(wallet: Wallet, { text }: Note): NoteSignature {
    const { chainId, contracts } = world.chain.deployment;
    const key = { chainId: BigInt(chainId), logAnchor: contracts.logAnchor.address, operator: wallet.address };
    const sign = (digest: string) => getBytes(wallet.signingKey.sign(digest).serialized);
    const { name, keyId, sign: signText } = operatorNoteSigner(world.home.env["AFFIANT_LOG_ORIGIN"]!, key, sign);
    return { name, keyId, signature: signText(text) };
  }

  const strangers: readonly (readonly [what: string, secondLine: (note: Note) => NoteSignature[]])[] = [
    ["no account states", () => []],
    ["an account states that never operated the log", (note) => [statedBy(new Wallet(hexlify(randomBytes(32))), note)]],
    [
      "somebody else signed in the operator's name",
      (note) => {
        const { signature } = statedBy(new Wallet(hexlify(randomBytes(32))), note);
        return [{ ...(note.signatures[1] as NoteSignature), signature }];
      },
    ],
  ];
  for (const [what, secondLine] of strangers) {
    it(`is not believed: a checkpoint that ${what}, since the contract would convict nobody by it`, async () => {
      await expectDisbelief(() => restate(secondLine));
    });
  }

  it("is not believed: a log that signs with another key than the registered one", async () => {
    const agent = await world.ready(await folder(), "a");
    const origin = world.home.env["AFFIANT_LOG_ORIGIN"]!;
    world.proxy.rewrite(/^\/v1\/log$/, (text) => {
      const vkey = formatEd25519VerifierKey(origin, new SigningKey(Buffer.alloc(32, 1)).publicKey);
      return JSON.stringify({ ...(JSON.parse(text) as object), vkey });
    });
    expect(await rejectionCode(agent.record({ act: "test.act" }))).to.equal("ERR_PROOF_RECEIPT");
    agent.close();
  });

  it("is found out when it forgets what it acknowledged", async () => {
    const dataDir = await folder();
    const agent = await world.ready(dataDir, "a");
    await agent.record({ act: "test.act" });
    agent.close();
    const again = await world.open(dataDir, "a");
    world.proxy.rewrite(/\/head$/, () => JSON.stringify({ seq: null, entryId: null, count: 0 }));
    expect(await rejectionCode(again.record({ act: "test.act" }))).to.equal("ERR_PROOF_RECEIPT");
    again.close();
  });

  it("cannot slip entries in when a journal is recovered", async () => {
    const dataDir = await folder();
    const [mine, other] = [await world.ready(dataDir, "a"), await world.ready(dataDir, "b")];
    await mine.record({ act: "test.act" });
    await other.record({ act: "test.act" });
    const foreign = leaves(other)[0]!;
    mine.close();
    other.close();
    const { journal } = agentFolder(dataDir, "a");
    for (const suffix of ["", "-wal", "-shm"]) await rm(journal + suffix, { force: true });
    const bare = await world.open(dataDir, "a");
    world.proxy.rewrite(/\/entries\?/, (text) => {
      const answer = JSON.parse(text) as { entries: { leaf: string }[] };
      return JSON.stringify({ ...answer, entries: answer.entries.map((entry) => ({ ...entry, leaf: foreign })) });
    });
    expect(await rejectionCode(bare.recover())).to.equal("ERR_PROOF_SIGNATURE");
    expect(bare.journal.count()).to.equal(0);
    bare.close();
  });
});
