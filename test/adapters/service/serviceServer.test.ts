import { once } from "node:events";
import { statSync } from "node:fs";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { ServiceServer } from "../../../adapters/service/serviceServer.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalService, localService, token } from "./localService.ts";

const client = join(import.meta.dirname, "../../../clients/python");

describe("adapters/service: acts of programs in any language", () => {
  const folder = tempFolders();
  let at: LocalService;
  beforeEach(async () => (at = await localService(await folder())));
  afterEach(() => at.close());

  const refund = { act: "refund", input: { order: 7 }, thread: "ticket-7", idempotencyKey: "refund/7" };
  const path = "/v1/acts/refund%2F7";

  it("claims an act, takes its outcome, and says how it stands", async () => {
    const claimed = await at.ask("POST", "/v1/acts", refund);
    expect(claimed).to.deep.include({ status: 201, body: { id: "refund/7", status: "claimed", thread: "ticket-7" } });
    expect(at.local.entries()).to.deep.equal([]);
    const told = await at.ask("POST", `${path}/outcome`, { output: "paid" });
    expect(told.status).to.equal(200);
    expect(told.body).to.deep.include({ status: "recorded", seq: 0, output: "paid", receipt: "signed" });
    expect((await at.ask("GET", path)).body).to.deep.equal(told.body);
    expect(at.local.entries()).to.have.length(1);
    expect(at.local.entries()[0]).to.deep.include({ act: "refund", kind: "act", input: { order: 7 }, output: "paid" });
  });

  it("refuses what the policy forbids, with a stable code, and enters the refusal", async () => {
    await at.ask("POST", "/v1/acts", { ...refund, output: "paid" });
    const again = await at.ask("POST", "/v1/acts", { ...refund, idempotencyKey: "other" });
    expect([again.status, again.code]).to.deep.equal([403, "ERR_AUTH_POLICY"]);
    expect(at.local.entries().map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
    expect((await at.ask("GET", "/v1/acts/other")).body).to.deep.include({ status: "refused" });
  });

  it("makes one act of a request that is sent twice, claimed or done, and refuses another under its key", async () => {
    const answers = await Promise.all([at.ask("POST", "/v1/acts", refund), at.ask("POST", "/v1/acts", refund)]);
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 201]);
    const other = await at.ask("POST", "/v1/acts", { ...refund, input: { order: 8 } });
    expect([other.status, other.code]).to.deep.equal([409, "ERR_CONFLICT_IDEMPOTENCY_REUSED"]);
    await at.ask("POST", `${path}/outcome`, { output: 1 });
    expect((await at.ask("POST", `${path}/outcome`, { output: 1 })).status).to.equal(200);
    expect((await at.ask("POST", `${path}/outcome`, { output: 2 })).code).to.equal("ERR_CONFLICT_IDEMPOTENCY_REUSED");
    expect((await at.ask("POST", "/v1/acts", refund)).body).to.deep.include({ status: "recorded", output: 1 });
    expect(at.local.entries()).to.have.length(1);
  });

  it("keeps digits that no double holds", async () => {
    const body =
      '{"act":"lookup","idempotencyKey":"k","input":{"wei":1000000000000000001},"output":[9007199254740993]}';
    expect((await at.ask("POST", "/v1/acts", body)).status).to.equal(201);
    expect(at.local.entries()[0]).to.deep.include({
      input: { wei: "1000000000000000001" },
      output: ["9007199254740993"],
    });
  });

  it("does nothing while no entry can be made", async () => {
    at.local.trouble = new AffiantError("ERR_UNAVAILABLE_CHAIN", "no answer");
    const answer = await at.ask("POST", "/v1/acts", refund);
    expect([answer.status, answer.code]).to.deep.equal([503, "ERR_UNAVAILABLE_RECORD"]);
    expect(at.service.openActs.size).to.equal(0);
  });

  const malformed: readonly (readonly [name: string, body: string])[] = [
    ["no JSON", "{"],
    ["a member of another name", '{"act":"lookup","sudo":true}'],
    ["a name twice", '{"act":"lookup","act":"wipe"}'],
    ["no act", '{"input":1}'],
    ["an act's name that no entry holds", '{"act":"look up"}'],
    ["a context that is no object", '{"act":"lookup","context":[]}'],
    ["what is nested too deep", `{"act":"lookup","input":${"[".repeat(2_000)}${"]".repeat(2_000)}}`],
  ];
  for (const [name, body] of malformed) {
    it(`refuses ${name}`, async () => {
      const answer = await at.ask("POST", "/v1/acts", body);
      expect([answer.status, answer.code]).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
      expect(at.local.entries()).to.deep.equal([]);
    });
  }

  it("refuses a body beyond its limit, what it does not know, and an outcome of nothing", async () => {
    const large = await at.ask("POST", "/v1/acts", "{", { "content-length": String(9 << 20) });
    expect([large.status, large.code]).to.deep.equal([413, "ERR_LIMIT_BODY_SIZE"]);
    expect((await at.ask("POST", "/v1/acts/none/outcome", { output: 1 })).code).to.equal("ERR_NOT_FOUND_ACT");
    expect((await at.ask("GET", "/v2/acts")).code).to.equal("ERR_NOT_FOUND_ROUTE");
  });

  it("is for its owner alone: a socket nobody else may open, a token on loopback, no page, no other name", async () => {
    expect(statSync(at.socket).mode & 0o777).to.equal(0o600);
    const ask = async (headers: Record<string, string>): Promise<unknown> => {
      const answer = await fetch(`${at.url}/v1/agent`, { headers });
      return answer.ok ? answer.status : ((await answer.json()) as { code: string }).code;
    };
    const authorization = `Bearer ${token}`;
    expect(await ask({ authorization })).to.equal(200);
    expect(await ask({})).to.equal("ERR_AUTH_OPERATOR");
    expect(await ask({ authorization: `Bearer ${token.replace("0", "1")}` })).to.equal("ERR_AUTH_OPERATOR");
    expect(await ask({ authorization, origin: "https://evil.example" })).to.equal("ERR_AUTH_ORIGIN");
  });

  it("lets no second service of the agent take its socket", async () => {
    const second = new ServiceServer({ service: at.service, socket: at.socket });
    expect(await rejectionCode(second.listen())).to.equal("ERR_CONFLICT_RUNNING");
  });

  it("enters what nobody told the outcome of as unknown when it ends, and never does it again", async () => {
    const dataDir = await folder();
    const first = await localService(dataDir);
    await first.ask("POST", "/v1/acts", refund);
    await first.close();
    const second = await localService(dataDir);
    expect(second.local.entries().map(({ output }) => output)).to.deep.equal([
      { outcome: "unknown", why: "the service ended before the outcome was told" },
    ]);
    expect((await second.ask("POST", "/v1/acts", refund)).code).to.equal("ERR_CONFLICT_REPLAY");
    await second.close();
  });

  async function python(program: string): Promise<string> {
    const child = spawn("python3", ["-c", program, at.socket, at.url, token], {
      env: { PYTHONPATH: client, PATH: process.env["PATH"] },
    });
    const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    if (child.exitCode !== 0) throw new Error(errors);
    return output.trim();
  }

  it("serves Python, by the socket and by loopback", async () => {
    const output = await python(`
import sys
from decimal import Decimal
from affiant import Agent, Done, Refused
agent = Agent.at_socket(sys.argv[1], thread="ticket-7")
with agent.act("refund", {"order": 7, "wei": Decimal("1.50"), "big": 10**30 + 1}, key="r7") as act:
    act.outcome({"paid": True})
try:
    agent.act("refund", {"order": 8})
except Refused as refused:
    print(refused.code)
try:
    agent.act("refund", {"order": 7, "wei": Decimal("1.50"), "big": 10**30 + 1}, key="r7")
except Done as done:
    print(done.output)
other = Agent.at(sys.argv[2], sys.argv[3], thread="t2")
try:
    with other.act("fail"):
        raise ValueError("no")
except ValueError:
    print(other.state("r7")["status"])
@other.recorded("lookup")
def look(order):
    return order + 1
print(look(order=1), other.record("lookup", 1, 2)["seq"])`);
    expect(output.split("\n")).to.deep.equal(["ERR_AUTH_POLICY", "{'paid': True}", "recorded", "2 4"]);
    const [first, , failed, looked] = at.local.entries();
    expect(first?.input).to.deep.equal({ order: 7, wei: 1.5, big: "1000000000000000000000000000001" });
    expect(failed?.output).to.deep.equal({ error: "ValueError: no" });
    expect(looked).to.deep.include({ act: "lookup", input: { order: 1 }, output: 2, thread: "t2" });
  });

  it("tells Python that an act must not be done where nobody answers", async () => {
    await at.close();
    const output = await python(`
import sys
from affiant import Agent, Unavailable
try:
    Agent.at_socket(sys.argv[1]).act("lookup")
except Unavailable as error:
    print(error.code)`);
    expect(output).to.equal("ERR_UNAVAILABLE_RECORD");
    at = await localService(await folder());
  });
});
