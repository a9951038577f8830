/** `npm run torture -- attestation`: attacks on agents that run as separate processes; prints what caught each. */
import { appendFile, copyFile, rename } from "node:fs/promises";
import { createServer, type Server } from "node:http";

import type { Finding } from "../../attestation/verifier/examine.ts";
import { signVerdict, type Verdict } from "../../attestation/verifier/signVerdict.ts";
import type { SealedTask } from "../../protocol/attestation/task.ts";
import { unpackRecord } from "../../protocol/attestation/record.ts";
import { collusions, hypergeometricMiss, simulateMisses } from "../bench/attestation/detection.ts";
import { patchMemory } from "./attestation/patchMemory.ts";
import { scenarios } from "./attestation/scenarios.ts";
import { System, type SystemAgent } from "./attestation/system.ts";
import type { Challenge } from "../../protocol/attestation/challenge.ts";
import { commissioned, nodeProgram, pythonProgram, wrap, type WrappedAgent } from "./attestation/wrapped.ts";

/** Enough for five fresh verifiers behind a panel of three to the end: (n − 1) / 2 are drawn for each. */
const agentCount = 24;

interface Attack {
  readonly name: string;
  /** Does it. @returns what undoes what would go on by itself */
  readonly strike: (system: System, target: SystemAgent) => Promise<(() => Promise<void>) | void>;
  /** Status of the target after the round that shows that the attack was caught; undefined: any. */
  readonly caught: string | undefined;
  /** What else has to be so. */
  readonly also?: (system: System, target: SystemAgent) => Promise<boolean>;
  /** Further rounds that it takes: three time-outs in a row end trust. */
  readonly rounds?: number;
}

const attacks: readonly Attack[] = [
  {
    name: "a file of a Node program changed on disk",
    strike: (_system, { program }) => appendFile(program.file, "\n"),
    caught: "convicted",
  },
  {
    name: "a file of a Python program changed on disk",
    strike: (_system, { program }) => appendFile(program.file, "\n"),
    caught: "convicted",
  },
  {
    name: "a library swapped",
    async strike(_system, { program }) {
      await copyFile(program.command[0], `${program.file}.new`);
      await rename(`${program.file}.new`, program.file);
    },
    caught: "convicted",
  },
  {
    name: "memory of a native process patched",
    strike: (_system, { wrapper, program }) => patchMemory(wrapper.pid ?? -1, program.command[0]),
    caught: "convicted",
  },
  {
    name: "an old answer replayed",
    async strike(system, target) {
      const { agent } = target.wrapper.wrapping;
      const question = { round: 0, target: agent, verifier: agent, nonce: `0x${"07".repeat(32)}` } as const;
      const old = await target.wrapper.answer(commissioned(question, target.wrapper));
      await system.silence(target);
      const server = await answerAlways(old, target.port);
      return () => closed(server);
    },
    caught: "silent",
    rounds: 3,
  },
  {
    name: "an answer relayed from a clean twin",
    async strike(system, target) {
      await system.silence(target);
      // The twin has the same files and even the target's keys. What it lacks is the key that the service injected.
      const twin: WrappedAgent = await wrap(target.program, { account: target.account, signing: target.signing });
      const server = await relayTo(twin, target.port);
      return async () => {
        await closed(server);
        await twin.close();
      };
    },
    caught: "convicted",
  },
  {
    name: "a silent target, which is a silent verifier too",
    strike: (system, target) => system.silence(target),
    caught: "silent",
    rounds: 3,
  },
  {
    name: "a verifier that gives no verdicts",
    async strike(_system, target) {
      target.lie = () => Promise.reject(new Error("silent"));
    },
    // Passed over, and struck for it. What it loses by three strikes it may win back as a target: it runs what it should.
    caught: undefined,
    also: async (system, { account }) => {
      // In one round of 25 it is drawn for nobody: then there is nothing to be silent about.
      for (let more = 0; ; more++) {
        const strikes = await system.registry.queryFilter("VerifierStruck", 0);
        if (strikes.some((event) => "args" in event && event.args["verifier"] === account.address)) return true;
        if (more === 3) return false;
        await nextRound(system);
      }
    },
    rounds: 1,
  },
  {
    // Nothing tells a verifier's lie from a mistake, so it stays; whom it accused is acquitted by five others.
    name: "a verifier that always says FAIL",
    async strike(system, target) {
      system.alerts.length = 0;
      target.lie = (task) => says(task, target, "fail");
    },
    caught: "trusted",
    also: async (system) => system.alerts.some(({ kind }) => kind === "quarantined"),
  },
  collusion("one of the three drawn verifiers passes a program that was changed", 1),
  collusion("two of the three drawn verifiers pass a program that was changed", 2),
];

/** Friends of the target: the first so many verifiers that are asked about it say PASS, whoever was drawn. */
function collusion(name: string, friends: number): Attack {
  let lies = 0;
  return {
    name,
    async strike(system, target) {
      for (const agent of system.agents) {
        agent.lie = async (task) => {
          if (task.place.target !== target.account.address || lies === friends) return undefined;
          lies++;
          return says(task, agent, "pass");
        };
      }
      await patchMemory(target.wrapper.pid ?? -1, target.program.command[0]);
      return async () => {
        for (const agent of system.agents) agent.lie = () => Promise.resolve(undefined);
      };
    },
    caught: "convicted",
    also: () => Promise.resolve(lies === friends),
  };
}

async function says(task: SealedTask, { account }: SystemAgent, result: "pass" | "fail"): Promise<Verdict> {
  const finding: Finding = { result, attempts: 1, evidenceHash: `0x${"ee".repeat(32)}`, evidence: null };
  return signVerdict(finding, task.place, account);
}

async function main(): Promise<void> {
  const system = await System.start(agentCount - 2);
  const [node, python] = [await system.add(nodeProgram), await system.add(pythonProgram)];
  const rest = system.agents.filter((agent) => agent !== node && agent !== python);
  await nextRound(system);
  let missed = 0;
  for (const { name, run } of scenarios) {
    const { caught, by } = await run(system);
    if (!caught) missed++;
    console.log(`${caught ? "caught" : "MISSED"}  ${name}: ${by}`);
  }
  const struck = new Set<SystemAgent>();
  for (const attack of attacks) {
    const target = attack.name.includes("Node") ? node : attack.name.includes("Python") ? python : rest.pop();
    if (!target) throw new Error("too few agents");
    const blockBefore = await system.reader.blockNumber();
    const undo = await attack.strike(system, target);
    for (let round = 0; round < (attack.rounds ?? 1); round++) await nextRound(system);
    const status = await system.status(target);
    const blocks = (await system.reader.blockNumber()) - blockBefore;
    const expected = attack.caught ?? status;
    const caught = status === expected && ((await attack.also?.(system, target)) ?? true);
    if (!caught) missed++;
    const by = await lastWord(system, target);
    console.log(`${caught ? "caught" : "MISSED"}  ${attack.name}: ${status} after ${blocks} blocks (${by})`);
    await undo?.();
    struck.add(target);
  }
  const honest = await standings(system, struck);
  const wronged = honest.filter((status) => status === "convicted" || status === "quarantined").length;
  const honestAgents = Object.fromEntries(
    [...new Set(honest)].map((one) => [one, honest.filter((s) => s === one).length]),
  );
  for (const row of detections()) console.log(row);
  console.log(JSON.stringify({ attacks: attacks.length + scenarios.length, missed, honestAgents }));
  await system.close();
  process.exit(missed === 0 && wronged === 0 ? 0 : 1);
}

/** What the chain has on record last about an agent. */
async function lastWord({ registry }: System, { account }: SystemAgent): Promise<string> {
  const [, [word]] = (await registry.getFunction("history")(account.address, 0, 1)) as [bigint[], bigint[]];
  const { kind, round, passes, fails, timeouts } = unpackRecord(word ?? 0n);
  return `round ${round}: ${kind}, ${passes} PASS, ${fails} FAIL, ${timeouts} TIMEOUT`;
}

/** Colluding pairs up to a third of 20 agents: how often a bad one is verified by bad ones alone, beside the bound. */
function detections(): readonly string[] {
  const rounds = 10_000;
  const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
  return simulateMisses(20, rounds, collusions).map((missed, i) => {
    const { bad, verifiers } = collusions[i] ?? { bad: 0, verifiers: 0 };
    const bound = percent(1 - hypergeometricMiss(20, bad, verifiers));
    return `detected  ${bad} of 20 collude, m = ${verifiers}: ${percent(1 - missed)} of ${rounds} simulated rounds, hypergeometric ${bound}`;
  });
}

/** Opens a round and brings it to its end. */
async function nextRound(system: System): Promise<void> {
  const number = ((await system.reader.round())?.number ?? 0) + 1;
  await system.stepUntil(() => system.roundIs("closed", number), 400);
}

/** How those stand that were not attacked. One that a convicted agent alone vouched for is suspect, by design. */
async function standings(system: System, struck: ReadonlySet<SystemAgent>): Promise<readonly string[]> {
  const honest = system.agents.filter((agent) => !struck.has(agent));
  return Promise.all(honest.map((agent) => system.status(agent)));
}

function answerAlways(evidence: string, port: number): Promise<Server> {
  return listening(
    createServer((_request, response) => response.end(JSON.stringify({ evidence }))),
    port,
  );
}

/** The twin's host knows its agent's key, and commissions there what comes for the target. */
function relayTo(twin: WrappedAgent, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      const isChallenge = request.url?.endsWith("/challenge") === true;
      const passed = isChallenge ? JSON.stringify(commissioned(JSON.parse(body.toString()) as Challenge, twin)) : body;
      fetch(`${twin.url}${request.url}`, { method: "POST", body: passed })
        .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
        .catch(() => response.destroy());
    });
  });
  return listening(server, port);
}

function listening(server: Server, port: number): Promise<Server> {
  return new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(server)));
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => void server.close(() => resolve()));
}

await main();
