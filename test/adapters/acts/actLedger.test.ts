import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { type ActGate, ActLedger, type Claim, isRefusal, type ProposedAct } from "../../../adapters/acts/actLedger.ts";
import { ClaimStore } from "../../../adapters/acts/claimStore.ts";
import { parseExactJson } from "../../../adapters/json/exactJson.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const allow: ActGate = () => Promise.resolve(undefined);
const onceOnly: ActGate = ({ act }, before) =>
  Promise.resolve(
    before.some((earlier) => earlier.act === act) ? { code: "ERR_AUTH_POLICY", detail: "once only" } : undefined,
  );

/** An agent that keeps its entries in memory, under the rule of its journal: one entry a key. */
class FakeAgent {
  readonly entries: Act[] = [];
  trouble: AffiantError | undefined;
  isReady = true;

  enter(act: Act): Promise<unknown> {
    if (this.trouble) return Promise.reject(this.trouble);
    if (this.entries.some(({ idempotencyKey }) => idempotencyKey === act.idempotencyKey)) {
      return Promise.reject(new AffiantError("ERR_CONFLICT_IDEMPOTENCY_REUSED", "known"));
    }
    this.entries.push(act);
    return Promise.resolve();
  }

  ready(): Promise<void> {
    return this.isReady ? Promise.resolve() : Promise.reject(new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer"));
  }
}

function proposal(act: string, text = "{}", changes: Partial<ProposedAct> = {}): ProposedAct {
  return { act, input: parseExactJson(text).value, inputText: text, thread: "t", ...changes };
}

describe("adapters/acts: the ledger of acts", () => {
  const folder = tempFolders();
  let stores: ClaimStore[] = [];

  afterEach(() => {
    for (const store of stores) store.close();
    stores = [];
  });

  async function open(gate: ActGate = allow, at?: string) {
    const dir = at ?? join(await folder(), "claims");
    const agent = new FakeAgent();
    const claims = new ClaimStore(dir);
    stores.push(claims);
    return { dir, agent, claims, ledger: new ActLedger({ agent, gate, claims }) };
  }

  it("claims an act on disk before it may be done, and enters it with its outcome", async () => {
    const { agent, claims, ledger } = await open();
    const claim = (await ledger.propose(proposal("refund", '{"cents":5}'))) as Claim;
    expect(claims.all().map(({ act, isSettled }) => [act.act, isSettled])).to.deep.equal([["refund", false]]);
    expect(agent.entries).to.deep.equal([]);
    await ledger.settle(claim, "done", '"done"');
    expect(claims.all()).to.deep.equal([]);
    expect(agent.entries).to.have.length(1);
    expect(agent.entries[0]).to.deep.include({
      act: "refund",
      kind: "act",
      input: { cents: 5 },
      output: "done",
      thread: "t",
    });
  });

  it("enters a refusal, and claims nothing", async () => {
    const { agent, claims, ledger } = await open(() => Promise.resolve({ code: "ERR_AUTH_POLICY", detail: "no" }));
    const answer = await ledger.propose(proposal("refund"));
    expect(answer).to.deep.equal({ code: "ERR_AUTH_POLICY", detail: "no" });
    expect(claims.all()).to.deep.equal([]);
    expect(agent.entries.map(({ kind, output }) => [kind, output])).to.deep.equal([
      ["refusal", { refused: "ERR_AUTH_POLICY", detail: "no" }],
    ]);
  });

  it("refuses before the act where no entry could be made", async () => {
    const { agent, claims, ledger } = await open();
    agent.isReady = false;
    expect(await ledger.propose(proposal("refund"))).to.deep.include({ code: "ERR_UNAVAILABLE_RECORD" });
    expect(claims.all()).to.deep.equal([]);
  });

  it("refuses where the gate breaks", async () => {
    const { ledger } = await open(() => Promise.reject(new Error("boom")));
    expect(await ledger.propose(proposal("refund"))).to.deep.include({ code: "ERR_INTERNAL_UNEXPECTED" });
  });

  it("counts acts that wait for their outcome in what came before: of five at once one is allowed", async () => {
    const { agent, ledger } = await open(onceOnly);
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ledger.propose(proposal("refund"))));
    expect(answers.map(isRefusal)).to.deep.equal([false, true, true, true, true]);
    expect(agent.entries.filter(({ kind }) => kind === "refusal")).to.have.length(4);
  });

  it("keeps threads apart", async () => {
    const { ledger } = await open(onceOnly);
    const answers = [
      await ledger.propose(proposal("refund")),
      await ledger.propose(proposal("refund", "{}", { thread: "u" })),
    ];
    expect(answers.map(isRefusal)).to.deep.equal([false, false]);
  });

  it("takes one outcome a claim", async () => {
    const { agent, ledger } = await open();
    const claim = (await ledger.propose(proposal("refund"))) as Claim;
    await ledger.settle(claim, 1, "1");
    await ledger.settle(claim, 2, "2");
    expect(agent.entries.map(({ output }) => output)).to.deep.equal([1]);
  });

  it("keeps an outcome that cannot be entered now, and enters it later", async () => {
    const { agent, claims, ledger } = await open();
    const claim = (await ledger.propose(proposal("refund"))) as Claim;
    agent.trouble = new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer");
    expect(await rejectionCode(ledger.settle(claim, "paid", '"paid"'))).to.equal("ERR_UNAVAILABLE_CHAIN");
    expect(claims.all().map(({ isSettled }) => isSettled)).to.deep.equal([true]);
    expect(await rejectionCode(ledger.retry())).to.equal("ERR_UNAVAILABLE_CHAIN");
    agent.trouble = undefined;
    expect(await ledger.retry()).to.equal(1);
    expect(agent.entries.map(({ output }) => output)).to.deep.equal(["paid"]);
    expect(claims.all()).to.deep.equal([]);
  });

  it("keeps digits, mends half characters and keeps by digest what has no canonical form", async () => {
    const { agent, ledger } = await open();
    const claim = (await ledger.propose(proposal("transfer", '{"wei":1000000000000000001}'))) as Claim;
    await ledger.settle(claim, "cut \ud83d", '"cut \\ud83d"');
    expect(agent.entries[0]?.input).to.deep.equal({ wei: "1000000000000000001" });
    expect(agent.entries[0]?.output).to.equal("cut \uFFFD");
    expect(agent.entries[0]?.context).to.deep.include({
      inputExactNumbers: ["/wei"],
      outputRemark: "half characters were replaced",
    });
    let deep: unknown = 1;
    for (let i = 0; i < 1_500; i++) deep = [deep];
    const second = (await ledger.propose(proposal("transfer", "{}"))) as Claim;
    await ledger.settle(second, deep as never, "[".repeat(1_500));
    expect(agent.entries[1]?.output).to.have.keys("sha256", "chars", "why");
  });

  describe("when a process dies", () => {
    /** Claims an act, tells so, and waits to be killed. */
    const script = (dir: string) => `
      import { ClaimStore } from ${JSON.stringify(join(import.meta.dirname, "../../../adapters/acts/claimStore.ts"))};
      const store = new ClaimStore(${JSON.stringify(dir)});
      store.add({ id: "k1", act: { act: "refund", kind: "act", input: { cents: 5 }, idempotencyKey: "k1" }, isSettled: false });
      store.add({ id: "k2", act: { act: "refund", kind: "act", input: {}, output: "paid", idempotencyKey: "k2" }, isSettled: true });
      console.log("claimed");
      setInterval(() => {}, 1000);`;

    async function claimedAndKilled(dir: string): Promise<void> {
      const file = join(await folder(), "claims.mjs");
      await writeFile(file, script(dir));
      const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", file], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout, "data");
      // While it lives its claims are its own.
      const { agent, ledger } = await open(allow, dir);
      expect(await ledger.recover()).to.equal(0);
      expect(agent.entries).to.deep.equal([]);
      child.kill("SIGKILL");
      await once(child, "exit");
    }

    it("enters what nobody knows the outcome of as such, and known outcomes as they are, once", async () => {
      const dir = join(await folder(), "claims");
      await claimedAndKilled(dir);
      const { agent, ledger } = await open(allow, dir);
      expect(await ledger.recover()).to.equal(2);
      expect(agent.entries.map(({ idempotencyKey, output }) => [idempotencyKey, output])).to.deep.equal([
        ["k1", { outcome: "unknown" }],
        ["k2", "paid"],
      ]);
      expect(await ledger.recover()).to.equal(0);
    });

    it("leaves the claims where they are while they cannot be entered", async () => {
      const dir = join(await folder(), "claims");
      await claimedAndKilled(dir);
      const { agent, ledger } = await open(allow, dir);
      agent.trouble = new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer");
      expect(await rejectionCode(ledger.recover())).to.equal("ERR_UNAVAILABLE_CHAIN");
      agent.trouble = undefined;
      expect(await ledger.recover()).to.equal(2);
    });

    it("enters nothing twice that was entered before the claim was removed", async () => {
      const dir = join(await folder(), "claims");
      await claimedAndKilled(dir);
      const { agent, ledger } = await open(allow, dir);
      await agent.enter({ act: "refund", output: "paid", idempotencyKey: "k1" });
      expect(await ledger.recover()).to.equal(2);
      expect(agent.entries.filter(({ idempotencyKey }) => idempotencyKey === "k1")).to.have.length(1);
    });
  });

  it("leaves no file behind where nothing is left to enter", async () => {
    const { dir, ledger } = await open();
    const claim = (await ledger.propose(proposal("refund"))) as Claim;
    await ledger.settle(claim, 1, "1");
    for (const store of stores.splice(0)) store.close();
    expect(await readdir(dir)).to.deep.equal([]);
  });
});
