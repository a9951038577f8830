import { expect } from "chai";

import { groth16Login, type LoginProof, schnorrLogin } from "../../agent/access/loginProofs.ts";
import { login } from "../../agent/access/login.ts";
import type { ListeningAccess } from "../../access/openAccess.ts";
import { Prover } from "../../agent/proving/prover.ts";
import { agentRegistryDomain } from "../../protocol/eip712/agentRegistry.ts";
import { encodeProof } from "../../protocol/zk/groth16Proof.ts";
import { commitmentOf } from "../../protocol/zk/identityKey.ts";
import { keyOwnershipSignals } from "../../protocol/zk/keyOwnership.ts";
import { proveInThread } from "../helpers/zk.ts";
import { accessWorld, reports } from "../helpers/access/accessWorld.ts";
import { rejection } from "../helpers/rejection.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const privateKey = 4_242_424_242_424_242_424_242n;

describe("access: logging in with a zero-knowledge identity", () => {
  const folder = tempFolders();
  let world: Awaited<ReturnType<typeof accessWorld>>;
  let server: ListeningAccess;
  let prover: Prover;

  before(async () => {
    world = await accessWorld({ agents: 2 });
    const { ethers, deployment, registry, agents } = world;
    const { address, account } = agents[0]!;
    // As in `AgentRegistry.proveKeyOwnership`: an owner that sends it itself is its own recipient.
    const deadline = BigInt((await ethers.provider.getBlock("latest"))!.timestamp + 3_600);
    const nonce = await registry.getFunction("nonces(address,uint192)")(address, 0n);
    const claim = { agent: address, commitment: commitmentOf(privateKey), recipient: address, nonce, deadline };
    const domain = agentRegistryDomain(BigInt(deployment.chainId), await registry.getAddress());
    const proof = await proveInThread({ privateKey, ...keyOwnershipSignals(domain, claim) });
    const { commitment } = claim;
    await registry
      .connect(account)
      .proveKeyOwnership(address, commitment, address, nonce, deadline, encodeProof(proof));
    server = await world.serve(await folder(), { failuresPerMinute: 10 });
    prover = await Prover.open("key-ownership");
  });
  after(async () => {
    await server.close();
    await prover.close();
  });

  const enter = (proof: LoginProof) =>
    login({ issuer: server.url, resource: reports, scopes: ["reports:read"], allowPrivate: true, proof });
  const refusal = async (proof: LoginProof) => ((await rejection(enter(proof))) as { details: object }).details;
  const denied = { error: "access_denied", said: "ERR_AUTH_LOGIN" };

  it("takes Schnorr's three moves, and the proof in one", async () => {
    const { did } = world.agents[0]!;
    for (const interactive of [true, false]) {
      const { scopes } = await enter(schnorrLogin(did, privateKey, interactive));
      expect(scopes).to.deep.equal(["reports:read"]);
    }
  });

  it("refuses Schnorr's proof of another key, and of another agent", async () => {
    const { did } = world.agents[0]!;
    expect(await refusal(schnorrLogin(did, privateKey + 1n))).to.deep.equal(denied);
    expect(await refusal(schnorrLogin(world.agents[1]!.did, privateKey))).to.deep.equal(denied);
  });

  it("refuses another first move than the one that was sent", async () => {
    const { did } = world.agents[0]!;
    const [one, other] = [schnorrLogin(did, privateKey), schnorrLogin(did, privateKey)];
    const swapped: LoginProof = {
      ...one,
      begin: () => ({ commitment: one.begin().commitment!, respond: (statement) => other.begin().respond(statement) }),
    };
    expect(await refusal(swapped)).to.deep.equal(denied);
  });

  it("takes a Groth16 proof whose action is the challenge", async () => {
    const { accessToken } = await enter(groth16Login(world.agents[0]!.did, privateKey, prover));
    expect(accessToken.split(".")).to.have.length(3);
  });

  it("refuses a Groth16 proof for another statement, of another agent, and what is none", async () => {
    const { did } = world.agents[0]!;
    const honest = groth16Login(did, privateKey, prover);
    const forOther: LoginProof = {
      ...honest,
      begin: () => ({
        respond: (statement) => honest.begin().respond({ ...statement, issuer: "http://other.example" }),
      }),
    };
    expect(await refusal(forOther)).to.deep.equal(denied);
    expect(await refusal(groth16Login(world.agents[1]!.did, privateKey, prover))).to.deep.equal(denied);
    for (const text of ["", "0x", `0x${"00".repeat(256)}`, `0x${"ff".repeat(256)}`]) {
      expect(await refusal({ ...honest, begin: () => ({ respond: () => Promise.resolve(text) }) }), text).to.deep.equal(
        denied,
      );
    }
  });

  it("verifies no more proofs for an agent from where too many wrong ones came, while others' logins go on", async () => {
    const { did } = world.agents[0]!;
    const wrong = schnorrLogin(did, privateKey + 1n);
    const answers = [];
    for (let i = 0; i < 12; i++) answers.push(await refusal(wrong));
    expect(answers.at(-1)).to.deep.equal({ error: "temporarily_unavailable", said: "ERR_LIMIT_RATE" });
    // Neither what costs next to nothing is held up, nor who proves for another agent.
    await enter(world.agents[0]!.login);
    expect(await refusal(schnorrLogin(world.agents[1]!.did, privateKey))).to.deep.equal(denied);
  });
});
