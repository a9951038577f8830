import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { openSenderKey } from "../../relayer/sender/signer.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { FaultProxy } from "../../cli/rehearse/faultProxy.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";

/** Several sender keys beside each other. */
describe("relayer: lanes", () => {
  let chain: TestChain;
  let proxy: FaultProxy;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
  });

  beforeEach(async () => {
    proxy = await FaultProxy.start(chain.url);
    home = await RelayerHome.make(chain, { AFFIANT_RPC_URL: proxy.url, AFFIANT_LANE_IN_FLIGHT: "1" });
  });

  afterEach(async () => {
    await chain.rpc("evm_setAutomine", true);
    await chain.mine(1);
    await relayer?.close();
    await proxy?.close();
    await home?.remove();
  });

  after(async () => {
    await chain?.close();
  });

  const laneFile = () => join(home.dir, "lane2.key");
  const twoLanes = () => ({ AFFIANT_LANE_KEY_FILES: laneFile() });
  const operator = async () => new Wallet((await readFile(join(home.dir, "sender.key"), "utf8")).trim()).address;

  async function submit(): Promise<string> {
    const { actor, target, data } = await registerCall(chain);
    const key = { "idempotency-key": actor.account.address };
    return String((await relayer.post("/v1/requests", { target, data }, key)).body.id);
  }

  const state = async (id: string) => String((await relayer.get(`/v1/requests/${id}`)).body.state);
  const isRegistered = async () => (await relayer.get("/readyz")).body.anchoring.registered === true;

  async function allFinal(ids: readonly string[]): Promise<void> {
    await eventually(async () => {
      await chain.mine(1);
      return (await Promise.all(ids.map(state))).every((one) => one === "final");
    });
  }

  async function senderOf(id: string): Promise<string | undefined> {
    const { attempts } = (await relayer.get(`/v1/requests/${id}`)).body;
    return (await chain.provider.getTransaction(String(attempts.at(-1))))?.from;
  }

  it("carries requests beside each other, and anchors with the operator's key alone", async () => {
    await chain.fund(openSenderKey(laneFile()).address);
    relayer = await home.start(twoLanes());
    await eventually(isRegistered);
    await chain.rpc("evm_setAutomine", false);
    const ids = [await submit(), await submit()];
    // One transaction of a lane at a time, and no block comes: both are out only if there are two lanes.
    await eventually(async () => (await Promise.all(ids.map(state))).every((one) => one === "broadcast"));
    await allFinal(ids);
    const senders = await Promise.all(ids.map(senderOf));
    expect(new Set(senders)).to.deep.equal(new Set([await operator(), openSenderKey(laneFile()).address]));
    const { logId } = (await relayer.get("/v1/log")).body;
    expect((await chain.logAnchor.getFunction("logOf")(logId)).operator).to.equal(await operator());
  });

  it("leaves what an account cannot pay for to another, and says which account is empty", async () => {
    const empty = openSenderKey(laneFile()).address;
    relayer = await home.start(twoLanes());
    await eventually(isRegistered);
    const ids = [await submit(), await submit(), await submit(), await submit()];
    await allFinal(ids);
    expect(new Set(await Promise.all(ids.map(senderOf)))).to.deep.equal(new Set([await operator()]));
    expect(await chain.provider.getTransactionCount(empty)).to.equal(0);
    const metrics = await (await fetch(`${relayer.url}/metrics`)).text();
    expect(metrics).to.include(`affiant_sender_balance_ether{lane="${empty}"} 0\n`);
    expect(metrics).not.to.include(`affiant_sender_balance_ether{lane="${await operator()}"} 0\n`);
  });

  it("follows the transactions of a key that was taken out of the settings, and gives what waits to the others", async () => {
    const { address } = openSenderKey(laneFile());
    await chain.fund(address);
    relayer = await home.start(twoLanes());
    await eventually(isRegistered);
    await chain.rpc("evm_setAutomine", false);
    const ids = [await submit(), await submit(), await submit()];
    await eventually(async () => (await chain.provider.getTransactionCount(address, "pending")) === 1);
    await relayer.close();
    // The pool forgets it, too: only the journal has the signed bytes.
    const [hash] = Object.values(await poolOf(address));
    await chain.rpc("anvil_dropTransaction", hash);
    relayer = await home.start();
    await chain.rpc("evm_setAutomine", true);
    await allFinal(ids);
    expect(await chain.provider.getTransactionCount(address)).to.equal(1);
  });

  async function poolOf(address: string): Promise<Record<string, string>> {
    const { pending } = (await chain.rpc("txpool_content")) as {
      pending: Record<string, Record<string, { hash: string }>>;
    };
    const slots = pending[address] ?? pending[address.toLowerCase()] ?? {};
    return Object.fromEntries(Object.entries(slots).map(([nonce, { hash }]) => [nonce, hash]));
  }

  it("does not start with one key in two lanes", async () => {
    await writeFile(laneFile(), await readFile(join(home.dir, "sender.key")), { mode: 0o600 });
    expect(await rejectionCode(home.start(twoLanes()))).to.equal("ERR_INPUT_CONFIG");
    relayer = await home.start();
  });

  it("goes on with a node that takes no batches", async () => {
    proxy.when("POST", /.*/, (_nth, { body }) =>
      body.startsWith("[")
        ? { kind: "answer", status: 200, body: '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}}' }
        : undefined,
    );
    relayer = await home.start();
    await allFinal(await Promise.all([submit(), submit(), submit()]));
    expect(proxy.bodies(/.*/).some((body) => body.startsWith("["))).to.equal(true);
  });
});
