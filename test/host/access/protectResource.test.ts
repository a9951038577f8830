import { expect } from "chai";
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

import { DpopKey } from "../../../agent/access/dpopKey.ts";
import { DpopNonces } from "../../../host/access/nonces.ts";
import { SqliteProofMemory } from "../../../host/access/proofMemory.ts";
import {
  type AccessEvent,
  type ProtectOptions,
  protectResource,
  type ResourceRequest,
} from "../../../host/access/protectResource.ts";
import { accessClaim } from "../../../protocol/access/accessClaims.ts";
import { accessWorld, reports } from "../../helpers/access/accessWorld.ts";

const issuer = "http://issuer.example";
const nowSec = 1_800_000_000;

describe("host/access/protectResource", () => {
  let world: Awaited<ReturnType<typeof accessWorld>>;
  let signer: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  let publicKey: Awaited<ReturnType<typeof generateKeyPair>>["publicKey"];
  let key: DpopKey;

  before(async () => {
    world = await accessWorld({ agents: 2 });
    ({ privateKey: signer, publicKey } = await generateKeyPair("Ed25519", { extractable: true }));
    key = await DpopKey.make();
  });

  const guardOf = (options: Partial<ProtectOptions> = {}) =>
    protectResource({
      issuer,
      audience: reports,
      scopes: ["reports:read"],
      chain: world.chain(),
      deployment: world.deployment,
      keys: () => publicKey,
      nowSec: () => nowSec,
      ...options,
    });

  const claims = (changes: Record<string, unknown> = {}) => ({
    iss: issuer,
    aud: reports,
    sub: world.agents[0]!.did as string,
    client_id: "affiant-agent",
    jti: "token-1",
    iat: nowSec - 10,
    exp: nowSec + 100,
    scope: "reports:read",
    cnf: { jkt: key.thumbprint },
    [accessClaim]: { block: 1, losses: 0, untilBlock: 1_000_000 },
    ...changes,
  });

  const tokenOf = (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, by = signer) =>
    new SignJWT(claims(changes)).setProtectedHeader({ alg: "Ed25519", typ: "at+jwt", ...header }).sign(by);

  async function request(
    token: string,
    {
      method = "GET",
      url = "/daily?day=1",
      proofFor = url,
      by = key,
      ...proof
    }: Record<string, never> | RequestChanges = {},
  ): Promise<ResourceRequest> {
    const dpop = await by.prove(method, new URL(proofFor, reports).href, { accessToken: token, iat: nowSec, ...proof });
    return { method, url, authorization: `DPoP ${token}`, dpop };
  }
  interface RequestChanges {
    method?: string;
    url?: string;
    proofFor?: string;
    by?: DpopKey;
    accessToken?: string;
    iat?: number;
    nonce?: string;
  }
  const codeOf = async (verdict: ReturnType<ReturnType<typeof guardOf>["judge"]>) => {
    const found = await verdict;
    return found.allowed ? "allowed" : found.code;
  };

  it("lets a bound token with its proof in, once", async () => {
    const guard = guardOf();
    const asked = await request(await tokenOf());
    expect(await codeOf(guard.judge(asked))).to.equal("allowed");
    expect(await codeOf(guard.judge(asked))).to.equal("ERR_AUTH_DPOP");
  });

  it("takes the same key under the older name of its algorithm, and no other type or algorithm", async () => {
    const guard = guardOf();
    const code = async (header: object, by = signer) =>
      codeOf(guard.judge(await request(await tokenOf({}, header as Record<string, unknown>, by))));
    expect(await code({ alg: "EdDSA" })).to.equal("allowed");
    expect(await code({ typ: "JWT" })).to.equal("ERR_AUTH_TOKEN");
    const es256 = await generateKeyPair("ES256");
    expect(await code({ alg: "ES256" }, es256.privateKey)).to.equal("ERR_AUTH_TOKEN");
    const other = await generateKeyPair("Ed25519");
    expect(await code({}, other.privateKey)).to.equal("ERR_AUTH_TOKEN");
  });

  const badTokens: readonly (readonly [string, Record<string, unknown>, string])[] = [
    ["another issuer", { iss: "http://other.example" }, "ERR_AUTH_TOKEN"],
    ["another audience", { aud: "http://other.example/" }, "ERR_AUTH_TOKEN"],
    ["several audiences", { aud: [reports, "http://other.example/"] }, "ERR_AUTH_TOKEN"],
    ["an end that is past", { exp: nowSec - 6 }, "ERR_AUTH_TOKEN"],
    ["a start to come", { iat: nowSec + 6 }, "ERR_AUTH_TOKEN"],
    ["a nbf to come", { nbf: nowSec + 6 }, "ERR_AUTH_TOKEN"],
    ["no subject", { sub: undefined }, "ERR_AUTH_TOKEN"],
    ["no id", { jti: undefined }, "ERR_AUTH_TOKEN"],
    ["another binding", { cnf: { "x5t#S256": "a" } }, "ERR_AUTH_TOKEN"],
    ["no binding", { cnf: undefined }, "ERR_AUTH_TOKEN"],
    ["nothing it rests on", { [accessClaim]: undefined }, "ERR_AUTH_TOKEN"],
    ["another scope", { scope: "reports:refund" }, "ERR_AUTH_SCOPE"],
    ["a scope that contains ours", { scope: "xreports:read" }, "ERR_AUTH_SCOPE"],
    ["an attestation that has ended", { [accessClaim]: { block: 1, losses: 0, untilBlock: 2 } }, "ERR_AUTH_STANDING"],
    ["a loss of trust less than there is", { [accessClaim]: { block: 1, losses: 1 } }, "ERR_AUTH_STANDING"],
    ["a block to come", { [accessClaim]: { block: 9_999, losses: 0 } }, "ERR_UNAVAILABLE_CHAIN"],
    ["a subject of another chain", { sub: `did:ethr:0x1:0x${"1".repeat(40)}` }, "ERR_AUTH_STANDING"],
    ["a subject that is no DID", { sub: "somebody" }, "ERR_AUTH_STANDING"],
    ["a stranger", { sub: `did:ethr:0x7a69:0x${"1".repeat(40)}` }, "ERR_AUTH_STANDING"],
  ];
  for (const [what, changes, code] of badTokens) {
    it(`refuses a token with ${what}`, async () => {
      expect(await codeOf(guardOf().judge(await request(await tokenOf(changes))))).to.equal(code);
    });
  }

  const badProofs: readonly (readonly [string, RequestChanges])[] = [
    ["another method", { method: "POST" }],
    ["another path", { proofFor: "/other" }],
    ["another host", { proofFor: "http://other.example/daily" }],
    ["another token", { accessToken: "eyJ" }],
    ["a clock that is behind", { iat: nowSec - 61 }],
    ["a clock that is ahead", { iat: nowSec + 61 }],
  ];
  for (const [what, changes] of badProofs) {
    it(`refuses a proof of ${what}`, async () => {
      const asked = await request(await tokenOf(), changes);
      expect(await codeOf(guardOf().judge({ ...asked, method: "GET" }))).to.equal("ERR_AUTH_DPOP");
    });
  }

  it("refuses a proof of another key, none, and a bound token sent as Bearer", async () => {
    const token = await tokenOf();
    const asked = await request(token, { by: await DpopKey.make() });
    const guard = guardOf({ allowBearer: true });
    expect(await codeOf(guard.judge(asked))).to.equal("ERR_AUTH_DPOP");
    expect(await codeOf(guard.judge({ ...asked, dpop: undefined }))).to.equal("ERR_AUTH_DPOP");
    expect(await codeOf(guard.judge({ ...asked, authorization: `Bearer ${token}` }))).to.equal("ERR_AUTH_DPOP");
    const plain = await tokenOf({ cnf: undefined });
    expect(await codeOf(guard.judge({ ...asked, authorization: `Bearer ${plain}` }))).to.equal("allowed");
    expect(await codeOf(guardOf().judge({ ...asked, authorization: `Bearer ${plain}` }))).to.equal("ERR_AUTH_TOKEN");
  });

  it("refuses a proof whose key tells its secret", async () => {
    const token = await tokenOf();
    const made = await generateKeyPair("Ed25519", { extractable: true });
    const jwk: JWK = await exportJWK(made.privateKey);
    const dpop = await new SignJWT({ htm: "GET", htu: `${reports}daily` })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "Ed25519", jwk })
      .setJti("1")
      .setIssuedAt(nowSec)
      .sign(made.privateKey);
    const asked = { method: "GET", url: "/daily", authorization: `DPoP ${token}`, dpop };
    expect(await codeOf(guardOf().judge(asked))).to.equal("ERR_AUTH_DPOP");
  });

  it("asks for its own nonce where it gives any, and takes it", async () => {
    const guard = guardOf({ nonces: new DpopNonces() });
    const token = await tokenOf();
    const first = await guard.judge(await request(token));
    if (first.allowed) throw new Error("allowed without a nonce");
    expect(first.challenge).to.match(/^DPoP error="use_dpop_nonce"/);
    expect(await codeOf(guard.judge(await request(token, { nonce: first.nonce! })))).to.equal("allowed");
    const foreign = new DpopNonces().next(nowSec);
    expect(await codeOf(guard.judge(await request(token, { nonce: foreign })))).to.equal("ERR_AUTH_DPOP");
  });

  it("sees a loss of trust in the block it happens in, and does not take the token back with trust", async () => {
    const { trust, agents } = world;
    const guard = guardOf();
    const { address, did } = agents[1]!;
    const token = await tokenOf({ sub: did });
    expect(await codeOf(guard.judge(await request(token)))).to.equal("allowed");
    await trust.set(address, false);
    expect(await codeOf(guard.judge(await request(token)))).to.equal("ERR_AUTH_STANDING");
    await trust.set(address, true);
    expect(await codeOf(guard.judge(await request(token)))).to.equal("ERR_AUTH_STANDING");
  });

  it("sees that a registration was reorganised away", async () => {
    const { ethers, others, addAgent } = world;
    const guard = guardOf();
    const before = (await ethers.provider.send("evm_snapshot", [])) as string;
    const agent = await addAgent(others[5]!, 5);
    const token = await tokenOf({ sub: agent.did });
    expect(await codeOf(guard.judge(await request(token)))).to.equal("allowed");
    await ethers.provider.send("evm_revert", [before]);
    for (let i = 0; i < 5; i++) await ethers.provider.send("evm_mine", []);
    expect(await codeOf(guard.judge(await request(token)))).to.equal("ERR_AUTH_STANDING");
  });

  it("lets nobody in while the chain is silent", async () => {
    const guard = guardOf();
    const asked = await request(await tokenOf());
    world.silence(true);
    const verdict = await guard.judge(asked).finally(() => world.silence(false));
    expect(verdict).to.deep.include({ allowed: false, code: "ERR_UNAVAILABLE_CHAIN", status: 503 });
  });

  it("asks of each scope what the table says: a group, a role, no attestation", async () => {
    const { agents, deployer, deployment, ethers } = world;
    const [agent] = agents;
    const code = async (conditions: object) => {
      const guard = guardOf({ scopeTable: { "reports:read": conditions } });
      return codeOf(guard.judge(await request(await tokenOf())));
    };
    expect(await code({ group: `0x${"12".repeat(32)}` })).to.equal("ERR_AUTH_STANDING");
    expect(await code({ role: 7n })).to.equal("ERR_AUTH_STANDING");
    const manager = await ethers.getContractAt("AccessManager", deployment.contracts.accessManager.address);
    await manager.connect(deployer).grantRole(7n, agent!.address, 0);
    expect(await code({ role: 7n })).to.equal("allowed");
    expect(await code({ role: 8n })).to.equal("ERR_AUTH_STANDING");
  });

  it("shares its memory of proofs with other instances", async () => {
    const proofs = new SqliteProofMemory(":memory:");
    const asked = await request(await tokenOf());
    const verdicts = await Promise.all([1, 2, 3, 4].map(() => codeOf(guardOf({ proofs }).judge(asked))));
    expect(verdicts.filter((code) => code === "allowed")).to.have.length(1);
  });

  it("records each use before it is allowed, refusals of real tokens, and nothing of what anybody can write", async () => {
    const events: AccessEvent[] = [];
    const guard = guardOf({ record: (event) => void events.push(event) });
    const token = await tokenOf();
    await guard.judge(await request(token, { url: "/daily?secret=1" }));
    await guard.judge(await request(await tokenOf({ scope: "x" })));
    await guard.judge({ method: "GET", url: "/", authorization: "DPoP junk", dpop: "junk" });
    const { did } = world.agents[0]!;
    const told = { audience: reports, method: "GET", path: "/daily", subject: did, clientId: "affiant-agent" };
    const scopes = ["reports:read"];
    expect(events).to.deep.equal([
      { kind: "use", ...told, tokenId: "token-1", scopes },
      { kind: "refusal", ...told, tokenId: "token-1", scopes, code: "ERR_AUTH_SCOPE" },
    ]);
    const full = guardOf({
      record: () => {
        throw new Error("the disk is full");
      },
    });
    expect(await codeOf(full.judge(await request(token)))).to.equal("ERR_UNAVAILABLE_RECORD");
  });

  it("says in WWW-Authenticate what is missing and where to ask (RFC 9728)", async () => {
    const guard = guardOf();
    const verdict = await guard.judge({ method: "GET", url: "/" });
    if (verdict.allowed) throw new Error("allowed without a token");
    expect(verdict.status).to.equal(401);
    expect(verdict.challenge).to.include(
      'resource_metadata="http://reports.example/.well-known/oauth-protected-resource"',
    );
    expect(guard.metadata).to.deep.include({ resource: reports, authorization_servers: [issuer] });
    expect(guard.metadataPath).to.equal("/.well-known/oauth-protected-resource");
  });

  it("answers whatever a request line holds, and never with an error of its own", async () => {
    const guard = guardOf();
    const token = await tokenOf();
    for (const url of [
      "",
      "*",
      "http://reports.example/daily",
      "//other.example/daily",
      "/%",
      "/\u0000",
      "/".repeat(9_000),
    ]) {
      const asked = await request(token);
      expect((await guard.judge({ ...asked, url })).allowed, url.slice(0, 40)).to.equal(false);
    }
    for (const authorization of [
      "",
      "DPoP",
      "DPoP  a b",
      "Basic YTpi",
      `DPoP ${"a".repeat(20_000)}`,
      "DPoP ..",
      "DPoP a.b.c",
    ]) {
      const verdict = await guard.judge({ method: "GET", url: "/", authorization, dpop: "a.b.c" });
      expect(verdict).to.deep.include({ allowed: false, code: "ERR_AUTH_TOKEN", status: 401 });
    }
  });
});
