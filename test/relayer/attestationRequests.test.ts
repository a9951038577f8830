import { randomBytes } from "node:crypto";

import { expect } from "chai";
import { Interface, Wallet, ZeroHash } from "ethers";

import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { signConsent } from "../../attestation/wrap/consent.ts";
import { signVerdict } from "../../attestation/verifier/signVerdict.ts";
import { relayedSender } from "../../attestation/service/relayedSender.ts";
import type { TransactionSender } from "../../attestation/service/registry.ts";
import { appointAttestationService } from "../../orchestrator/deploy/attestationService.ts";
import { secretCommitment } from "../../protocol/attestation/seed.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { eventually } from "../helpers/eventually.ts";

const abi = new Interface(iAttestationRegistryAbi);

/** The service's account and the agents' have no ether: whatever is mined here, the relayer carried. */
describe("relayer: calls of the attestation registry", () => {
  const service = new Wallet(toHex(randomBytes(32)));
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let sender: TransactionSender;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    relayer = await home.start();
    await appointAttestationService(chain.deployer, chain.deployment, service.address);
    sender = relayedSender({
      relayer: new RelayerClient({ url: relayer.url }),
      provider: chain.provider,
      chainId: chain.deployment.chainId,
      registry: target(),
      account: service,
    });
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  const target = () => chain.deployment.contracts.attestationRegistry.address;
  const send = (name: string, args: readonly unknown[], key: string) =>
    relayer.post(
      "/v1/requests",
      { target: target(), data: abi.encodeFunctionData(name, args) },
      { "idempotency-key": key },
    );

  async function mined(id: string): Promise<string> {
    let state = "";
    await eventually(async () => {
      state = (await relayer.get(`/v1/requests/${id}`)).body.state;
      return ["mined", "final", "failed"].includes(state);
    });
    return state;
  }

  it("carries enrolment, introduction and the opening of a round, signed by the service or an agent", async () => {
    const actor = new Actor(chain);
    const { target: agentRegistry, data } = await registerCall(chain, undefined, actor);
    const call = { target: agentRegistry, data };
    const registered = await relayer.post("/v1/requests", call, { "idempotency-key": "register" });
    await mined(registered.body.id);
    const agent = actor.account.address;
    const consentPlace = { chainId: chain.deployment.chainId, registry: target(), agent, version: 1 };
    const consent = await signConsent(actor.account, consentPlace, Math.floor(Date.now() / 1000));
    await sender.send("enrol", [agent, toHex(randomBytes(32)), service.address, 0, consent]);
    const place = {
      chainId: chain.deployment.chainId,
      registry: target(),
      round: 0,
      seed: ZeroHash as Hex,
      target: actor.account.address,
      enrolment: 1,
      verifier: service.address,
    };
    const finding = { result: "pass", attempts: 1, evidenceHash: toHex(randomBytes(32)), evidence: null } as const;
    await sender.send("introduce", [actor.account.address, await signVerdict(finding, place, service)]);
    const { blockNumber } = await sender.send("openRound", [secretCommitment(toHex(randomBytes(32)))]);
    expect(blockNumber).to.be.greaterThan(0);
  });

  it("carries a call without a signature again once it is due again, and as one while it is on its way", async () => {
    const early = await send("voidRound", [], "early");
    expect([early.status, early.body.revert.name]).to.deep.equal([409, "TooEarly"]);
    await chain.mine(110);
    const [first, same] = await Promise.all([send("voidRound", [], "a"), send("voidRound", [], "b")]);
    expect([first.status, same.status]).to.deep.equal([202, 202]);
    expect(same.body.id).to.equal(first.body.id);
    expect(await mined(first.body.id)).to.not.equal("failed");
    await sender.send("openRound", [secretCommitment(toHex(randomBytes(32)))]);
    await chain.mine(110);
    const next = await send("voidRound", [], "c");
    expect(next.body.id).to.not.equal(first.body.id);
    expect(await mined(next.body.id)).to.not.equal("failed");
    // The old key still means the old request.
    expect((await send("voidRound", [], "a")).body.id).to.equal(first.body.id);
  });

  it("does not carry what does nothing, nor what only roles may do", async () => {
    const prune = await send("prune", [1], "prune");
    expect([prune.status, prune.body.revert.name]).to.deep.equal([409, "NothingToPrune"]);
    const retire = await send("retire", [service.address], "retire");
    expect([retire.status, retire.body.code]).to.deep.equal([403, "ERR_AUTH_TARGET"]);
  });
});
