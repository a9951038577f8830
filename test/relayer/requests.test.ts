import { randomBytes } from "node:crypto";

import { expect } from "chai";
import { Interface, Wallet } from "ethers";

import { agentRegistryDomain, agentRegistryTypes } from "../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { eventually } from "../helpers/eventually.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

const abi = new Interface(agentRegistryAbi);

describe("relayer: sponsored requests", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain, { AFFIANT_REQUEST_QUOTA_PER_DAY: "2" });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  const target = () => chain.deployment.contracts.agentRegistry.address;

  /** Calldata of registerSigned; the signature is by `signer`. */
  async function register(actor: Actor, signer: Wallet = actor.account, nonce = 0n): Promise<string> {
    const message = {
      agent: actor.account.address,
      signingKey: toHex(actor.key.publicKey),
      nonce,
      deadline: 4_000_000_000n,
    };
    const domain = agentRegistryDomain(BigInt(chain.deployment.chainId), target());
    const signature = await signer.signTypedData(domain, signerTypes(agentRegistryTypes, "Register"), message);
    const { agent, signingKey, deadline } = message;
    return abi.encodeFunctionData("registerSigned", [agent, signingKey, nonce, deadline, signature]);
  }

  const send = (data: string, key: string, to = target()) =>
    relayer.post("/v1/requests", { target: to, data }, { "idempotency-key": key });

  async function settled(id: string) {
    await eventually(async () => {
      const { state } = (await relayer.get(`/v1/requests/${id}`)).body;
      if (state === "mined") await chain.mine(1);
      return state === "final" || state === "failed";
    });
    return (await relayer.get(`/v1/requests/${id}`)).body;
  }

  it("carries a signed call of an account without ether, once, however often it is sent", async () => {
    const actor = new Actor(chain);
    const data = await register(actor);
    const answers = await Promise.all([send(data, "a"), send(data, "a"), send(data, "b")]);
    expect(answers.map(({ status }) => status)).to.deep.equal([202, 202, 202]);
    const ids = new Set(answers.map(({ body }) => body.id as string));
    expect([...ids]).to.have.lengthOf(1);
    const status = await settled(answers[0]!.body.id);
    expect(status).to.include({ state: "final" });
    expect(status.attempts).to.deep.equal([status.txHash]);
    expect(await chain.agents["isActive"]!(actor.account.address)).to.equal(true);
    const again = await send(data, "c");
    expect(again.body).to.include({ id: answers[0]!.body.id, state: "final" });
  });

  it("names the contract's own error before a nonce is spent", async () => {
    const actor = new Actor(chain);
    const stranger = new Wallet(toHex(randomBytes(32)));
    const { status, body } = await send(await register(actor, stranger), "wrong-signer");
    expect(status).to.equal(422);
    expect(body).to.include({ code: "ERR_PROOF_SIGNATURE" });
    expect(body.revert.name).to.equal("InvalidSignature");
  });

  it("turns away other targets, other functions, other encodings, and a key that was used otherwise", async () => {
    const actor = new Actor(chain);
    const data = await register(actor);
    const other = await send(data, "other-target", chain.deployment.contracts.logAnchor.address);
    expect(other.body.code).to.equal("ERR_AUTH_TARGET");
    const unsigned = abi.encodeFunctionData("register", [toHex(actor.key.publicKey)]);
    expect((await send(unsigned, "unsigned")).body.code).to.equal("ERR_AUTH_TARGET");
    expect((await send(`${data}00`, "trailing")).body.code).to.equal("ERR_INPUT_ENCODING");
    expect((await send(data, "")).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await send(data, "key")).status).to.equal(202);
    // Of the same agent: another one's key of the same name is another key.
    const second = await send(await register(actor, actor.account, 1n), "key");
    expect(second.status).to.equal(409);
    expect(second.body.code).to.equal("ERR_CONFLICT_IDEMPOTENCY_KEY");
  });

  it("turns away a card's address with a character that no URI has, before anybody runs or keeps it", async () => {
    const call = (uri: string) => {
      const args = [new Actor(chain).account.address, uri, `0x${"11".repeat(32)}`, [], 0n, 4_000_000_000n, "0x11"];
      return send(abi.encodeFunctionData("setCardSigned", args), randomBytes(8).toString("hex"));
    };
    expect((await call("https://a.example/\u001b]0;x\u0007")).body.code).to.equal("ERR_INPUT_CARD_URI");
    expect((await call("https://a.example/")).body.code).to.equal("ERR_PROOF_SIGNATURE");
  });

  it("stops at an agent's daily quota", async () => {
    const actor = new Actor(chain);
    const carried = await send(await register(actor), "quota-1");
    await settled(carried.body.id);
    const key = toHex(new Actor(chain).key.publicKey);
    const domain = agentRegistryDomain(BigInt(chain.deployment.chainId), target());
    const add = async (nonce: bigint) => {
      const message = { agent: actor.account.address, signingKey: key, nonce, deadline: 4_000_000_000n };
      const types = signerTypes(agentRegistryTypes, "AddSigningKey");
      const signature = await actor.account.signTypedData(domain, types, message);
      return abi.encodeFunctionData("addSigningKeySigned", [message.agent, key, nonce, message.deadline, signature]);
    };
    expect((await send(await add(1n << 64n), "quota-2")).status).to.equal(202);
    const third = await send(await add(2n << 64n), "quota-3");
    expect(third.status).to.equal(429);
    expect(third.body).to.include({ code: "ERR_LIMIT_QUOTA", requests: 2, quotaPerDay: 2 });
  });

  it("knows no request that was never made", async () => {
    expect((await relayer.get("/v1/requests/none")).body.code).to.equal("ERR_NOT_FOUND_REQUEST");
  });
});
