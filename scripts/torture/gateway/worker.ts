/**
 * A gateway that kills itself: `node worker.ts FOLDER FLOW POINT`. It carries one call of the flow and dies, by SIGKILL, at the POINT-th
 * thing that it does; with POINT 0 it only enters what was left. Prints `done` where it lived to the end.
 */
import { join } from "node:path";

import { ActLedger } from "../../../adapters/acts/actLedger.ts";
import { ClaimStore } from "../../../adapters/acts/claimStore.ts";
import type { MessagePort } from "../../../adapters/mcp/messagePort.ts";
import { ToolGateway } from "../../../adapters/mcp/toolGateway.ts";
import { DurableLines, durableAgent } from "./durable.ts";
import { flows } from "./flows.ts";

const [folder = "", flowName = "", pointText = "0"] = process.argv.slice(2);
const flow = flows[flowName];
if (flow === undefined) throw new Error(`no flow ${flowName}`);
let left = Number(pointText);
const step = (): void => {
  if (left > 0 && --left === 0) process.kill(process.pid, "SIGKILL");
};

class KillingClaims extends ClaimStore {
  override add(claim: Parameters<ClaimStore["add"]>[0]): void {
    step();
    super.add(claim);
    step();
  }

  override remove(id: string): void {
    step();
    super.remove(id);
    step();
  }
}

const claims = new KillingClaims(join(folder, "claims"));
const ledger = new ActLedger({
  agent: durableAgent(join(folder, "journal.jsonl"), step),
  gate: () => Promise.resolve(undefined),
  claims,
});
await ledger.recover();
if (pointText !== "0") {
  const effects = new DurableLines<string>(join(folder, "effects.jsonl"));
  const port = (send: (text: string) => void): MessagePort => ({
    onText: undefined,
    onClose: undefined,
    onProblem: undefined,
    start: () => Promise.resolve(),
    close: () => Promise.resolve(),
    send: (text) => Promise.resolve(send(text)),
  });
  const server = port((text) => {
    step();
    const { effect, answers } = flow.serve(text);
    if (effect !== undefined) effects.add(effect);
    step();
    for (const answer of answers) server.onText?.(answer);
  });
  const answered: string[] = [];
  const client = port((text) => {
    step();
    answered.push(text);
  });
  const gateway = new ToolGateway({ client, server, ledger, session: "torture" });
  await gateway.start();
  for (const message of flow.says) {
    client.onText?.(message);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await gateway.close();
}
claims.close();
console.log("done");
