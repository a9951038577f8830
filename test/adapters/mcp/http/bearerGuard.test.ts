/** Tokens by an independent library's signer, before the gateway's HTTP side (MCP authorization, RFC 6750, RFC 9728). */
import { expect } from "chai";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

import { BearerGuard } from "../../../../adapters/mcp/http/bearerGuard.ts";
import { HttpFront } from "../../../../adapters/mcp/http/httpFront.ts";
import { httpUpstream } from "../../../../adapters/mcp/upstreams.ts";
import { tempFolders } from "../../../helpers/tempFolder.ts";
import { memoryLedger } from "../memoryLedger.ts";
import { rawServer, say } from "./rawServer.ts";

describe("adapters/mcp/http: a protected resource", () => {
  const folder = tempFolders();
  const opened: { close(): Promise<unknown> }[] = [];
  const resource = "https://tools.example/mcp";

  afterEach(async () => {
    for (const open of opened.splice(0).reverse()) await open.close();
  });

  async function scene(scopes: readonly string[] = []) {
    const { privateKey, publicKey } = await generateKeyPair("ES256");
    let issuer = "";
    const jwk = { ...(await exportJWK(publicKey)), kid: "k", alg: "ES256" };
    const authority = await rawServer((_heard, response) => {
      const path = response.req.url ?? "";
      if (path === "/keys") return say(response, JSON.stringify({ keys: [jwk] }));
      if (path === "/.well-known/oauth-authorization-server") {
        return say(response, JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
      }
      say(response, "", 404);
    });
    issuer = authority.url.origin;
    const tools = await rawServer(({ body }, response) =>
      say(
        response,
        `{"jsonrpc":"2.0","id":${(JSON.parse(body) as { id: number }).id},"result":{"resultType":"complete","content":[]}}`,
      ),
    );
    const memory = memoryLedger(await folder(), () => undefined);
    const front = new HttpFront({
      host: "127.0.0.1",
      port: 0,
      upstream: httpUpstream({ url: tools.url, headers: {}, maxBytes: 1 << 20 }),
      ledger: memory.ledger,
      guard: () => new BearerGuard({ resource, issuers: [{ issuer }], scopes, allowPrivate: true }),
    });
    opened.push(authority, tools, memory, front);
    const url = await front.listen();
    const token = (claims: object = {}, key = privateKey) =>
      new SignJWT({ iss: issuer, sub: "user-1", aud: resource, client_id: "c", ...claims })
        .setProtectedHeader({ alg: "ES256", kid: "k" })
        .setIssuedAt()
        .setExpirationTime("5m")
        .sign(key);
    const meta = `"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`;
    const call = (authorization: string | undefined) =>
      fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          "mcp-protocol-version": "2026-07-28",
          "mcp-method": "tools/call",
          "mcp-name": "read",
          ...(authorization === undefined ? {} : { authorization }),
        },
        body: `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{},${meta}}}`,
      });
    return { ...memory, url, token, call, heard: tools.heard, issuer };
  }

  it("serves who bears a token for it, says in the entry who that was, and passes the token on to nobody", async () => {
    const { token, call, entries, heard, issuer } = await scene(["tools"]);
    const answer = await call(`Bearer ${await token({ scope: "other tools" })}`);
    expect(answer.status).to.equal(200);
    expect(entries[0]?.context).to.deep.include({ caller: { issuer, subject: "user-1", client: "c" } });
    expect(heard[0]?.headers).not.to.have.property("authorization");
  });

  it("tells who has none where to get one (RFC 9728)", async () => {
    const { call, url, issuer, heard } = await scene(["tools"]);
    const answer = await call(undefined);
    expect(answer.status).to.equal(401);
    const challenge = answer.headers.get("www-authenticate") ?? "";
    expect(challenge).to.equal(
      `Bearer resource_metadata="https://tools.example/.well-known/oauth-protected-resource/mcp", scope="tools"`,
    );
    for (const path of ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]) {
      expect(await (await fetch(new URL(path, url))).json()).to.deep.equal({
        resource,
        authorization_servers: [issuer],
        bearer_methods_supported: ["header"],
        scopes_supported: ["tools"],
      });
    }
    expect(heard).to.deep.equal([]);
  });

  const faults: readonly (readonly [what: string, claims: object])[] = [
    ["is for another resource", { aud: "https://other.example/mcp" }],
    ["is of an issuer that nobody named", { iss: "https://other.example" }],
    ["is bound to a certificate", { cnf: { "x5t#S256": "x" } }],
    ["says nobody's name", { sub: "" }],
  ];
  for (const [what, claims] of faults) {
    it(`refuses a token that ${what}`, async () => {
      const { token, call, heard } = await scene();
      expect((await call(`Bearer ${await token()}`)).status).to.equal(200);
      const answer = await call(`Bearer ${await token(claims)}`);
      expect(answer.status).to.equal(401);
      expect(answer.headers.get("www-authenticate")).to.contain('error="invalid_token"');
      expect(heard).to.have.length(1);
    });
  }

  it("refuses a token of a key (DPoP) that comes as a plain one", async () => {
    const { token, call, heard } = await scene();
    const bound = await token({ cnf: { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } });
    expect((await call(`Bearer ${bound}`)).status).to.equal(401);
    expect(heard).to.deep.equal([]);
  });

  it("refuses a token that has expired, is signed by another key, or by none, or comes in another scheme", async () => {
    const { token, call, issuer, heard } = await scene();
    const other = await generateKeyPair("ES256");
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { iss: issuer, sub: "user-1", aud: resource, exp: 9_999_999_999 };
    const none = `${encoded({ alg: "none" })}.${encoded(claims)}.`;
    const wrong = [
      `Bearer ${await token({}, other.privateKey)}`,
      `Bearer ${none}`,
      `DPoP ${await token()}`,
      "Bearer x",
    ];
    for (const authorization of wrong) expect((await call(authorization)).status).to.equal(401);
    const [header, body, signature] = (await token()).split(".");
    const late = Buffer.from(String(body), "base64url")
      .toString()
      .replace(/"exp":\d+/, '"exp":1');
    expect((await call(`Bearer ${header}.${Buffer.from(late).toString("base64url")}.${signature}`)).status).to.equal(
      401,
    );
    expect(heard).to.deep.equal([]);
  });

  it("asks for the scope that is missing", async () => {
    const { token, call } = await scene(["tools"]);
    const answer = await call(`Bearer ${await token({ scope: "toolsmith" })}`);
    expect(answer.status).to.equal(403);
    expect(answer.headers.get("www-authenticate"))
      .to.contain('error="insufficient_scope"')
      .and.to.contain('scope="tools"');
  });

  it("opens a session to nobody but who began it", async () => {
    const { token, url } = await scene();
    const post = async (sub: string, body: string, session?: string) =>
      fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          accept: "application/json, text/event-stream",
          authorization: `Bearer ${await token({ sub })}`,
          ...(session === undefined ? {} : { "mcp-session-id": session }),
        },
        body,
      });
    const begun = await post(
      "user-1",
      `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}`,
    );
    const session = begun.headers.get("mcp-session-id") as string;
    const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`;
    expect((await post("user-1", list, session)).status).to.equal(200);
    expect((await post("user-2", list, session)).status).to.equal(404);
  });
});
