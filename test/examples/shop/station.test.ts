import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { RecordedAct } from "../../../agent/entry/recorder.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import { type Recorder, Station } from "../../../examples/shop/station/station.ts";
import { refusalOf, type Trade } from "../../../examples/shop/station/step.ts";
import { Workbook } from "../../../examples/shop/station/workbook.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { compilePolicy, type CompiledPolicy } from "../../../protocol/policy/compile.ts";
import { rejection } from "../../helpers/rejection.ts";

/** Stands for the agent: keeps what it is given, by idempotency key, and fails when told to. */
class FakeRecorder implements Recorder {
  readonly did = "did:ethr:0x7a69:0x0000000000000000000000000000000000000001";
  readonly recorded: Act[] = [];
  readonly failures: Error[] = [];

  record(act: Act): Promise<RecordedAct> {
    const failure = this.failures.shift();
    if (failure) return Promise.reject(failure);
    if (!this.recorded.some(({ idempotencyKey }) => idempotencyKey === act.idempotencyKey)) this.recorded.push(act);
    return Promise.resolve({ entryId: `entry of ${act.idempotencyKey}` } as unknown as RecordedAct);
  }
}

describe("a station of the shop", () => {
  let dir: string;
  let book: Workbook;
  let recorder: FakeRecorder;
  let policy: CompiledPolicy;
  let station: Station;

  before(async () => {
    policy = compilePolicy(await loadPolicyBundle(join(import.meta.dirname, "../../../examples/shop/payment/policy")));
  });

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-station-"));
    book = new Workbook(join(dir, "work.db"));
    book.sql.exec("CREATE TABLE till (cents INTEGER NOT NULL) STRICT; INSERT INTO till VALUES (0)");
    recorder = new FakeRecorder();
    station = new Station(recorder, book, policy, new AbortController().signal);
  });

  afterEach(() => {
    book.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const cents = () => (book.sql.prepare("SELECT cents FROM till").get() as { cents: number }).cents;
  const charge: Trade = {
    act: "payment.charge",
    plan: () => ({
      output: { status: "captured" },
      change: () => book.sql.exec("UPDATE till SET cents = cents + 500"),
    }),
  };
  const input = { amountCents: 500, currency: "EUR" };

  it("takes a step once, however often and however closely it is asked", async () => {
    const steps = await Promise.all([1, 2, 3].map(() => station.take(charge, "S-1", input)));
    expect(new Set(steps.map(({ entryId }) => entryId))).to.deep.equal(new Set(["entry of S-1/payment.charge"]));
    expect(cents()).to.equal(500);
    expect(recorder.recorded).to.deep.equal([
      {
        act: "payment.charge",
        kind: "act",
        input,
        output: { status: "captured" },
        thread: "S-1",
        idempotencyKey: "S-1/payment.charge",
      },
    ]);
  });

  it("records after a crash what it had decided before it, and does not decide again", async () => {
    recorder.failures.push(new Error("killed before it was signed"));
    await rejection(station.take(charge, "S-1", input));
    expect(book.unrecorded().map(({ key }) => key)).to.deep.equal(["S-1/payment.charge"]);

    const next = new Station(recorder, book, policy, new AbortController().signal);
    expect(await next.catchUp()).to.equal(1);
    expect(await next.catchUp()).to.equal(0);
    await next.take(charge, "S-1", input);
    expect(cents()).to.equal(500);
    expect(recorder.recorded).to.have.length(1);
  });

  it("waits for a relayer that is away", async () => {
    recorder.failures.push(new AffiantError("ERR_UNAVAILABLE_RELAYER", "away"));
    expect((await station.take(charge, "S-1", input)).entryId).to.equal("entry of S-1/payment.charge");
    expect(cents()).to.equal(500);
  });

  it("refuses what its policy forbids, changes nothing, and names the rule on record", async () => {
    const step = await station.take(charge, "S-1", { ...input, amountCents: 1_000_001 });
    expect(refusalOf(step)).to.deep.equal({ reason: "A single charge is at most 10,000.00.", rule: "charge-limit" });
    expect(cents()).to.equal(0);
    expect(recorder.recorded.map(({ kind, output }) => [kind, output])).to.deep.equal([["refusal", step.output]]);
  });

  it("refuses for reasons of its trade without asking the policy", async () => {
    const declined: Trade = { act: "payment.charge", plan: () => ({ refuse: "The bank declines the card." }) };
    expect(refusalOf(await station.take(declined, "S-1", input))).to.deep.equal({
      reason: "The bank declines the card.",
    });
  });

  it("keeps neither the step nor its change when the change fails", async () => {
    const broken: Trade = {
      act: "payment.charge",
      plan: () => ({
        output: {},
        change: () => {
          book.sql.exec("UPDATE till SET cents = 1");
          throw new Error("the till jams");
        },
      }),
    };
    await rejection(station.take(broken, "S-1", input));
    expect(cents()).to.equal(0);
    expect(book.step("S-1/payment.charge")).to.equal(undefined);
    expect(recorder.recorded).to.deep.equal([]);
  });
});
