/** An agent that signs what it does. While `npm start` is up: `node examples/agent-in-30-lines/agent.ts` */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";

// With the package: "@affiant/sdk/agent" and "@affiant/sdk/protocol".
import { createAgentKeys, loadPolicyBundle, openAgent } from "../../sdk/agent.ts";
import { isAffiantError, parseDeployment } from "../../sdk/protocol.ts";

const [dataDir = "data"] = process.argv.slice(2);
const endpoints = JSON.parse(await readFile(join(dataDir, "endpoints.json"), "utf8")) as Record<string, string>;
const { relayerUrl = "", rpcUrl = "", deploymentPath = "" } = endpoints;
const deployment = parseDeployment(await readFile(resolve(dataDir, deploymentPath), "utf8"));

const name = "clerk";
await createAgentKeys({ dataDir, name, chainId: deployment.chainId }).catch((error: unknown) => {
  if (!isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) throw error;
});
const agent = await openAgent({ dataDir, name, relayerUrl, rpcUrl, deployment });
await agent.register();
await agent.commitPolicy(await loadPolicyBundle(join(import.meta.dirname, "policy")));

const { seq, index } = await agent.record({ act: "greet", input: { name: "Ada" }, output: "Hello, Ada" });
console.log(`${agent.did} greeted Ada: its entry ${seq}, number ${index} in the log`);
agent.close();
