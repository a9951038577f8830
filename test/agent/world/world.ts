import type { Agent } from "../../../agent/agent.ts";
import { createAgentKeys } from "../../../agent/keys/keystore.ts";
import { openAgent, type OpenAgentOptions } from "../../../agent/openAgent.ts";
import type { PolicyBundle } from "../../../protocol/policy/types.ts";
import { FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import { startChain, type TestChain } from "../../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer, testOperatorToken } from "../../helpers/world/relayer.ts";

/** A policy under which everything may be done except `forbidden.act`. */
export const openPolicy: PolicyBundle = {
  format: "affiant-policy/1",
  name: "open",
  description: "For tests: one act is forbidden.",
  schema:
    'entity Agent; entity System; action "test.act", "forbidden.act", "heartbeat" appliesTo ' +
    "{ principal: Agent, resource: System, context: {} };",
  policies:
    '@id("all") permit (principal, action, resource);\n' +
    '@id("never") @rule("Never do the forbidden act.") forbid (principal, action == Action::"forbidden.act", resource);\n',
  facts: {},
  undecidable: [],
};

export const closedPolicy: PolicyBundle = { ...openPolicy, name: "closed" };

/** A chain, a relayer, and a proxy between the relayer and the agents. */
export interface World {
  readonly chain: TestChain;
  readonly home: RelayerHome;
  readonly proxy: FaultProxy;
  /** Straight to the relayer. */
  readonly relayer: RunningRelayer;
  /** Makes the keys of an agent in a data folder. */
  create(dataDir: string, name: string): Promise<void>;
  open(dataDir: string, name: string, options?: Partial<OpenAgentOptions>): Promise<Agent>;
  /** An agent that is registered and has committed to {@link openPolicy}. */
  ready(dataDir: string, name: string, options?: Partial<OpenAgentOptions>): Promise<Agent>;
  close(): Promise<void>;
}

export async function startWorld(env: Record<string, string> = {}): Promise<World> {
  const chain = await startChain();
  const home = await RelayerHome.make(chain, env);
  const relayer = await home.start();
  const proxy = await FaultProxy.start(relayer.url);

  const create = async (dataDir: string, name: string): Promise<void> => {
    await createAgentKeys({ dataDir, name, chainId: chain.deployment.chainId });
  };
  const open = (dataDir: string, name: string, options: Partial<OpenAgentOptions> = {}): Promise<Agent> =>
    openAgent({
      operatorToken: testOperatorToken,
      dataDir,
      name,
      relayerUrl: proxy.url,
      rpcUrl: chain.url,
      deployment: chain.deployment,
      retry: { firstPauseMs: 1, maxPauseMs: 1 },
      ...options,
    });
  return {
    chain,
    home,
    proxy,
    relayer,
    create,
    open,
    async ready(dataDir, name, options) {
      await create(dataDir, name);
      const agent = await open(dataDir, name, options);
      await agent.register();
      await agent.commitPolicy(openPolicy);
      return agent;
    },
    async close() {
      await proxy.close();
      await relayer.close();
      await chain.close();
      await home.remove();
    },
  };
}
