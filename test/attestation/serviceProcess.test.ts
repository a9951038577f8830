import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";
import { Contract } from "ethers";

import { appointAttestationService } from "../../orchestrator/deploy/attestationService.ts";
import { formatDeployment } from "../../protocol/deployment.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { nativeProgram, type Program } from "../../scripts/torture/attestation/wrapped.ts";
import { freePort, startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

interface Service {
  readonly child: ChildProcess;
  readonly url: string;
  readonly account: string;
}

interface Wrapped {
  readonly child: ChildProcess;
  readonly address: string;
  readonly url: string;
}

/** Everything as the processes that people run: chain, relayer, service, and a wrapper for each agent. */
describe("affiant attestation serve and affiant wrap", function () {
  this.timeout(300_000);
  const folder = tempFolders();
  const children: ChildProcess[] = [];
  let dataDir: string;
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer | undefined;
  let service: Service;
  let port: number;
  const agents: Wrapped[] = [];
  /** As they were wrapped first: a program with other arguments is another one. */
  const programs = new Map<string, Program>();

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    dataDir = await folder();
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
    await writeFile(join(dataDir, "deployment.json"), formatDeployment(chain.deployment));
    // Wrappers know the service by its address: it keeps it when it is started again.
    port = await freePort();
    service = await serve();
    await appointAttestationService(chain.deployer, chain.deployment, service.account);
    // Blocks come much faster here than verifiers can look.
    const lengths = {
      drawDelay: 2,
      drawWindow: 100,
      silenceDelay: 400,
      roundLength: 800,
      trustLength: 1_000_000,
      revealDepth: 2,
    };
    const { address } = chain.deployment.contracts.attestationRegistry;
    const registry = new Contract(address, iAttestationRegistryAbi, chain.deployer);
    await mined(registry.getFunction("setSchedule")(lengths));
  });

  after(async () => {
    for (const child of children) await end(child);
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  function affiant(words: readonly string[], env: NodeJS.ProcessEnv = {}, out: "stdout" | "stderr" = "stdout") {
    const where = ["--data", dataDir, "--rpc", chain.url, "--relayer", relayer!.url];
    const deployment = ["--deployment", join(dataDir, "deployment.json"), "--json"];
    const split = words.indexOf("--");
    const [own, rest] = split < 0 ? [words, []] : [words.slice(0, split), words.slice(split)];
    const child = spawn(process.execPath, ["cli/affiant.js", ...own, ...where, ...deployment, ...rest], {
      env: {
        ...process.env,
        AFFIANT_PORT: "0",
        AFFIANT_POLL_INTERVAL_MS: "50",
        AFFIANT_LOG_LEVEL: "warn",
        AFFIANT_ALLOW_PRIVATE: "1",
        ...env,
      },
      stdio: ["ignore", out === "stdout" ? "pipe" : "ignore", "pipe"],
    });
    children.push(child);
    return child;
  }

  /** The first line of JSON that says ready. */
  async function ready(child: ChildProcess, out: "stdout" | "stderr"): Promise<Record<string, unknown>> {
    let said = "";
    if (out === "stdout") child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    for await (const line of createInterface({ input: child[out]! })) {
      if (line.startsWith('{"ready":true')) return JSON.parse(line) as Record<string, unknown>;
      said += `${line}\n`;
    }
    throw new Error(`it ended: ${said}`);
  }

  async function serve(): Promise<Service> {
    const child = affiant(["attestation", "serve"], {
      AFFIANT_ATTESTATION_ROUND_BLOCKS: "10",
      AFFIANT_PORT: String(port),
    });
    return { child, ...((await ready(child, "stdout")) as unknown as Pick<Service, "url" | "account">) };
  }

  async function ticketFor(name: string): Promise<string> {
    const token = (await readFile(join(dataDir, "attestation", "service.token"), "utf8")).trim();
    const response = await fetch(`${service.url}/v1/attestation/tickets`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ operator: service.account }),
    });
    expect(response.status).to.equal(201);
    const path = join(dataDir, `${name}.ticket.json`);
    await writeFile(path, await response.text(), { mode: 0o600 });
    return path;
  }

  async function wrap(name: string, ticket: string, { command, root, env }: Program): Promise<Wrapped> {
    const words = ["wrap", "--agent", name, "--create", "--ticket", ticket, "--root", root, "--", ...command];
    const child = affiant(words, { LD_PRELOAD: env?.["LD_PRELOAD"] }, "stderr");
    const facts = await ready(child, "stderr");
    return { child, url: String(facts["url"]), address: String(facts["agent"]).split(":").at(-1)! };
  }

  const statusOf = async ({ address }: Wrapped): Promise<string> => {
    const response = await fetch(`${service.url}/v1/attestation/agents/${address}`);
    return ((await response.json()) as { status: string }).status;
  };

  /** Blocks come as long as something is waited for. */
  const mining = (holds: () => Promise<boolean>) =>
    eventually(async () => {
      await chain.mine(1);
      return holds();
    });

  const round = async () => {
    const response = await fetch(`${service.url}/v1/attestation/round`);
    return ((await response.json()) as { round: { number: number; phase: string; settled: number } | null }).round;
  };

  it("brings agents from nothing to trusted: keys, registration, enrolment and introduction, none with ether", async () => {
    for (const name of ["one", "two", "three"]) {
      const program = await nativeProgram(join(dataDir, "programs", name));
      programs.set(name, program);
      await mkdir(join(dataDir, "agents"), { recursive: true });
      agents.push(await wrap(name, await ticketFor(name), program));
    }
    await mining(async () => (await Promise.all(agents.map(statusOf))).every((status) => status === "trusted"));
    expect(await chain.provider.getTransactionCount(service.account)).to.equal(0);
  });

  it("is killed in the middle of a round, and brings it to its end after it was started again", async () => {
    await mining(async () => (await round())?.phase === "drawn");
    service.child.kill("SIGKILL");
    await once(service.child, "exit");
    const { account } = service;
    service = await serve();
    expect(service.account).to.equal(account);
    const number = (await round())?.number ?? 1;
    await mining(async () => {
      const now = await round();
      return now !== null && (now.number > number || now.phase === "closed");
    });
    expect(await Promise.all(agents.map(statusOf))).to.deep.equal(["trusted", "trusted", "trusted"]);
    expect((await fetch(`${service.url}/readyz`)).status).to.equal(200);
  });

  it("finds a wrapper again that was started anew on another port, without a second enrolment", async () => {
    const [first] = agents as [Wrapped];
    await end(first.child);
    const program = programs.get("one")!;
    const again = await wrap("one", join(dataDir, "one.ticket.json"), program);
    expect(again.url).to.not.equal(first.url);
    agents[0] = again;
    const before = (await round())?.number ?? 0;
    await mining(async () => {
      const now = await round();
      return now !== null && now.number > before + 1 && now.phase === "closed";
    });
    expect(await statusOf(again)).to.equal("trusted");
    const standing = (await (await fetch(`${service.url}/v1/attestation/agents/${again.address}`)).json()) as object;
    expect(standing).to.include({ version: 1 });
  });

  it("refuses a ticket that somebody else has used, and sets off an alert", async () => {
    const program = programs.get("two")!;
    const words = ["wrap", "--agent", "thief", "--create", "--ticket", join(dataDir, "two.ticket.json")];
    const child = affiant([...words, "--root", program.root, "--", ...program.command], {}, "stderr");
    let said = "";
    child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await once(child, "exit");
    expect(said).to.contain("ERR_CONFLICT_TICKET_USED");
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).to.contain('affiant_attestation_alerts_total{kind="ticket-reused"} 1');
  });

  it("gives no tickets to those who do not operate it", async () => {
    const response = await fetch(`${service.url}/v1/attestation/tickets`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer guess" },
      body: JSON.stringify({ operator: service.account }),
    });
    expect([response.status, ((await response.json()) as { code: string }).code]).to.deep.equal([
      401,
      "ERR_AUTH_SERVICE_TOKEN",
    ]);
  });

  it("says so when rounds fall behind: here nobody carries its calls any more", async () => {
    await relayer!.close();
    relayer = undefined;
    await mining(async () => (await fetch(`${service.url}/readyz`)).status === 503);
    const { reasons } = (await (await fetch(`${service.url}/readyz`)).json()) as { reasons: string[] };
    expect(reasons[0]).to.match(/^round \d+ /);
    expect(await (await fetch(`${service.url}/metrics`)).text()).to.contain("affiant_attestation_rounds_late 1");
  });
});

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
