import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import express from "express";

import { callAgent } from "../../../agent/calls/callAgent.ts";
import type { CallRecord } from "../../../agent/calls/callRecord.ts";
import { Guard } from "../../../agent/calls/guard.ts";
import { SqliteReplayStore } from "../../../agent/calls/replayStore.ts";
import { CachedRevocations, type ContractLink, type RevocationFinding } from "../../../agent/calls/revocations.ts";
import { guarded } from "../../../agent/calls/serveCall.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { readCallContext } from "../../../protocol/ucan/callContext.ts";
import { type CallMessage, formatCall } from "../../../protocol/ucan/callMessage.ts";
import { type Delegation, issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { issueInvocation } from "../../../protocol/ucan/invocation.ts";
import { parseScope } from "../../../protocol/ucan/shorthand.ts";

const payment = new SigningKey(new Uint8Array(32).fill(1));
const order = new SigningKey(new Uint8Array(32).fill(2));
const agentOf = (n: number): ReturnType<typeof formatEthrDid> => formatEthrDid(31337n, `0x${String(n).repeat(40)}`);

/** A chain that answers what the test says, or not at all. */
class Chain {
  finding: RevocationFinding | undefined = { blockNumber: 10 };
  reads = 0;
  async read(_links: readonly ContractLink[]): Promise<RevocationFinding> {
    this.reads += 1;
    if (!this.finding) throw new Error("connection refused");
    return this.finding;
  }
}

describe("agent/calls", () => {
  let folder: string;
  let chain: Chain;
  let nowSec: number;
  let contract: Delegation;
  let charged: number;
  let records: CallRecord[];
  const servers: Server[] = [];
  const stores: SqliteReplayStore[] = [];

  const recorder = {
    record: (record: CallRecord): Promise<void> => {
      records.push(record);
      return Promise.resolve();
    },
  };

  /** One instance of the payment agent; all share the folder's replay store. */
  async function startPayment(): Promise<string> {
    const replayStore = new SqliteReplayStore(join(folder, "calls.sqlite"));
    stores.push(replayStore);
    const guard = new Guard({
      executor: payment.did,
      replayStore,
      revocations: new CachedRevocations(chain, 10),
      nowSec: () => nowSec,
    });
    const app = express();
    app.use(express.json());
    app.post(
      "/charge",
      guarded({
        guard,
        recorder,
        command: "/payment/charge",
        handler: ({ args }) => {
          if (args["amount"] === 13) throw new AffiantError("ERR_CONFLICT_POLICY", "thirteen is not charged here");
          if (args["amount"] === 14) throw new Error("the vault's password is hunter2");
          charged += 1;
          return { charged: args["amount"] ?? null };
        },
      }),
    );
    const server = app.listen(0, "127.0.0.1");
    servers.push(server);
    await new Promise((resolve) => server.once("listening", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/charge`;
  }

  async function message(changes: { [key: string]: unknown } = {}, signer = order): Promise<CallMessage> {
    const invocation = await issueInvocation(
      {
        subject: payment.did,
        command: "/payment/charge",
        args: { amount: 100, currency: "USD" },
        proofs: [contract.envelope.cid],
        nonce: new Uint8Array(12).fill(7),
        expiresAtSec: nowSec + 60,
        ...changes,
      },
      signer,
    );
    return formatCall(invocation, [contract]);
  }

  async function post(url: string, body: unknown): Promise<{ status: number; body: { [key: string]: unknown } }> {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as { [key: string]: unknown } };
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "affiant-calls-"));
    chain = new Chain();
    nowSec = 1_800_000_000;
    charged = 0;
    records = [];
    const { command, policy } = parseScope("payment:charge:max_10000usd");
    const terms = { audience: order.did, command, policy, nonce: new Uint8Array(12), expiresAtSec: nowSec + 3600 };
    contract = await issueDelegation({ ...terms, agent: agentOf(1) }, payment);
  });

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    for (const store of stores.splice(0)) store.close();
    rmSync(folder, { recursive: true });
  });

  it("executes a call under a contract, and both sides enter it", async () => {
    const url = await startPayment();
    const result = await callAgent({
      url,
      signer: order,
      recorder,
      subject: payment.did,
      command: "/payment/charge",
      args: { amount: 100, currency: "USD" },
      chain: [contract],
      nowSec,
      thread: "order-1",
    });
    expect(result).to.deep.equal({ charged: 100 });
    const [callee, caller] = records;
    expect(readCallContext(callee!.context).call.invocation.issuer).to.equal(order.did);
    expect(callee?.context?.role).to.equal("callee");
    expect(caller?.context).to.deep.equal({ ...callee?.context, role: "caller" });
    expect(caller).to.deep.include({
      act: "payment.charge",
      kind: "act",
      ctr: contract.envelope.cid,
      thread: "order-1",
    });
    expect(callee?.output).to.deep.equal({ charged: 100 });
  });

  it("401 without a contract", async () => {
    const url = await startPayment();
    const answer = await post(url, {});
    expect(answer).to.deep.include({ status: 401 });
    expect(answer.body["code"]).to.equal("ERR_AUTH_CONTRACT_MISSING");
    expect((await post(url, await message({ proofs: [] }))).body["code"]).to.equal("ERR_AUTH_CONTRACT_MISSING");
    expect(charged).to.equal(0);
  });

  it("403 out of scope, with the clause that failed and a refusal on record", async () => {
    const url = await startPayment();
    const answer = await post(url, await message({ args: { amount: 10_001, currency: "USD" } }));
    expect(answer.status).to.equal(403);
    expect(answer.body).to.deep.include({ code: "ERR_AUTH_CONTRACT_SCOPE", link: 0 });
    expect(answer.body["detail"]).to.contain('["<=",".amount",10000]');
    expect(records).to.have.length(1);
    expect(records[0]).to.deep.include({ kind: "refusal", act: "payment.charge", ctr: contract.envelope.cid });
    expect(charged).to.equal(0);
  });

  it("409 for a replay: at once, after a restart, and at a second instance", async () => {
    const call = await message();
    const first = await startPayment();
    expect((await post(first, call)).status).to.equal(200);
    expect(await post(first, call)).to.deep.include({ status: 409 });
    // Both are on record: the act under the call's own key, the refusal beside it.
    expect(records.map(({ kind, idempotencyKey }) => [kind, idempotencyKey !== undefined])).to.deep.equal([
      ["act", true],
      ["refusal", false],
    ]);

    const second = await startPayment();
    expect((await post(second, call)).body["code"]).to.equal("ERR_CONFLICT_REPLAY");

    for (const server of servers.splice(0)) server.close();
    for (const store of stores.splice(0)) store.close();
    const restarted = await startPayment();
    expect((await post(restarted, call)).body["code"]).to.equal("ERR_CONFLICT_REPLAY");
    expect(charged).to.equal(1);
  });

  it("counts the same task in a new envelope as a replay", async () => {
    const url = await startPayment();
    expect((await post(url, await message())).status).to.equal(200);
    const again = await post(url, await message({ issuedAtSec: nowSec - 1 }));
    expect(again.body["code"]).to.equal("ERR_CONFLICT_REPLAY");
  });

  it("lets only one of many simultaneous copies through", async () => {
    const urls = [await startPayment(), await startPayment()];
    const call = await message();
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => post(urls[i % 2] as string, call)));
    expect(answers.filter(({ status }) => status === 200)).to.have.length(1);
    expect(answers.filter(({ status }) => status === 409)).to.have.length(19);
    expect(charged).to.equal(1);
  });

  it("refuses a call that would have to be remembered for long, or for ever", async () => {
    const url = await startPayment();
    for (const expiresAtSec of [null, nowSec + 3600]) {
      expect((await post(url, await message({ expiresAtSec }))).body["code"]).to.equal("ERR_AUTH_CONTRACT_TIME");
    }
  });

  it("403 once the contract is revoked, as soon as the chain is asked again", async () => {
    const url = await startPayment();
    expect((await post(url, await message())).status).to.equal(200);
    chain.finding = { blockNumber: 11, revoked: { link: 0, by: agentOf(1), blockNumber: 11 } };

    // Within the age that the agent accepts, what was read before still counts.
    nowSec += 10;
    expect((await post(url, await message({ nonce: new Uint8Array(12).fill(8) }))).status).to.equal(200);
    nowSec += 1;
    const answer = await post(url, await message({ nonce: new Uint8Array(12).fill(9) }));
    expect(answer.status).to.equal(403);
    expect(answer.body).to.deep.include({ code: "ERR_AUTH_CONTRACT_REVOKED", link: 0 });
    expect(chain.reads).to.equal(2);
  });

  it("takes no answer from the chain for a no", async () => {
    const url = await startPayment();
    chain.finding = undefined;
    const call = await message();
    const answer = await post(url, call);
    expect(answer).to.deep.include({ status: 503 });
    expect(answer.body["code"]).to.equal("ERR_UNAVAILABLE_CHAIN");
    // The call was not made, so it may be presented again when the chain is back.
    chain.finding = { blockNumber: 12 };
    expect((await post(url, call)).status).to.equal(200);
  });

  it("refuses a contract whose key is not its account's", async () => {
    const url = await startPayment();
    chain.finding = { blockNumber: 10, unboundLink: 0 };
    expect((await post(url, await message())).body).to.deep.include({ code: "ERR_AUTH_CONTRACT_CHAIN", link: 0 });
  });

  it("passes on a handler's own refusal with its code, and nothing of a crash", async () => {
    const url = await startPayment();
    const refused = await post(url, await message({ args: { amount: 13, currency: "USD" } }));
    expect(refused.body).to.deep.include({ code: "ERR_CONFLICT_POLICY", detail: "thirteen is not charged here" });
    expect(records.at(-1)).to.deep.include({ kind: "refusal" });

    const nonce = new Uint8Array(12).fill(14);
    const crashed = await post(url, await message({ args: { amount: 14, currency: "USD" }, nonce }));
    expect(crashed.body).to.deep.include({ status: 500, code: "ERR_INTERNAL_UNEXPECTED" });
    expect(JSON.stringify([crashed, records])).not.to.contain("hunter2");
  });

  it("enters a call that got no answer, and does not send it again", async () => {
    const url = await startPayment();
    for (const server of servers.splice(0)) server.close();
    const call = callAgent({
      url,
      signer: order,
      recorder,
      subject: payment.did,
      command: "/payment/charge",
      args: { amount: 100, currency: "USD" },
      chain: [contract],
      nowSec,
    });
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(AffiantError).with.property("code", "ERR_UNAVAILABLE_CALLEE");
    expect(records).to.have.length(1);
    expect(records[0]?.output).to.deep.include({ refused: "ERR_UNAVAILABLE_CALLEE" });
  });
});
