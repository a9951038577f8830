import { readFileSync } from "node:fs";
import { join } from "node:path";

import { type Agent } from "../../../agent/agent.ts";
import { createAgentKeys } from "../../../agent/keys/keystore.ts";
import { openAgent } from "../../../agent/openAgent.ts";
import { loadPolicyBundle } from "../../../agent/policy/loadBundle.ts";
import { parseDeployment } from "../../../protocol/deployment.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { type Json } from "../../../protocol/json/canonical.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { readStationConfig, type StationConfig } from "./config.ts";
import { objectIn, orderIdIn } from "./input.ts";
import { type Routes, serve } from "./server.ts";
import { Station } from "./station.ts";
import { type Trade } from "./step.ts";
import { Workbook } from "./workbook.ts";

/** What makes one agent of the shop different from the others. */
export interface Business {
  /** Path → the step that a request there asks for. */
  readonly trades?: Readonly<Record<string, Trade>>;
  readonly routes?: Routes;
  /** Work of the agent's own accord. It ends when `stop` is signalled. */
  readonly work?: (stop: AbortSignal) => Promise<void>;
  /** How much is left to do; beside it the steps done and refused are counted. */
  readonly waiting?: () => number;
}

/**
 * Runs an agent of the shop as a process: identity, registration, policy, then work. Every part of it may have been done
 * by an earlier run; what was done is found and not done again.
 */
export async function runStation(open: (station: Station, config: StationConfig) => Business): Promise<void> {
  try {
    await work(open);
  } catch (error) {
    console.error(isAffiantError(error) ? `${error.code}: ${error.message}` : error);
    process.exit(1);
  }
}

async function work(open: (station: Station, config: StationConfig) => Business): Promise<void> {
  const config = readStationConfig(process.env);
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

  const agent = await openOrCreate(config);
  const bundle = await loadPolicyBundle(config.policyDir);
  await agent.register();
  const policy = { ...(await agent.commitPolicy(bundle)), name: bundle.name };

  const workbook = new Workbook(join(config.dataDir, "agents", config.name, "work.db"));
  const station = new Station(agent, workbook, compilePolicy(bundle), stop.signal);
  const business = open(station, config);
  const recovered = await station.catchUp();
  const server = await serve({ ...routesOf(station, business), ...business.routes }, config.port);
  const working = (business.work?.(stop.signal) ?? Promise.resolve()).catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  const url = `http://127.0.0.1:${config.port}`;
  console.log(JSON.stringify({ ready: true, url, pid: process.pid, did: agent.did, policy, recovered }));

  await new Promise<void>((resolve, reject) => {
    stop.signal.addEventListener("abort", () => resolve(), { once: true });
    // An agent whose work fails must not stay up and look well: it ends, and is started again.
    working.catch(reject);
  });
  server.closeAllConnections();
  server.close();
  await working;
  agent.close();
  workbook.close();
}

/** The keys are made by the process that uses them; nobody hands them to it. */
async function openOrCreate({ dataDir, name, relayerUrl, rpcUrl, deploymentPath }: StationConfig): Promise<Agent> {
  const deployment = parseDeployment(readFileSync(deploymentPath, "utf8"));
  const open = () =>
    openAgent({
      dataDir,
      name,
      relayerUrl,
      rpcUrl,
      deployment,
      // A killed local chain forgets its newest block; an entry must not name that one.
      settings: { notBeforeDepth: 1 },
    });
  try {
    return await open();
  } catch (error) {
    if (!isAffiantError(error, "ERR_NOT_FOUND_AGENT")) throw error;
    await createAgentKeys({ dataDir, name, chainId: deployment.chainId });
    return open();
  }
}

function routesOf(station: Station, business: Business): Routes {
  const routes: Record<string, (body: Json) => Promise<Json> | Json> = {
    "GET /v1/status": () => ({
      waiting: business.waiting?.() ?? 0,
      done: station.workbook.countSteps("act"),
      refused: station.workbook.countSteps("refusal"),
    }),
  };
  for (const [path, trade] of Object.entries(business.trades ?? {})) {
    routes[`POST ${path}`] = async (body) => {
      const { orderId, input } = objectIn(body, "the request");
      return { ...(await station.take(trade, orderIdIn(orderId), input ?? null)) };
    };
  }
  return routes;
}
