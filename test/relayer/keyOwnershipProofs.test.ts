import { expect } from "chai";

import { Prover } from "../../agent/proving/prover.ts";
import { proveKeyOwnership, type ProvedKeyOwnership } from "../../agent/proving/proveKeyOwnership.ts";
import { writeKeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import { agentRegistryDomain, agentRegistryTypes } from "../../protocol/eip712/agentRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import { baseFieldOrder, scalarFieldOrder } from "../../protocol/zk/fields.ts";
import { decodeProof, encodeProof } from "../../protocol/zk/groth16Proof.ts";
import type { KeyOwnershipClaim } from "../../protocol/zk/keyOwnership.ts";
import { openSenderKey } from "../../relayer/sender/signer.ts";
import { eventually } from "../helpers/eventually.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";

const path = "/v1/proofs/key-ownership";
const deadline = 4_000_000_000n;

describe("relayer: proofs of key ownership", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let prover: Prover;
  let nextKey = 1000n;

  before(async () => {
    [chain, prover] = await Promise.all([startChain(), Prover.open("key-ownership")]);
    home = await RelayerHome.make(chain, { AFFIANT_PROOF_THREADS: "1", AFFIANT_PROOF_LIMIT: "4" });
    relayer = await home.start();
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await prover?.close();
    await chain?.close();
  });

  const domain = () => agentRegistryDomain(31337n, chain.deployment.contracts.agentRegistry.address);

  async function proved(actor: Actor, change: Partial<KeyOwnershipClaim> = {}, privateKey = nextKey++) {
    const agent = actor.account.address;
    const claim = { agent, recipient: agent, nonce: 0n, deadline, ...change };
    return proveKeyOwnership({ privateKey, domain: domain(), claim }, prover);
  }

  async function submission(actor: Actor, { claim, proof }: ProvedKeyOwnership) {
    const types = signerTypes(agentRegistryTypes, "KeyOwnership");
    const signature = await actor.account.signTypedData(domain(), types, claim);
    return writeKeyOwnershipSubmission(claim, proof, signature as `0x${string}`);
  }

  async function settled(statusUrl: string) {
    let status = await relayer.get(statusUrl);
    await eventually(async () => {
      await chain.mine(1);
      status = await relayer.get(statusUrl);
      return status.body.state === "final" || status.body.state === "failed";
    });
    return status.body;
  }

  const transactions = () => chain.provider.getTransactionCount(sender());
  const sender = () => openSenderKey(home.config().senderKeyFile).address;

  it("carries a good proof to the chain and tells how it went", async () => {
    const actor = await Actor.registered(chain);
    const { claim, proof } = await proved(actor);
    const answer = await relayer.post(path, await submission(actor, { claim, proof }));
    expect(answer.status).to.equal(202);
    const status = await settled(answer.body.statusUrl);
    expect(status.state).to.equal("final");
    const receipt = (await chain.provider.getTransactionReceipt(status.txHash))!;
    expect(status).to.include({ blockNumber: receipt.blockNumber, gasUsed: Number(receipt.gasUsed) });
    const [commitment, blockNumber] = await chain.agents["commitmentOf"]!(claim.agent);
    expect([commitment, blockNumber]).to.deep.equal([claim.commitment, BigInt(receipt.blockNumber)]);
  });

  it("makes one transaction of one claim, sent twice or with a proof made anew", async () => {
    const actor = await Actor.registered(chain);
    const first = await proved(actor, {}, 77n);
    const again = await proved(actor, {}, 77n);
    expect(again.proof).to.not.equal(first.proof);
    const before = await transactions();
    const answers = [
      await relayer.post(path, await submission(actor, first)),
      await relayer.post(path, await submission(actor, first)),
      await relayer.post(path, await submission(actor, again)),
    ];
    expect(new Set(answers.map(({ body }) => body.id)).size).to.equal(1);
    expect((await settled(answers[0]!.body.statusUrl)).state).to.equal("final");
    const late = await relayer.post(path, await submission(actor, again));
    expect(late.body).to.include({ id: answers[0]!.body.id, state: "final" });
    expect(await transactions()).to.equal(before + 1);
  });

  it("answers 422 with the reason for a proof that does not prove its claim, and sends nothing", async () => {
    const actor = await Actor.registered(chain);
    const good = await proved(actor);
    const before = await transactions();
    const { a } = decodeProof(good.proof);
    const negated = encodeProof({ ...decodeProof(good.proof), a: [a[0], baseFieldOrder - a[1]] });
    for (const bad of [
      { ...good, claim: { ...good.claim, recipient: `0x${"11".repeat(20)}` } },
      { ...good, claim: { ...good.claim, deadline: good.claim.deadline + 1n } },
      { ...good, claim: { ...good.claim, commitment: good.claim.commitment + 1n } },
      { ...good, proof: negated },
    ]) {
      const answer = await relayer.post(path, await submission(actor, bad));
      expect(answer.status).to.equal(422);
      expect(answer.body.code).to.equal("ERR_PROOF_INVALID");
    }
    expect(await transactions()).to.equal(before);
  });

  it("answers with the code of the contract's error where a good proof would be refused, and sends nothing", async () => {
    const [actor, other] = [await Actor.registered(chain), await Actor.registered(chain)];
    const bound = await proved(actor, {}, 88n);
    expect((await settled((await relayer.post(path, await submission(actor, bound))).body.statusUrl)).state).to.equal(
      "final",
    );
    const before = await transactions();
    const refused: readonly [string, number, string, Awaited<ReturnType<typeof submission>>][] = [
      ["CommitmentBound", 409, "ERR_CONFLICT_CONTRACT_STATE", await submission(other, await proved(other, {}, 88n))],
      ["SignatureExpired", 401, "ERR_AUTH_DEADLINE", await submission(other, await proved(other, { deadline: 1n }))],
      ["InvalidAccountNonce", 409, "ERR_CONFLICT_NONCE", await submission(other, await proved(other, { nonce: 5n }))],
      ["InvalidSignature", 422, "ERR_PROOF_SIGNATURE", await submission(actor, await proved(other))],
    ];
    for (const [error, status, code, body] of refused) {
      const answer = await relayer.post(path, body);
      expect([answer.status, answer.body.code]).to.deep.equal([status, code]);
      expect(JSON.stringify(answer.body)).to.contain(error);
    }
    expect(await transactions()).to.equal(before);
  });

  it("answers 400 to what is not in its one canonical form", async () => {
    const actor = await Actor.registered(chain);
    const good = await submission(actor, await proved(actor));
    const shifted = (BigInt(good.proof.slice(0, 66)) + baseFieldOrder).toString(16).padStart(64, "0");
    const { claim } = good;
    const cases: readonly [string, unknown][] = [
      ["ERR_INPUT_MALFORMED", {}],
      ["ERR_INPUT_MALFORMED", { ...good, claim: { ...claim, nonce: 0 } }],
      ["ERR_INPUT_MALFORMED", { ...good, claim: { ...claim, nonce: "00" } }],
      ["ERR_INPUT_MALFORMED", { ...good, claim: { ...claim, agent: "0x11" } }],
      ["ERR_INPUT_ENCODING", { ...good, proof: good.proof.slice(0, -2) }],
      ["ERR_INPUT_ENCODING", { ...good, proof: `${good.proof}00` }],
      ["ERR_INPUT_PROOF", { ...good, proof: `0x${shifted}${good.proof.slice(66)}` }],
      [
        "ERR_INPUT_PROOF",
        { ...good, claim: { ...claim, commitment: String(BigInt(claim.commitment) + scalarFieldOrder) } },
      ],
    ];
    for (const [code, body] of cases) {
      const answer = await relayer.post(path, body);
      expect(answer.status).to.equal(400);
      expect(answer.body.code).to.equal(code);
    }
  });

  it("checks no proof of a claim that its agent's owner did not sign: noise gets no queue, however much comes at once", async () => {
    const [actor, other] = [await Actor.registered(chain), await Actor.registered(chain)];
    const good = await proved(actor);
    const { signature } = await submission(other, good);
    const noise = { ...(await submission(actor, good)), signature };
    const answers = await Promise.all(Array.from({ length: 24 }, () => relayer.post(path, noise)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.code}`))).to.deep.equal(
      new Set(["422 ERR_PROOF_SIGNATURE"]),
    );
  });

  it("turns away what it cannot soon check", async () => {
    const actor = await Actor.registered(chain);
    const body = await submission(actor, await proved(actor));
    const answers = await Promise.all(Array.from({ length: 24 }, () => relayer.post(path, body)));
    const busy = answers.filter(({ status }) => status === 503);
    expect(answers.filter(({ status }) => status === 202).length).to.equal(24 - busy.length);
    expect(busy.length).to.be.greaterThan(0);
    expect(busy[0]!.body.code).to.equal("ERR_UNAVAILABLE_QUEUE");
    expect(busy[0]!.headers.get("retry-after")).to.equal("1");
  });
});
