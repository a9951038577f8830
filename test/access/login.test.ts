import { expect } from "chai";
import { decodeJwt, decodeProtectedHeader } from "jose";

import { DpopKey } from "../../agent/access/dpopKey.ts";
import { login } from "../../agent/access/login.ts";
import { schnorrLogin, signedLogin } from "../../agent/access/loginProofs.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import { accessClaim } from "../../protocol/access/accessClaims.ts";
import { accessWorld, reports } from "../helpers/access/accessWorld.ts";
import { rejection } from "../helpers/rejection.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("access: logging in", () => {
  const folder = tempFolders();

  async function open() {
    const world = await accessWorld({ agents: 2 });
    const server = await world.serve(await folder());
    const [agent, other] = world.agents;
    const ask = { issuer: server.url, resource: reports, scopes: ["reports:read"], allowPrivate: true };
    return { world, server, agent: agent!, other: other!, ask };
  }

  it("gives an agent that signs a token that is bound to its key and says what it rests on", async () => {
    const { world, server, agent, ask } = await open();
    try {
      const key = await DpopKey.make();
      const { accessToken, scopes } = await login({ ...ask, proof: agent.login, key });
      expect(scopes).to.deep.equal(["reports:read"]);
      expect(decodeProtectedHeader(accessToken)).to.deep.include({ typ: "at+jwt", alg: "Ed25519" });
      const claims = decodeJwt(accessToken);
      expect(claims).to.deep.include({
        iss: server.url,
        aud: reports,
        sub: agent.did,
        client_id: "affiant-agent",
        scope: "reports:read",
        acr: "urn:affiant:acr:did-sig",
        amr: ["pop"],
        cnf: { jkt: key.thumbprint },
        [accessClaim]: { block: await world.ethers.provider.getBlockNumber(), losses: 0, untilBlock: 1_000_000 },
      });
    } finally {
      await server.close();
    }
  });

  it("puts each login and token on record, and each refusal with whom it claims", async () => {
    const { server, agent, other, ask } = await open();
    try {
      await login({ ...ask, proof: agent.login });
      const lie = signedLogin(agent.did, other.key, other.key.did);
      expect(await rejection(login({ ...ask, proof: lie }))).to.have.property("code", "ERR_AUTH_LOGIN");
      const events = server.audit.newest(10).map(({ event }) => event);
      expect(events.map(({ kind, code, subject, claimed }) => ({ kind, code, subject, claimed }))).to.deep.equal([
        { kind: "refusal", code: "ERR_AUTH_LOGIN", subject: undefined, claimed: agent.did },
        { kind: "token", code: undefined, subject: agent.did, claimed: undefined },
        { kind: "login", code: undefined, subject: agent.did, claimed: undefined },
      ]);
    } finally {
      await server.close();
    }
  });

  it("refuses who is not what the scope asks for", async () => {
    const { world, server, agent, ask } = await open();
    const said = async () => ((await rejection(login({ ...ask, proof: agent.login }))) as { details: object }).details;
    try {
      await world.trust.set(agent.address, false);
      expect(await said()).to.deep.equal({ error: "access_denied", said: "ERR_AUTH_STANDING" });
      await world.trust.set(agent.address, true);
      await login({ ...ask, proof: agent.login });
      await world.registry.connect(agent.account).getFunction("deactivate")(agent.address, `0x${"0".repeat(40)}`);
      expect(await said()).to.deep.equal({ error: "access_denied", said: "ERR_AUTH_LOGIN" });
    } finally {
      await server.close();
    }
  });

  it("refuses everybody while the chain is silent", async () => {
    const { world, server, agent, ask } = await open();
    try {
      world.silence(true);
      const error = (await rejection(login({ ...ask, proof: agent.login }))) as { details: object };
      expect(error.details).to.deep.equal({ error: "temporarily_unavailable", said: "ERR_UNAVAILABLE_CHAIN" });
    } finally {
      await server.close();
    }
  });

  it("refuses a key that was never the agent's, and one that was revoked", async () => {
    const { world, server, agent, ask } = await open();
    try {
      const strange = new SigningKey(new Uint8Array(32).fill(99));
      const error = await rejection(login({ ...ask, proof: signedLogin(agent.did, strange, strange.did) }));
      expect(error).to.have.property("code", "ERR_AUTH_LOGIN");
      const registry = world.registry.connect(agent.account);
      await registry.getFunction("addSigningKey")(agent.address, `0x${Buffer.from(strange.publicKey).toString("hex")}`);
      await registry.getFunction("revokeSigningKey")(
        agent.address,
        `0x${Buffer.from(agent.key.publicKey).toString("hex")}`,
      );
      await login({ ...ask, proof: signedLogin(agent.did, strange, strange.did) });
      expect(await rejection(login({ ...ask, proof: agent.login }))).to.have.property("code", "ERR_AUTH_LOGIN");
    } finally {
      await server.close();
    }
  });

  it("refuses scopes and resources that there are none of, and DIDs of elsewhere", async () => {
    const { server, agent, ask } = await open();
    const error = async (change: object) =>
      ((await rejection(login({ ...ask, proof: agent.login, ...change }))) as { details: { error: string } }).details
        .error;
    try {
      expect(await error({ scopes: ["reports:write"] })).to.equal("invalid_scope");
      expect(await error({ scopes: ["__proto__"] })).to.equal("invalid_scope");
      expect(await error({ scopes: [] })).to.equal("invalid_scope");
      expect(await error({ resource: "http://nowhere.example/" })).to.equal("invalid_target");
      expect(await error({ resource: "constructor" })).to.equal("invalid_target");
      const elsewhere = signedLogin(agent.did.replace("0x7a69", "0x1"), agent.key, agent.key.did);
      expect(await error({ proof: elsewhere })).to.equal("invalid_request");
    } finally {
      await server.close();
    }
  });

  it("takes no Schnorr proof of an agent without a zero-knowledge identity", async () => {
    const { server, agent, ask } = await open();
    try {
      const error = (await rejection(login({ ...ask, proof: schnorrLogin(agent.did, 5n) }))) as { details: object };
      expect(error.details).to.deep.equal({ error: "access_denied", said: "ERR_AUTH_LOGIN" });
    } finally {
      await server.close();
    }
  });
});
