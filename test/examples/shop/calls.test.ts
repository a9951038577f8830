/** Two agents of the shop and a contract between them; the network loses what the test says. */
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { RecordedAct } from "../../../agent/entry/recorder.ts";
import { deliverCall, issueCall } from "../../../agent/calls/callAgent.ts";
import { Guard } from "../../../agent/calls/guard.ts";
import { SqliteReplayStore } from "../../../agent/calls/replayStore.ts";
import { CachedRevocations } from "../../../agent/calls/revocations.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import { CallBook } from "../../../examples/shop/contracts/callBook.ts";
import { Caller, type Request } from "../../../examples/shop/contracts/caller.ts";
import { ContractFolder } from "../../../examples/shop/contracts/contractFolder.ts";
import type { Grant } from "../../../examples/shop/contracts/grant.ts";
import { keepGrants } from "../../../examples/shop/contracts/keepGrants.ts";
import { serveResult, serveTrade } from "../../../examples/shop/contracts/serveTrade.ts";
import { serve } from "../../../examples/shop/station/server.ts";
import { Station } from "../../../examples/shop/station/station.ts";
import type { Trade } from "../../../examples/shop/station/step.ts";
import { Workbook } from "../../../examples/shop/station/workbook.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import type { Hex } from "../../../protocol/encoding/hex.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { compilePolicy, type CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { readCallContext } from "../../../protocol/ucan/callContext.ts";
import { contractIdOf } from "../../../protocol/ucan/delegation.ts";
import { FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import { rejection } from "../../helpers/rejection.ts";

const day = 86_400;
const payment = new SigningKey(new Uint8Array(32).fill(1));
const order = new SigningKey(new Uint8Array(32).fill(2));
const paymentDid = formatEthrDid(31337n, `0x${"1".repeat(40)}`);

/** Stands for an agent: keeps its entries, by idempotency key, and fails when told to. */
class Log {
  readonly did = paymentDid;
  readonly entries: Act[] = [];
  fail: ((act: Act) => boolean) | undefined;

  record(act: Act): Promise<RecordedAct> {
    if (this.fail?.(act)) return Promise.reject(new Error("killed"));
    const key = act.idempotencyKey;
    if (key === undefined || !this.entries.some(({ idempotencyKey }) => idempotencyKey === key)) this.entries.push(act);
    return Promise.resolve({ entryId: "0x" } as unknown as RecordedAct);
  }
}

describe("calls between the shop's agents", () => {
  let dir: string;
  let nowSec: number;
  let policy: CompiledPolicy;
  let proxy: FaultProxy;
  let paymentLog: Log;
  let orderLog: Log;
  let revoked: Hex[];
  let charged: number;
  let caller: Caller;
  let folder: ContractFolder;
  let paymentBook: Workbook;
  const opened: { close(): unknown }[] = [];
  const stop = new AbortController().signal;

  const charge: Trade = {
    act: "payment.charge",
    plan: (input) =>
      (input as { cardToken?: string }).cardToken === "tok_declined"
        ? { refuse: "declined" }
        : { output: { status: "captured" }, change: () => void charged++ },
  };
  const grant: Grant = { to: "order", command: "/payment/charge", policy: [["<=", ".amountCents", 500]] };
  const request: Request = {
    peer: "payment",
    command: "/payment/charge",
    orderId: "S-1",
    args: { amountCents: 500, currency: "EUR", cardToken: "tok_ok" },
  };

  const issuer = () => ({
    did: paymentDid,
    signer: payment,
    signingKey: payment.did,
    revokeContracts: (ids: readonly Hex[]) => {
      revoked.push(...ids);
      return Promise.resolve({ added: true });
    },
  });

  async function startPayment(): Promise<Server> {
    paymentBook = new Workbook(join(dir, "payment.db"));
    const station = new Station(paymentLog, paymentBook, policy, stop);
    await station.catchUp();
    const replayStore = new SqliteReplayStore(join(dir, "calls.db"));
    const revocations = new CachedRevocations({ read: () => Promise.resolve({ blockNumber: 1 }) }, 10);
    const guard = new Guard({ executor: payment.did, replayStore, revocations, nowSec: () => nowSec });
    const options = { station, guard, trade: charge, command: "/payment/charge", nowSec: () => nowSec };
    opened.push(paymentBook, replayStore);
    const routes = {
      "POST /v1/payment/charge": serveTrade(options),
      "POST /v1/payment/charge/result": serveResult(options),
    };
    const server = await serve({ routes }, 0);
    opened.push({ close: () => (server.closeAllConnections(), server.close()) });
    return server;
  }

  function openCaller(): Caller {
    const workbook = new Workbook(join(dir, "order.db"));
    opened.push(workbook);
    return new Caller({
      entered: () => Promise.resolve(false),
      name: "order",
      agent: { signer: order },
      station: { record: (act) => orderLog.record(act) },
      book: new CallBook(workbook),
      folder,
      peers: { payment: proxy.url },
      nowSec: () => nowSec,
      stop,
    });
  }

  before(async () => {
    policy = compilePolicy(await loadPolicyBundle(join(import.meta.dirname, "../../../examples/shop/payment/policy")));
  });

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "affiant-shop-"));
    nowSec = 1_800_000_000;
    charged = 0;
    revoked = [];
    paymentLog = new Log();
    orderLog = new Log();
    folder = new ContractFolder(dir);
    folder.publishKey("order", order.did);
    await keepGrants([grant], issuer(), folder, nowSec);
    const server = await startPayment();
    proxy = await FaultProxy.start(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    caller = openCaller();
  });

  afterEach(async () => {
    for (const one of opened.splice(0)) one.close();
    await proxy.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const brief = (log: Log): string[] =>
    log.entries.map(({ act, kind, output }) => `${act} ${kind} ${JSON.stringify(output)}`);
  /** CIDs of the calls that an agent has entries of. */
  const callsIn = (log: Log): Set<string> =>
    new Set(log.entries.map(({ context }) => readCallContext(context as Json).call.invocation.envelope.cid));

  it("are executed once and entered by both sides, and answered from the books when the walk is repeated", async () => {
    const outcome = { act: "payment.charge", output: { status: "captured" } };
    expect(await caller.ask(request)).to.deep.equal(outcome);
    expect(await caller.ask(request)).to.deep.equal(outcome);
    expect(charged).to.equal(1);
    expect(brief(paymentLog)).to.deep.equal(['payment.charge act {"status":"captured"}']);
    expect(brief(orderLog)).to.deep.equal(brief(paymentLog));
    expect(callsIn(orderLog)).to.deep.equal(callsIn(paymentLog));
    expect(orderLog.entries[0]?.ctr).to.equal(folder.find("order", "/payment/charge")?.envelope.cid);
  });

  it("are not executed again when the answer was lost: the callee says what came of it", async () => {
    proxy.when("POST", /charge$/, (nth) => (nth === 0 ? { kind: "lose" } : undefined));
    expect(await caller.ask(request)).to.deep.equal({ act: "payment.charge", output: { status: "captured" } });
    expect(charged).to.equal(1);
    expect(brief(paymentLog).map((text) => text.slice(0, 60))).to.deep.equal([
      'payment.charge act {"status":"captured"}',
      'payment.charge refusal {"refused":"ERR_CONFLICT_REPLAY","det',
      'payment.charge.result act {"step":{"output":{"status":"captu',
    ]);
    expect(callsIn(orderLog)).to.deep.equal(callsIn(paymentLog));
  });

  it("are asked for anew when the callee died after it took the call and before it decided", async () => {
    // The claim is on disk; what follows is not.
    const { prepare } = paymentBook.sql;
    paymentBook.sql.prepare = () => {
      paymentBook.sql.prepare = prepare;
      throw new Error("killed");
    };
    expect(await caller.ask(request)).to.deep.equal({ act: "payment.charge", output: { status: "captured" } });
    expect(charged).to.equal(1);
    expect(brief(paymentLog).map((text) => text.slice(0, 52))).to.deep.equal([
      'payment.charge refusal {"refused":"ERR_INTERNAL_UNEX',
      'payment.charge refusal {"refused":"ERR_CONFLICT_REPL',
      'payment.charge.result act {"step":null}',
      'payment.charge act {"status":"captured"}',
    ]);
    expect(callsIn(orderLog)).to.deep.equal(callsIn(paymentLog));
  });

  it("are entered by a callee that is back, when it died between deciding and entering", async () => {
    let deaths = 1;
    paymentLog.fail = ({ kind }) => kind === "act" && deaths-- > 0;
    expect(await caller.ask(request)).to.deep.equal({ act: "payment.charge", output: { status: "captured" } });
    expect(charged).to.equal(1);
    expect(paymentLog.entries.filter(({ act, kind }) => act === "payment.charge" && kind === "act")).to.have.length(1);
    expect(callsIn(orderLog)).to.deep.equal(callsIn(paymentLog));
  });

  it("go on as the same call when the caller died before it entered the answer", async () => {
    orderLog.fail = () => true;
    expect(String(await rejection(caller.ask(request)))).to.contain("killed");
    orderLog.fail = undefined;
    nowSec += 3_600;
    expect(await openCaller().ask(request)).to.deep.equal({ act: "payment.charge", output: { status: "captured" } });
    expect(charged).to.equal(1);
    expect(brief(orderLog)).to.deep.equal(['payment.charge act {"status":"captured"}']);
  });

  it("that a contract does not allow are refused with the clause, and are no step", async () => {
    const outcome = await caller.ask({ ...request, args: { ...request.args, amountCents: 501 } });
    expect(outcome).to.have.nested.property("refused.code", "ERR_AUTH_CONTRACT_SCOPE");
    expect(outcome).to.have.nested.property("refused.reason", 'the arguments do not satisfy ["<=",".amountCents",500]');
    expect(charged).to.equal(0);
    expect(paymentBook.stepsOf("S-1")).to.deep.equal([]);
    expect(paymentLog.entries.map(({ kind }) => kind)).to.deep.equal(["refusal"]);
    expect(callsIn(orderLog)).to.deep.equal(callsIn(paymentLog));
  });

  it("that the callee declines come back as declined, also when the answer was lost", async () => {
    proxy.when("POST", /charge$/, (nth) => (nth === 0 ? { kind: "lose" } : undefined));
    const outcome = await caller.ask({ ...request, args: { ...request.args, cardToken: "tok_declined" } });
    expect(outcome).to.deep.equal({
      act: "payment.charge",
      refused: { code: "ERR_CONFLICT_DECLINED", reason: "declined" },
    });
  });

  for (const [what, about] of [
    ["its own name over it", "own"],
    ["the payment agent's name over it", "payment"],
  ] as const) {
    it(`of a member of the group without a contract are refused, with ${what}`, async () => {
      const clerk = new SigningKey(new Uint8Array(32).fill(3));
      const subject = about === "own" ? clerk.did : payment.did;
      const terms = { subject, executor: payment.did, chain: [], args: { ...request.args, orderId: "S-1" }, nowSec };
      for (const command of ["/payment/charge", "/payment/charge/result"]) {
        const call = await issueCall({ signer: clerk, command, ...terms });
        const answer = await deliverCall(`${proxy.url}/v1${command}`, call);
        const code = about === "own" ? "ERR_AUTH_CONTRACT_CHAIN" : "ERR_AUTH_CONTRACT_MISSING";
        expect(answer).to.have.nested.property("error.code", code);
      }
      expect(charged).to.equal(0);
      expect(paymentBook.stepsOf("S-1")).to.deep.equal([]);
      expect(paymentLog.entries.map(({ kind }) => kind)).to.deep.equal(["refusal", "refusal"]);
    });
  }

  it("without any contract are refused with 401", async () => {
    const [server] = [proxy.url];
    const answer = await fetch(`${server}/v1/payment/charge`, { method: "POST", body: JSON.stringify(request.args) });
    expect(answer.status).to.equal(401);
    expect(charged).to.equal(0);
  });

  describe("contracts", () => {
    const current = () => folder.find("order", "/payment/charge");

    it("are kept over a restart, and renewed before they expire", async () => {
      const first = current();
      expect((await keepGrants([grant], issuer(), folder, nowSec + 4 * day)).issued).to.equal(0);
      expect(current()?.envelope.cid).to.equal(first?.envelope.cid);
      expect((await keepGrants([grant], issuer(), folder, nowSec + 5 * day)).issued).to.equal(1);
      expect(current()?.expiresAtSec).to.equal(nowSec + 12 * day);
      expect(revoked).to.deep.equal([]);
    });

    it("of other terms are replaced and revoked", async () => {
      const first = current();
      await keepGrants([{ ...grant, policy: [["<=", ".amountCents", 5]] }], issuer(), folder, nowSec);
      expect(revoked).to.deep.equal([contractIdOf(first!)]);
      const outcome = await caller.ask(request);
      expect(outcome).to.have.nested.property("refused.code", "ERR_AUTH_CONTRACT_SCOPE");
    });

    it("wait for a holder that has not shown its key yet", async () => {
      const { missing } = await keepGrants([{ ...grant, to: "clerk" }], issuer(), folder, nowSec);
      expect(missing.map(({ to }) => to)).to.deep.equal(["clerk"]);
    });
  });
});
