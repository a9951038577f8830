import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import type { AuditReport } from "../../auditor/report/auditReport.ts";
import { membersGone } from "../../orchestrator/process/folderLock.ts";
import type { RunningAgent } from "../../orchestrator/start/system.ts";
import type { WorkStatus } from "../../orchestrator/start/work.ts";
import type { EpochState } from "../../orchestrator/conductor/conductor.ts";
import type { TamperVerdict } from "../../cli/start/tamper.ts";
import type { UsedContract } from "../../cli/start/contracts.ts";
import type { RecordedRefusal } from "../../cli/start/refusals.ts";
import { eventually } from "../helpers/eventually.ts";
import { StartProcess } from "./startProcess.ts";

/** What `--json` writes. */
interface Result {
  readonly ok: boolean;
  readonly agents: readonly RunningAgent[];
  readonly orchestrator: { readonly did: string };
  readonly epochs: readonly EpochState[];
  readonly tamper?: TamperVerdict;
  readonly refusals: readonly RecordedRefusal[];
  readonly contracts: readonly UsedContract[];
  readonly audit: AuditReport;
}

/** The refusals that examples/shop/orders.json is made for: order, act, rule of the policy or code of the contract (or none). */
const expectedRefusals = [
  "S-1005 inventory.reserve -",
  "S-1006 payment.charge charge-limit",
  "S-1007 order.accept currency",
  "S-1009 fulfilment.ship countries",
  "S-1010 inventory.reserve at-most-twenty",
  "S-1012 fulfilment.ship no-post-boxes",
  "S-1012 payment.refund ERR_AUTH_CONTRACT_SCOPE",
  "S-1014 payment.charge -",
  "S-1016 inventory.reserve -",
  "S-1020 inventory.reserve -",
  "S-1021 fulfilment.ship -",
  "S-1028 inventory.reserve -",
  "S-1029 payment.charge ERR_AUTH_CONTRACT_SCOPE",
];
/** Of calls that a crash interrupted: they came twice, or while the chain was away. */
const interrupted = ["ERR_CONFLICT_REPLAY", "ERR_UNAVAILABLE_CHAIN", "ERR_AUTH_CONTRACT_TIME"];
const anyPorts = ["--port", "0", "--rpc-port", "0"];

describe("npm start", function () {
  // Three whole systems, one after the other.
  this.timeout(600_000);

  let dir: string;
  let data: string;
  const started: StartProcess[] = [];

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "affiant-start-"));
    data = join(dir, "data");
  });

  afterEach(async () => {
    for (const run of started.splice(0)) {
      if (!run.ended) run.kill("SIGKILL");
      await run.exited;
    }
    if (existsSync(data)) await membersGone(data, 60_000);
    rmSync(dir, { recursive: true, force: true });
  });

  function start(...args: string[]): StartProcess {
    const run = new StartProcess(data, args);
    started.push(run);
    return run;
  }

  async function runOnce(): Promise<{ result: Result; stdout: string }> {
    const run = start(...anyPorts, "--once", "--json", jsonPath());
    const exit = await run.exited;
    expect(exit.code, run.stdout + run.stderr).to.equal(0);
    return { result: lastResult(), stdout: run.stdout };
  }

  const jsonPath = (): string => join(dir, "out.json");
  const lastResult = (): Result => JSON.parse(readFileSync(jsonPath(), "utf8")) as Result;

  /** What must be so however often the shop was interrupted. */
  function expectWholeShop({ ok, agents, refusals, audit }: Result): void {
    expect(ok).to.equal(true);
    expect(audit.summary.verdicts).to.include({ fails: 0, unproven: 0 });
    const lasting = refusals.filter(({ code }) => code === undefined || !interrupted.includes(code));
    expect(
      lasting.map(({ thread, act, rule, code }) => `${thread} ${act} ${rule ?? code ?? "-"}`).sort(),
    ).to.deep.equal(expectedRefusals);
    expect(agents.map(({ policy }) => [policy.name, policy.version])).to.deep.equal([
      ["shop-order", 1],
      ["shop-inventory", 1],
      ["shop-payment", 1],
      ["shop-fulfilment", 1],
    ]);
    // Nothing was done twice: the policies have a rule against it for each step.
    expect(audit.conformity).to.include({ violate: 0, undecidable: 0, notJudged: 0 });
  }

  function expectNoInterruption({ agents, contracts, orchestrator, audit }: Result): void {
    // 29 orders: 17 completed, and what the 12 refused ones took until they were undone and cancelled. Of each call the
    // order agent has an entry too.
    const kinds = agents.map(({ name, did }) => [name, audit.agents.find(({ agent }) => agent === did)?.kinds]);
    expect(Object.fromEntries(kinds)).to.deep.equal({
      order: { act: 169, refusal: 1 },
      inventory: { act: 34, refusal: 5 },
      payment: { act: 22, refusal: 4 },
      fulfilment: { act: 45, refusal: 3 },
    });
    const own = audit.agents.find(({ agent }) => agent === orchestrator.did)?.kinds.act ?? 0;
    // Placed, enrolled, attested, keyed: four agents. Deployed, applied, an epoch.
    expect(own).to.be.at.least(4 * 4 + 3);
    expect(audit.conformity).to.include({ judged: 270 + own, conform: 270 + own, notActs: 13 });
    expect(contracts.map(({ command, calls, refused }) => `${command} ${calls} ${refused}`).sort()).to.deep.equal([
      "/fulfilment/notify 28 0",
      "/fulfilment/ship 20 3",
      "/inventory/check 5 0",
      "/inventory/release 6 0",
      "/inventory/reserve 28 5",
      "/payment/charge 24 4",
      "/payment/refund 2 0",
    ]);
    const order = agents.find(({ name }) => name === "order")?.did;
    expect(new Set(contracts.map(({ to }) => to))).to.deep.equal(new Set([order]));
  }

  it("works through the queue, proves it, finds nothing new to do the second time, and stays up", async () => {
    const first = await runOnce();
    expectWholeShop(first.result);
    expectNoInterruption(first.result);
    expect(first.stdout).to.include("payment lets order do /payment/refund");
    expect(first.stdout).to.include('do not satisfy ["<=",".amountCents",1500000]');
    expect(first.stdout).to.include("What was refused").and.to.include("A single charge is at most 10,000.00.");
    expect(await membersGone(data, 0)).to.equal(true);

    const running = start(...anyPorts, "--json", jsonPath());
    await running.says("Everything stays up.");
    expectNothingNew(lastResult(), first.result);
    expect(running.stdout).to.include("Nothing new to do: 157 steps were taken and 11 refused");
    await expectToStayUp(running);
  });

  function expectNothingNew(second: Result, first: Result): void {
    expectWholeShop(second);
    // Under the contracts of the first start.
    expect(second.contracts).to.deep.equal(first.contracts);
    expect(second.agents.map(({ did }) => did)).to.deep.equal(first.agents.map(({ did }) => did));
    // Not one entry more of any agent. The orchestrator has more: it started the agents again, and had them attested.
    const heads = ({ agents, audit }: Result) =>
      agents.map(({ did }) => audit.agents.find(({ agent }) => agent === did)?.lastEntryId);
    expect(heads(second)).to.deep.equal(heads(first));
    const [epoch] = second.epochs;
    expect(epoch).to.include({ group: "shop/shop-floor", epoch: 2, current: true });
    expect(epoch?.acknowledgedBy).to.have.members(["order", "inventory", "payment", "fulfilment"]);
  }

  /** Takes new orders, brings a killed agent back, and ends whole on Ctrl-C. */
  async function expectToStayUp(running: StartProcess): Promise<void> {
    const { agents, relayerUrl } = await running.endpoints();
    const before = (await statusOf(agents["payment"])).done;

    const second = start(...anyPorts, "--once");
    expect((await second.exited).code).to.equal(1);
    expect(second.stderr).to.match(/^affiant: the system is already running from .*\n {2}Stop it, or .*\n$/);

    process.kill(pidOf(data, "payment"), "SIGKILL");
    const order = {
      orderId: "T-1",
      customer: "Test",
      currency: "EUR",
      cardToken: "tok_ok",
      lines: [{ sku: "TEA-GREEN", quantity: 1, unitPriceCents: 1250 }],
      shipTo: { name: "Test", street: "Weg 1", city: "Wien", country: "AT" },
    };
    const answer = await fetch(`${agents["order"]}/v1/orders`, { method: "POST", body: JSON.stringify(order) });
    expect(await answer.json()).to.deep.equal({ added: 1, waiting: 1 });
    await eventually(async () => (await statusOf(agents["order"])).waiting === 0);
    expect((await statusOf(agents["payment"])).done).to.equal(before + 1);
    expect(running.stdout).to.include("payment ended by itself (SIGKILL) and is started again");

    running.kill("SIGINT");
    expect((await running.exited).code).to.equal(0);
    expect(await membersGone(data, 0)).to.equal(true);
    expect(existsSync(join(data, "endpoints.json"))).to.equal(false);
    expect(await fetch(relayerUrl).catch(() => "nobody there")).to.equal("nobody there");
  }

  it("loses nothing and does nothing twice when first its chain and then itself is killed in the middle", async () => {
    const killed = start(...anyPorts, "--once");
    const { agents } = await killed.endpoints();
    await killed.until(async () => (await statusOf(agents["order"])).done >= 3);
    process.kill(Number(readFileSync(join(data, "chain/anvil.pid"), "utf8")), "SIGKILL");
    await killed.says("chain ended by itself (exit code 1) and is started again");
    await killed.until(async () => (await statusOf(agents["order"])).done >= 10);
    killed.kill("SIGKILL");
    await killed.exited;
    // Its children notice and end by themselves; the next start waits for them.
    const { result, stdout } = await runOnce();
    expect(stdout).to.include("Local chain taken up").and.to.include("Worked through");
    expect(stdout).to.include("157 steps were taken and 11 refused");
    expectWholeShop(result);
  });

  it("catches, cuts off and replaces an agent whose program is changed while it works", async () => {
    const run = start(...anyPorts, "--once", "--json", jsonPath(), "--tamper", "payment");
    const exit = await run.exited;
    expect(exit.code, run.stdout + run.stderr).to.equal(0);
    const { tamper, agents, epochs, audit } = lastResult();
    expect(audit.summary.verdicts).to.include({ fails: 0, unproven: 0 });
    expect(tamper?.actsAfterCaught).to.equal(0);
    expect(tamper?.quarantinedAtBlock).to.be.greaterThan(tamper?.changedAtBlock ?? Infinity);
    expect(tamper?.replacedBy.folder).to.equal("payment-2");
    const successor = agents.find(({ name }) => name === "payment");
    expect(successor?.did).to.equal(tamper?.replacedBy.did).and.not.equal(tamper?.did);
    expect(epochs[0]?.holders).to.have.members(["order", "inventory", "payment", "fulfilment"]);
    expect(epochs[0]?.current).to.equal(true);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`ends, and everything with it, when npm gets ${signal}`, async () => {
      const run = new StartProcess(data, anyPorts, true);
      started.push(run);
      await run.says("Local chain made");
      run.kill(signal);
      const exit = await run.exited;
      expect(exit.code, run.stdout + run.stderr).to.equal(130);
      // Not in a moment: now.
      expect(await membersGone(data, 0)).to.equal(true);
    });
  }

  it("names a port that is in use and how to take another, and starts nothing", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const refused = start("--port", String(port), "--rpc-port", "0", "--once");
    const exit = await refused.exited;
    await new Promise((resolve) => server.close(resolve));
    expect(exit.code).to.equal(1);
    expect(refused.stderr).to.equal(
      `affiant: port ${port}, for the relayer, is in use by another program\n` +
        "  Choose another one, or 0 for any free one: --port 0\n",
    );
    expect(existsSync(join(data, "logs"))).to.equal(false);
  });

  it("names a data folder that cannot be written and how to take another", async () => {
    writeFileSync(join(dir, "file"), "");
    data = join(dir, "file/data");
    const refused = start(...anyPorts, "--once");
    expect((await refused.exited).code).to.equal(1);
    expect(refused.stderr).to.equal(
      `affiant: the data folder ${data} cannot be written (ENOTDIR)\n  Choose another one: --data DIR\n`,
    );
    data = dir;
  });

  it("explains itself, and refuses what it does not know", async () => {
    const help = start("--help");
    expect((await help.exited).code).to.equal(0);
    expect(help.stdout).to.include("--once").and.to.include("--json");
    const unknown = start("--onse");
    expect((await unknown.exited).code).to.equal(1);
    expect(unknown.stderr).to.include("unknown option '--onse'");
  });
});

async function statusOf(url: string | undefined): Promise<WorkStatus> {
  const response = await fetch(`${url}/v1/status`);
  return (await response.json()) as WorkStatus;
}

/** From the last ready line of an agent's log. */
function pidOf(dataDir: string, agent: string): number {
  const lines = readFileSync(join(dataDir, "logs", `${agent}.log`), "utf8").split("\n");
  const ready = lines.findLast((line) => line.startsWith('{"ready":true'));
  return (JSON.parse(ready ?? "{}") as { pid: number }).pid;
}
