import { expect } from "chai";
import { Wallet } from "ethers";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { Actor } from "../helpers/world/actor.ts";
import { registerCall, type RegisterCall } from "../helpers/world/registerCall.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Fault, FaultProxy } from "../../cli/rehearse/faultProxy.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

/** What the chain and its endpoints can do to a transaction on its way. */
describe("relayer: faults of the write path", () => {
  let chain: TestChain;
  let proxy: FaultProxy;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let sender: Wallet;

  before(async () => {
    chain = await startChain();
  });

  beforeEach(async () => {
    proxy = await FaultProxy.start(chain.url);
  });

  afterEach(async () => {
    await chain.rpc("evm_setAutomine", true);
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x3b9aca00"); // 1 gwei
    await chain.mine(1);
    await relayer?.close();
    await proxy?.close();
    await home?.remove();
  });

  after(async () => {
    await chain?.close();
  });

  async function start(env: Record<string, string> = {}): Promise<void> {
    // Each call a request of its own: a fault hits the call that is meant, and never another that travels with it.
    const settings = { AFFIANT_RPC_URL: proxy.url, AFFIANT_RPC_BATCH_LIMIT: "1", AFFIANT_BUMP_AFTER_BLOCKS: "1" };
    home = await RelayerHome.make(chain, { ...settings, ...env });
    sender = new Wallet((await readFile(join(home.dir, "sender.key"), "utf8")).trim(), chain.provider);
    relayer = await home.start();
    // The log's own registration first, so that the nonces from here on are those of requests.
    await eventually(async () => (await relayer.get("/readyz")).body.anchoring.registered === true);
  }

  /** Breaks calls of one JSON-RPC method. */
  function whenCalled(method: string, fault: (nth: number) => Fault | undefined): void {
    let count = 0;
    proxy.when("POST", /.*/, (_nth, { body }) => (body.includes(`"${method}"`) ? fault(count++) : undefined));
  }

  async function accepted({ actor, target, data }: RegisterCall): Promise<string> {
    const key = { "idempotency-key": actor.account.address };
    const { status, body } = await relayer.post("/v1/requests", { target, data }, key);
    expect(status).to.equal(202);
    return String(body.id);
  }

  async function request(id: string) {
    const { body } = await relayer.get(`/v1/requests/${id}`);
    return body as { state: string; attempts: string[]; txHash?: string; error?: { code: string } };
  }

  async function settled(id: string) {
    await eventually(async () => {
      await chain.mine(1);
      return /final|failed/.test((await request(id)).state);
    });
    return request(id);
  }

  const inState = (id: string, state: string) => eventually(async () => (await request(id)).state === state);
  const counts = async () => {
    const at = async (tag: string) => chain.provider.getTransactionCount(sender.address, tag);
    return [await at("latest"), await at("pending")];
  };

  /** Took effect; and no nonce waits for another. */
  async function expectDone(call: RegisterCall, id: string): Promise<void> {
    expect(await settled(id)).to.include({ state: "final" });
    expect(await chain.agents.getFunction("isActive")(call.actor.account.address)).to.equal(true);
    const [latest, pending] = await counts();
    expect(pending).to.equal(latest);
  }

  it("an anchor that does not get through is late: /readyz and the metrics say so and why, until it does", async () => {
    await start({ AFFIANT_ANCHOR_INTERVAL_MS: "100" });
    const late = async () => {
      const { text } = await relayer.get("/metrics");
      return /^affiant_anchor_late (\d)$/m.exec(text)?.[1];
    };
    expect(await late()).to.equal("0");
    whenCalled("eth_sendRawTransaction", () => ({ kind: "drop" }));
    const actor = await Actor.registered(chain);
    await relayer.post("/v1/entries", { leaf: (await actor.sign()).leaf });
    await eventually(async () => (await late()) === "1");
    const { status, body } = await relayer.get("/readyz");
    expect(status).to.equal(200); // entries are durable without it
    expect(body.anchoring).to.include({ pendingEntries: 1, anchoredSize: 0 });
    expect(body.anchoring.lateBecause).to.match(/no JSON-RPC endpoint|not mined/);
    const causes = /^affiant_anchor_late_cause\{cause="(ERR_UNAVAILABLE_CHAIN|sender|not-mined)"\} 1$/m;
    expect((await relayer.get("/metrics")).text).to.match(causes);
    expect(body.anchoring.lagMs).to.be.greaterThan(0);
    proxy.heal();
    await eventually(async () => {
      await chain.mine(1);
      return (await late()) === "0" && (await relayer.get("/readyz")).body.anchoring.anchoredSize === 1;
    });
    expect((await relayer.get("/readyz")).body.anchoring).to.not.have.any.keys("lateBecause", "lateCause");
    expect((await relayer.get("/metrics")).text).not.to.contain("affiant_anchor_late_cause{");
  });

  it("starts on one endpoint that loses answers and limits requests, as long as it answers in the end", async () => {
    const limit = JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32005, message: "limit exceeded" } });
    const faults: Fault[] = [{ kind: "lose" }, { kind: "answer", status: 429, body: limit }, { kind: "cut" }];
    proxy.when("POST", /.*/, (nth) => faults[nth]);
    await start();
    expect(proxy.seen.length).to.be.greaterThan(faults.length);
  });

  it("does not start where no endpoint answers, and says so", async () => {
    proxy.when("POST", /.*/, () => ({ kind: "drop" }));
    expect(await rejectionCode(start())).to.equal("ERR_UNAVAILABLE_CHAIN");
    proxy.heal();
    relayer = await home.start();
  });

  it("a node takes the transaction, but its answer is lost: one transaction, once", async () => {
    await start();
    const [before] = await counts();
    whenCalled("eth_sendRawTransaction", (nth) => (nth === 0 ? { kind: "lose" } : undefined));
    const call = await registerCall(chain);
    const id = await accepted(call);
    await expectDone(call, id);
    expect((await request(id)).attempts).to.have.lengthOf(1);
    expect((await counts())[0]).to.equal(Number(before) + 1);
  });

  it("a node is gone between simulation and sending: the same bytes go out later", async () => {
    await start();
    whenCalled("eth_sendRawTransaction", (nth) => (nth < 2 ? { kind: "drop" } : undefined));
    const call = await registerCall(chain);
    const id = await accepted(call);
    await expectDone(call, id);
    expect((await request(id)).attempts).to.have.lengthOf(1);
    const sent = proxy.bodies(/.*/).filter((body) => body.includes("eth_sendRawTransaction"));
    const raws = sent.map((body) => (JSON.parse(body) as { params: string[] }).params[0]);
    expect(new Set(raws.slice(-3)).size).to.equal(1);
  });

  it("goes over to the next endpoint when one fails, and says which", async () => {
    await start({ AFFIANT_RPC_URL: `${proxy.url},${chain.url}` });
    proxy.when("POST", /.*/, () => ({ kind: "answer", status: 502, body: "bad gateway" }));
    const call = await registerCall(chain);
    await expectDone(call, await accepted(call));
    const { troubles } = (await relayer.get("/readyz")).body.chain;
    expect(troubles).to.deep.equal([`${new URL(proxy.url).host}: HTTP 502 without JSON`]);
  });

  it("does not ask an endpoint that is blocks behind another", async () => {
    await chain.mine(20);
    proxy.rewrite(/.*/, (text) => text.replace(/"result":"0x[0-9a-f]{1,4}"/, '"result":"0x1"'));
    proxy.when("POST", /.*/, (_nth, { body }) =>
      body.includes("eth_chainId")
        ? { kind: "answer", status: 200, body: '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}' }
        : undefined,
    );
    await start({ AFFIANT_RPC_URL: `${proxy.url},${chain.url}` });
    const [trouble] = (await relayer.get("/readyz")).body.chain.troubles as string[];
    expect(trouble).to.match(/^127\.0\.0\.1:\d+: \d+ blocks behind$/);
    const call = await registerCall(chain);
    await expectDone(call, await accepted(call));
    expect(proxy.bodies(/.*/).some((body) => body.includes("eth_sendRawTransaction"))).to.equal(false);
  });

  it("never asks an endpoint of another chain", async () => {
    proxy.when("POST", /.*/, () => ({
      kind: "answer",
      status: 200,
      body: '{"jsonrpc":"2.0","id":1,"result":"0x1"}',
    }));
    await start({ AFFIANT_RPC_URL: `${proxy.url},${chain.url}` });
    const call = await registerCall(chain);
    await expectDone(call, await accepted(call));
    const asked = proxy.bodies(/.*/).filter((body) => !/eth_chainId|eth_blockNumber/.test(body));
    expect(asked).to.deep.equal([]);
  });

  it("raises the fee at the same nonce when the base fee outgrows it", async () => {
    await start();
    await chain.rpc("evm_setAutomine", false);
    const call = await registerCall(chain);
    const id = await accepted(call);
    await inState(id, "broadcast");
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x4a817c800"); // 20 gwei
    await chain.mine(1);
    await eventually(async () => {
      await chain.mine(1);
      return (await request(id)).attempts.length > 1;
    });
    await chain.rpc("evm_setAutomine", true);
    await expectDone(call, id);
    const { attempts } = await request(id);
    const sent = await Promise.all(attempts.map((hash) => chain.provider.getTransaction(hash)));
    expect(sent.filter((transaction) => typeof transaction?.blockNumber === "number")).to.have.lengthOf(1);
  });

  it("pays no more than the cap, and goes on when the base fee is under it again", async () => {
    await start({ AFFIANT_MAX_FEE_GWEI: "3" });
    await chain.rpc("evm_setAutomine", false);
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x4a817c800");
    await chain.mine(1);
    const call = await registerCall(chain);
    const id = await accepted(call);
    await eventually(async () => (await request(id)).attempts.length > 0);
    await chain.mine(3);
    expect((await request(id)).state).to.be.oneOf(["signed", "broadcast"]);
    await chain.rpc("anvil_setNextBlockBaseFeePerGas", "0x3b9aca00"); // 1 gwei
    await chain.rpc("evm_setAutomine", true);
    await expectDone(call, id);
    const { txHash } = await request(id);
    const mined = await chain.provider.getTransaction(String(txHash));
    expect(Number(mined?.maxFeePerGas)).to.be.at.most(3e9);
  });

  const refusal = { jsonrpc: "2.0", id: null, error: { code: -32000, message: "exceeds block gas limit" } };
  const refused = { kind: "answer", status: 200, body: JSON.stringify(refusal) } as const;

  it("fills the slot of a transaction that a node refuses for good, and sends it again under another nonce", async () => {
    await start();
    whenCalled("eth_sendRawTransaction", (nth) => (nth === 0 ? refused : undefined));
    const call = await registerCall(chain);
    const id = await accepted(call);
    await expectDone(call, id);
    expect((await request(id)).attempts).to.have.lengthOf(2);
  });

  it("gives up a transaction whose slots all died, and keeps none of them open", async () => {
    await start();
    let call = await registerCall(chain);
    // What carries the call's own bytes is refused, whichever nonce it has; the no-ops pass.
    proxy.when("POST", /.*/, (_nth, { body }) =>
      body.includes("eth_sendRawTransaction") && body.includes(call.data.slice(10, 200)) ? refused : undefined,
    );
    const dead = await accepted(call);
    await inState(dead, "failed");
    expect((await request(dead)).error?.code).to.equal("ERR_PROOF_REVERTED");
    expect((await request(dead)).attempts).to.have.lengthOf(3);
    call = await registerCall(chain);
    proxy.heal();
    await expectDone(call, await accepted(call));
  });

  it("sends again what a pool forgot, though later nonces wait behind it", async () => {
    await start();
    await chain.rpc("evm_setAutomine", false);
    const calls = await Promise.all([registerCall(chain), registerCall(chain), registerCall(chain)]);
    const ids: string[] = [];
    for (const call of calls) ids.push(await accepted(call));
    for (const id of ids) await inState(id, "broadcast");
    await chain.rpc("anvil_dropTransaction", (await request(String(ids[0]))).attempts[0]);
    await chain.rpc("evm_setAutomine", true);
    for (const [i, call] of calls.entries()) await expectDone(call, String(ids[i]));
  });

  it("sends again, at the same nonce, what a reorg took out of the chain", async () => {
    await start({ AFFIANT_CONFIRMATIONS: "8" });
    const call = await registerCall(chain);
    const id = await accepted(call);
    await inState(id, "mined");
    const { nonce } = (await chain.provider.getTransaction(String((await request(id)).txHash)))!;
    await chain.rpc("evm_setAutomine", false);
    await chain.rpc("anvil_reorg", 2, []);
    expect(await chain.agents.getFunction("isActive")(call.actor.account.address)).to.equal(false);
    await inState(id, "broadcast");
    await chain.rpc("evm_setAutomine", true);
    await expectDone(call, id);
    const again = await chain.provider.getTransaction(String((await request(id)).txHash));
    expect(again?.nonce).to.equal(nonce);
  });

  it("gives a request another nonce when somebody else used its own with the same key", async () => {
    await start();
    const [nonce] = await counts();
    let raced = false;
    const call = await registerCall(chain);
    whenCalled("eth_sendRawTransaction", () => (raced ? undefined : { kind: "drop" }));
    const id = await accepted(call);
    await inState(id, "signed");
    await mined(sender.sendTransaction({ to: sender.address, nonce: Number(nonce) }));
    raced = true;
    await expectDone(call, id);
    expect((await counts())[0]).to.equal(Number(nonce) + 2);
  });
});
