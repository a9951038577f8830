import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { Contract, type ContractTransactionResponse } from "ethers";

import { encodeCapability } from "../../agent/card/capabilities.ts";
import { signCard } from "../../agent/card/signedCard.ts";
import { cardLookUp } from "../../cli/directory/lookUp.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { followedContracts } from "../../directory/events/contracts.ts";
import { type RunningDirectory, startDirectory } from "../../directory/startDirectory.ts";
import { verifyAnswer } from "../../directory/verify/verifyAnswer.ts";
import { mined } from "../../orchestrator/chain/mined.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import { fromHex, toHex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";

interface Hit {
  readonly facts: { readonly name: string; readonly endpoint: string };
  readonly chain: { readonly agent: string; readonly signingKeys: readonly { readonly key: string }[] };
}

/** A directory as it is run: a chain, agents with signed cards, and one who knows nothing but the directory's address. */
describe("directory: as a whole", () => {
  const folder = tempFolders();
  let chain: TestChain;
  let directory: RunningDirectory;
  let cards: Map<string, Uint8Array>;
  const server = createServer((request, response) => {
    const bytes = cards.get(request.url ?? "");
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });

  before(async () => {
    chain = await startChain();
    cards = new Map();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    directory = await startDirectory(
      {
        rpcUrls: [chain.url],
        deployment: chain.deployment,
        dataDir: await folder(),
        host: "127.0.0.1",
        port: 0,
        names: [],
        baseUrl: undefined,
        relayerUrl: undefined,
        allowPrivate: true,
        erc8004: undefined,
        snapshotEvery: 0,
      },
      { lookUp: cardLookUp(true) },
    );
  });

  after(async () => {
    await directory.close();
    await new Promise((resolve) => server.close(resolve));
    await chain.close();
  });

  /** An agent with a card at our server; `signer` signs it. */
  async function publish(name: string, signer?: Actor): Promise<Actor> {
    const actor = await Actor.registered(chain);
    const { key } = signer ?? actor;
    const card = {
      name,
      description: "pays money back in EUR",
      version: "1",
      url: "http://127.0.0.1:9/a2a",
      skills: [{ id: "refund", name: "Refund", description: "money back", tags: ["payment.refund"] }],
    };
    const signed = await signCard(card, key.publicKey, (message) => key.sign(message));
    cards.set(`/${name}`, signed.bytes);
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`;
    const { agentRegistry } = chain.deployment.contracts;
    const agents = new Contract(agentRegistry.address, agentRegistryAbi, actor.account.connect(chain.provider));
    const capabilities = [encodeCapability("payment.refund")];
    const sent = agents.getFunction("setCard").send(actor.account.address, uri, signed.contentHash, capabilities);
    await mined(sent as Promise<ContractTransactionResponse>);
    return actor;
  }

  async function search(query: string): Promise<readonly Hit[]> {
    const response = await fetch(`${directory.url}/v1/search?${query}`);
    return ((await response.json()) as { data?: readonly Hit[] }).data ?? [];
  }

  it("lets one agent find another by what it can do, and check who it is against the chain", async () => {
    const honest = await publish("honest");
    // Somebody else's signature under an agent's name is nothing to be found by.
    await publish("forged", honest);
    await chain.mine(1);
    await eventually(async () => (await search("q=refund+in+EUR&capability=payment.refund")).length > 0);
    const found = await search("q=refund+in+EUR&capability=payment.refund");
    expect(found.map(({ facts }) => facts.name)).to.deep.equal(["honest"]);
    const [{ chain: who, facts } = {} as Hit] = found;
    expect(who.agent).to.equal(honest.account.address.toLowerCase());
    expect(facts.endpoint).to.equal("http://127.0.0.1:9/a2a");
    // The key by which its contracts and entries are checked is one that the chain names.
    const [{ key } = { key: "0x" }] = who.signingKeys;
    expect(formatKeyDid(fromHex(key, 32))).to.equal(formatKeyDid(honest.key.publicKey));
    expect(key).to.equal(toHex(honest.key.publicKey));
    expect(await search("q=refund&trusted=true")).to.deep.equal([]);

    const answer: unknown = await (await fetch(`${directory.url}/v1/agents/${who.agent}`)).json();
    const { chainId } = chain.deployment;
    const source = new ChainSource(chainId, [{ url: chain.url }]);
    const contracts = followedContracts(chain.deployment);
    expect(await verifyAnswer(answer, { chainId, source, contracts })).to.deep.include({ outcome: "holds" });
    source.close();
  });

  it("forgets an agent's card when the key that signed it is revoked", async () => {
    const gone = await publish("gone");
    await eventually(async () => (await search("q=gone")).length === 1);
    const { agentRegistry } = chain.deployment.contracts;
    const agents = new Contract(agentRegistry.address, agentRegistryAbi, gone.account.connect(chain.provider));
    const sent = agents.getFunction("revokeSigningKey").send(gone.account.address, toHex(gone.key.publicKey));
    await mined(sent as Promise<ContractTransactionResponse>);
    await eventually(async () => (await search("q=gone")).length === 0);
  });
});
