import { Contract, type ContractTransactionResponse } from "ethers";
import { expect } from "chai";

import { Follower } from "../../directory/chain/follower.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { followedContracts } from "../../directory/events/contracts.ts";
import { EventReader } from "../../directory/events/reader.ts";
import { stateHash } from "../../directory/fold/stateHash.ts";
import { agentView } from "../../directory/queries/agentView.ts";
import { readAt } from "../../directory/queries/reader.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { mined } from "../../orchestrator/chain/mined.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { random, wordOf, zeroPadRight } from "../helpers/directory/syntheticEvents.ts";
import { Actor, testPolicy } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";

/** The contracts themselves, on a chain that reorganises. */
describe("directory: beside the contracts", () => {
  let chain: TestChain;

  before(async () => {
    chain = await startChain();
  });

  after(async () => {
    await chain.close();
  });

  function follow() {
    const { chainId } = chain.deployment;
    const store = new SqliteStore(":memory:");
    const source = new ChainSource(chainId, [{ url: chain.url, firstPauseMs: 10 }]);
    const contracts = followedContracts(chain.deployment);
    return { chainId, store, source, contracts, follower: new Follower({ chainId, store, source, contracts }) };
  }

  it("knows of an agent what the contracts say, and every log by its name", async () => {
    const actor = await Actor.registered(chain);
    const account = actor.account.connect(chain.provider);
    const agents = new Contract(chain.deployment.contracts.agentRegistry.address, agentRegistryAbi, account);
    const { address } = actor.account;
    await mined(
      agents
        .getFunction("setCard")
        .send(address, "https://a.example/card", wordOf(5), [
          zeroPadRight("refund"),
        ]) as Promise<ContractTransactionResponse>,
    );
    const { chainId, store, source, follower } = follow();
    await follower.catchUp();
    const { data } = await readAt(store, chainId, undefined, (reader) => agentView(reader, address.toLowerCase()));
    const said = (await agents.getFunction("resolve").staticCall(address)) as Record<string, unknown>;
    expect(data).to.deep.include({ owner: String(said["owner"]).toLowerCase(), isActive: said["active"] });
    expect(data.card).to.deep.include({
      uri: said["cardUri"],
      contentHash: said["cardHash"],
      capabilities: ["refund"],
    });
    const keys = said["signingKeys"] as readonly { key: string; addedAtBlock: bigint }[];
    expect(data.signingKeys).to.deep.equal(
      keys.map(({ key, addedAtBlock }) => ({ key, addedAtBlock: Number(addedAtBlock) })),
    );
    expect(data.policy?.policyHash).to.equal(testPolicy);
    const seen = [];

    const reader = new EventReader(followedContracts(chain.deployment));
    for await (const page of store.events(chainId, 0, 1e9)) seen.push(...page.map((raw) => reader.read(raw)));
    expect(seen.length).to.be.above(20);
    expect(seen.filter(({ name }) => name === "unknown")).to.deep.equal([]);
    source.close();
  });

  it("comes through anvil's own reorganisations with the hash of a fresh replay", async () => {
    const next = random(17);
    const live = follow();
    await live.follower.catchUp();
    // Each its own sender: transactions that a reorganisation drops would leave gaps in one sender's numbers.
    for (let turn = 0; turn < 5; turn++) {
      for (let i = 0; i < 2; i++) {
        await Actor.registered(chain);
        if (next() < 0.5) await live.follower.catchUp();
      }
      await chain.rpc("anvil_reorg", 1 + Math.floor(next() * 4), []);
      await live.follower.catchUp();
      const fresh = follow();
      await fresh.follower.catchUp();
      const [one, other] = await Promise.all([live, fresh].map(({ store, chainId }) => stateHash(store, chainId, 1e9)));
      expect(one, `turn ${turn}`).to.equal(other);
      fresh.source.close();
    }
    const feed = await live.store.feed(live.chainId, 0, 1_000);
    expect(feed.filter(({ kind }) => kind === "undo")).to.have.length.above(0);
    live.source.close();
  });
});
