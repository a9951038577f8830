/** An agent that signs what it does. While `npm start` is up: `node examples/agent-in-30-lines/agent.ts` */
import { join } from "node:path";

// With the package: "@affiant/sdk".
import { openAgent } from "../../sdk/agent.ts";

const [dataDir = "data"] = process.argv.slice(2);
const agent = await openAgent.fromDataDir("clerk", { dataDir, policy: join(import.meta.dirname, "policy") });

const { seq, index } = await agent.record({ act: "greet", input: { name: "Ada" }, output: "Hello, Ada" });
console.log(`${agent.did} greeted Ada: its entry ${seq}, number ${index} in the log`);
agent.close();
