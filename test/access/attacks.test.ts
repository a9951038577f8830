import { expect } from "chai";

import type { ListeningAccess } from "../../access/openAccess.ts";
import { agentClient } from "../../access/settings.ts";
import { DpopKey } from "../../agent/access/dpopKey.ts";
import type { LoginStatement } from "../../protocol/access/statement.ts";
import { accessWorld } from "../helpers/access/accessWorld.ts";
import { RawClient } from "../helpers/access/rawClient.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("access: attacks", () => {
  const folder = tempFolders();
  let world: Awaited<ReturnType<typeof accessWorld>>;
  let server: ListeningAccess;
  let client: RawClient;

  before(async () => {
    world = await accessWorld({ agents: 3 });
    const second = { ...agentClient, client_id: "second", redirect_uris: ["http://127.0.0.1/second"] };
    server = await world.serve(await folder(), { clients: [agentClient, second], mostChallenges: 50 });
    client = await RawClient.of(server.url);
  });
  after(() => server.close());

  const honest = () => world.agents[0]!.login;

  it("is good once: a challenge, its answer and the code", async () => {
    const { session, statement } = await client.challenge(honest());
    const response = await honest().begin().respond(statement);
    const first = await client.answer(session, response);
    expect(first.status).to.equal(200);
    expect((await client.answer(session, response)).body).to.deep.include({ error: "invalid_session" });
    const code = String(first.body["authorization_code"]);
    const token = String((await client.exchange(code)).body["access_token"]);
    expect((await client.introspect(token)).body).to.deep.include({ active: true });
    expect((await client.exchange(code)).body).to.deep.include({ error: "invalid_grant" });
    // RFC 6749 §4.1.2: a code that was sent twice takes what it gave with it.
    expect((await client.introspect(token)).body).to.deep.equal({ active: false });
  });

  it("uses a challenge up with a wrong answer", async () => {
    const { session, statement } = await client.challenge(honest());
    expect((await client.answer(session, "wrong")).body).to.deep.include({
      error: "access_denied",
      code: "ERR_AUTH_LOGIN",
    });
    const right = await client.answer(session, await honest().begin().respond(statement));
    expect(right.body).to.deep.include({ error: "invalid_session" });
  });

  it("gives one code to two answers at once", async () => {
    const { session, statement } = await client.challenge(honest());
    const response = await honest().begin().respond(statement);
    const answers = await Promise.all([1, 2, 3].map(() => client.answer(session, response)));
    expect(answers.map(({ status }) => status).sort()).to.deep.equal([200, 400, 400]);
  });

  it("is worth nothing where any part of its statement is another", async () => {
    const changes: readonly Partial<LoginStatement>[] = [
      { issuer: "http://other.example" },
      { clientId: "second" },
      { method: "schnorr" },
      { did: world.agents[1]!.did },
      { challenge: Buffer.alloc(32).toString("base64url") },
      { jkt: (await DpopKey.make()).thumbprint },
      { codeChallenge: "b".repeat(43) },
      { scope: "reports:refund" },
      { resource: "http://other.example/" },
      { expiresAtSec: 9_999_999_999 },
    ];
    for (const change of changes) {
      const { session, statement } = await client.challenge(honest());
      const { body } = await client.answer(
        session,
        await honest()
          .begin()
          .respond({ ...statement, ...change }),
      );
      expect(body, JSON.stringify(change)).to.deep.include({ error: "access_denied", code: "ERR_AUTH_LOGIN" });
    }
  });

  it("answers the login of who asked for the challenge alone: same client, same key", async () => {
    const { session, statement } = await client.challenge(honest());
    const response = await honest().begin().respond(statement);
    const none = { error: "invalid_session" };
    expect((await client.answer(session, response, await DpopKey.make())).body).to.deep.include(none);
    expect((await client.answer(session, response, null)).body).to.deep.include(none);
    const other = { client_id: "second", auth_session: session, response };
    expect((await client.post("/authorize-challenge", other)).body).to.deep.include(none);
    expect((await client.answer(session, response)).status).to.equal(200);
  });

  it("exchanges no code for another key, without one, for another verifier, client or resource", async () => {
    const refused = async (changes: Record<string, string>, key?: DpopKey | null) =>
      (await client.exchange(await client.code(honest()), changes, key)).body["error"];
    expect(await refused({}, await DpopKey.make())).to.equal("invalid_grant");
    expect(await refused({}, null)).to.equal("invalid_grant");
    expect(await refused({ code_verifier: "b".repeat(43) })).to.equal("invalid_grant");
    expect(await refused({ client_id: "second" })).to.equal("invalid_grant");
    expect(await refused({ resource: "http://other.example/" })).to.equal("invalid_target");
    expect(await refused({ redirect_uri: "http://127.0.0.1/other" })).to.equal("invalid_grant");
  });

  it("uses no proof of a key twice", async () => {
    const url = `${server.url}/authorize-challenge`;
    const body = () => new URLSearchParams(client.form(honest()));
    const key = await DpopKey.make();
    const post = (dpop: string) =>
      fetch(url, { method: "POST", headers: { dpop, accept: "application/json" }, body: body() });
    const nonce = (await post(await key.prove("POST", url))).headers.get("dpop-nonce")!;
    const proof = await key.prove("POST", url, { nonce });
    const answers = [];
    for (let i = 0; i < 2; i++) answers.push((await (await post(proof)).json()) as { error: string });
    expect(answers.map(({ error }) => error)).to.deep.equal(["insufficient_authorization", "invalid_grant"]);
  });

  it("asks the chain again when the code is exchanged: trust lost, agent gone, registration reorganised away", async () => {
    const { trust, ethers, others, addAgent } = world;
    const fragile = world.agents[1]!;
    const code = await client.code(fragile.login);
    await trust.set(fragile.address, false);
    expect((await client.exchange(code)).body).to.deep.include({ error: "invalid_grant" });
    const before = (await ethers.provider.send("evm_snapshot", [])) as string;
    const late = await addAgent(others[6]!, 6);
    const another = await client.code(late.login);
    await ethers.provider.send("evm_revert", [before]);
    for (let i = 0; i < 6; i++) await ethers.provider.send("evm_mine", []);
    expect((await client.exchange(another)).body).to.deep.include({ error: "invalid_grant" });
    expect(server.audit.newest(1)[0]?.event).to.deep.include({
      kind: "refusal",
      code: "ERR_AUTH_STANDING",
      subject: late.did,
    });
  });

  it("tells nothing of a token to other public clients, and calls it bad once it is revoked or trust is lost", async () => {
    const agent = world.agents[2]!;
    const login = async () => String((await client.exchange(await client.code(agent.login))).body["access_token"]);
    const token = await login();
    expect((await client.introspect(token)).body).to.deep.include({ active: true, sub: agent.did, token_type: "DPoP" });
    expect((await client.introspect(token, "second")).body).to.deep.equal({ active: false });
    await client.post("/token/revocation", { token, client_id: "second" }, null);
    expect((await client.introspect(token)).body["active"]).to.equal(true);
    expect((await client.post("/token/revocation", { token, client_id: "affiant-agent" }, null)).status).to.equal(200);
    expect((await client.introspect(token)).body).to.deep.equal({ active: false });
    const fresh = await login();
    await world.trust.set(agent.address, false);
    await world.trust.set(agent.address, true);
    expect((await client.introspect(fresh)).body).to.deep.equal({ active: false });
    expect((await client.introspect("a.b.c")).body).to.deep.equal({ active: false });
  });

  it("refuses what asks for less safety than there is", async () => {
    const error = async (changes: Record<string, string>, key?: DpopKey | null) =>
      (await client.post("/authorize-challenge", client.form(honest(), changes), key)).body["error"];
    expect(await error({ code_challenge_method: "plain" })).to.equal("invalid_request");
    expect(await error({ code_challenge: "" })).to.equal("invalid_request");
    expect(await error({ response_type: "token" })).to.equal("invalid_request");
    expect(await error({}, null)).to.equal("invalid_request");
    expect(await error({ dpop_jkt: "x".repeat(43) })).to.equal("invalid_request");
    expect(await error({ login_method: "password" })).to.equal("invalid_request");
    expect(await error({ client_id: "nobody" })).to.equal("invalid_client");
  });

  it("keeps no more challenges than it was told, and forgets those that ended", async () => {
    let nowSec = 2_000_000_000;
    const own = await world.serve(await folder(), { mostChallenges: 3, nowSec: () => nowSec });
    try {
      const other = await RawClient.of(own.url);
      const ask = async () =>
        (await other.post("/authorize-challenge", other.form(honest(), { dpop_jkt: other.key.thumbprint }), null))
          .status;
      expect([await ask(), await ask(), await ask(), await ask()]).to.deep.equal([400, 400, 400, 503]);
      nowSec += 61;
      expect(await ask()).to.equal(400);
    } finally {
      await own.close();
    }
  });

  it("answers mutated requests, and none of them with an error of its own", async () => {
    const { session, statement } = await client.challenge(honest());
    const good = client.form(honest());
    const answer = {
      client_id: "affiant-agent",
      auth_session: session,
      response: await honest().begin().respond(statement),
    };
    const exchange = { client_id: "affiant-agent", grant_type: "authorization_code", code: "c", code_verifier: "v" };
    const values = [
      "",
      "\u0000",
      "%",
      "__proto__",
      "null",
      "[object Object]",
      "é".repeat(300),
      "0x",
      "-1",
      "a b",
      "did:ethr:0x7a69:0x",
    ];
    const counts = new Map<number, number>();
    const send = async (path: string, form: Record<string, string>) => {
      const { status } = await client.post(path, form, null);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    };
    for (const [path, form] of [
      ["/authorize-challenge", good],
      ["/authorize-challenge", { ...good, dpop_jkt: client.key.thumbprint }],
      ["/authorize-challenge", answer],
      ["/token", exchange],
      ["/token/introspection", { client_id: "affiant-agent", token: "a.b.c" }],
      ["/token/revocation", { client_id: "affiant-agent", token: "a.b.c" }],
      ["/request", good],
    ] as const) {
      for (const name of Object.keys(form)) {
        for (const value of values) await send(path, { ...form, [name]: value });
        const { [name as keyof typeof form]: _left, ...rest } = form as Record<string, string>;
        await send(path, rest);
      }
    }
    // 503: more challenges than may wait.
    expect([...counts.keys()].filter((status) => status >= 500 && status !== 503)).to.deep.equal([]);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).to.be.greaterThan(300);
  });

  it("publishes where to log in, and its keys without their secrets", async () => {
    const metadata = (await (await fetch(`${server.url}/.well-known/oauth-authorization-server`)).json()) as Record<
      string,
      unknown
    >;
    expect(metadata).to.deep.include({
      issuer: server.url,
      authorization_challenge_endpoint: `${server.url}/authorize-challenge`,
      affiant_login_methods_supported: ["did-sig", "schnorr", "groth16"],
      require_pushed_authorization_requests: true,
      authorization_response_iss_parameter_supported: true,
      code_challenge_methods_supported: ["S256"],
    });
    expect(metadata["dpop_signing_alg_values_supported"]).to.include("Ed25519");
    const { keys } = (await (await fetch(String(metadata["jwks_uri"]))).json()) as { keys: Record<string, unknown>[] };
    expect(keys).to.have.length(1);
    expect(keys[0]).to.deep.include({ kty: "OKP", crv: "Ed25519", use: "sig" });
    expect(keys[0]).not.to.have.property("d");
  });
});
