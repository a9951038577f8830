import { expect } from "chai";
import { createLocalJWKSet } from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

import type { ListeningAccess } from "../../access/openAccess.ts";
import { accessWorld, reports } from "../helpers/access/accessWorld.ts";
import { RawClient, verifier } from "../helpers/access/rawClient.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const redirectUri = "http://127.0.0.1/callback";

/** Other people's clients: they get a code from an agent's login, and go on as after any redirect. */
describe("access: real clients", () => {
  const folder = tempFolders();
  let world: Awaited<ReturnType<typeof accessWorld>>;
  let server: ListeningAccess;

  before(async () => {
    world = await accessWorld();
    server = await world.serve(await folder());
  });
  after(() => server.close());

  /** A code that is bound to the client's key by its thumbprint alone. */
  async function codeFor(jkt: string): Promise<string> {
    const raw = await RawClient.of(server.url);
    const { login } = world.agents[0]!;
    const asked = await raw.post("/authorize-challenge", raw.form(login, { dpop_jkt: jkt }), null);
    const { auth_session: session, challenge, challenge_expires_at: expiresAtSec } = asked.body;
    const form = raw.form(login);
    const response = await login.begin().respond({
      issuer: server.url,
      clientId: "affiant-agent",
      method: "did-sig",
      did: login.did,
      challenge: String(challenge),
      jkt,
      codeChallenge: form["code_challenge"]!,
      scope: form["scope"]!,
      resource: reports,
      expiresAtSec: Number(expiresAtSec),
    });
    const { body } = await raw.answer(String(session), response, null);
    return String(body["authorization_code"]);
  }

  it("serves oauth4webapi: discovery, a pushed request, code with iss, a bound token that its own validator takes", async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(server.url);
    const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
    const as = await oauth.processDiscoveryResponse(issuer, found);
    const client: oauth.Client = { client_id: "affiant-agent" };
    const keys = await oauth.generateKeyPair("Ed25519", { extractable: true });
    const dpop = oauth.DPoP(client, keys);
    const pushed = { response_type: "code", redirect_uri: redirectUri, scope: "reports:read", resource: reports };
    const pkce = { code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256" };
    const push = () =>
      oauth.pushedAuthorizationRequest(as, client, oauth.None(), new URLSearchParams({ ...pushed, ...pkce }), {
        DPoP: dpop,
        ...insecure,
      });
    // The first proof lacks the server's nonce; the client keeps the one it is told.
    await oauth.processPushedAuthorizationResponse(as, client, await push()).catch((error: unknown) => {
      expect(oauth.isDPoPNonceError(error)).to.equal(true);
    });
    const { request_uri: uri } = await oauth.processPushedAuthorizationResponse(as, client, await push());
    expect(uri).to.match(/^urn:ietf:params:oauth:request_uri:/);

    const code = await codeFor(await dpop.calculateThumbprint());
    const callback = new URLSearchParams({ code, iss: server.url });
    expect(() =>
      oauth.validateAuthResponse(
        as,
        client,
        new URLSearchParams({ code, iss: "http://other.example" }),
        oauth.expectNoState,
      ),
    ).to.throw();
    const params = oauth.validateAuthResponse(as, client, callback, oauth.expectNoState);
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      oauth.None(),
      params,
      redirectUri,
      verifier,
      {
        DPoP: dpop,
        additionalParameters: { resource: reports },
        ...insecure,
      },
    );
    const granted = await oauth.processAuthorizationCodeResponse(as, client, response);
    expect(granted).to.deep.include({ token_type: "dpop", scope: "reports:read" });

    let seen: Request | undefined;
    await oauth.protectedResourceRequest(granted.access_token, "GET", new URL("daily", reports), undefined, undefined, {
      DPoP: dpop,
      ...insecure,
      [oauth.customFetch]: (url, options) => {
        seen = new Request(url, options as RequestInit);
        return Promise.resolve(new Response("{}"));
      },
    });
    const claims = await oauth.validateJwtAccessToken(as, seen!, reports, { requireDPoP: true, ...insecure });
    expect(claims).to.deep.include({ sub: world.agents[0]!.did, iss: server.url, client_id: "affiant-agent" });
  });

  it("serves openid-client: discovery and a token that is bound to its key", async () => {
    const options = { execute: [openid.allowInsecureRequests], algorithm: "oauth2" as const };
    const config = await openid.discovery(new URL(server.url), "affiant-agent", undefined, openid.None(), options);
    const keys = await openid.randomDPoPKeyPair("Ed25519", { extractable: true });
    const handle = openid.getDPoPHandle(config, keys);
    const code = await codeFor(await handle.calculateThumbprint());
    const callback = new URL(`${redirectUri}?${new URLSearchParams({ code, iss: server.url })}`);
    const checks = { pkceCodeVerifier: verifier };
    const granted = await openid.authorizationCodeGrant(
      config,
      callback,
      checks,
      { resource: reports },
      { DPoP: handle },
    );
    expect(granted).to.deep.include({ token_type: "dpop", scope: "reports:read" });
  });

  it("gives keys by which a token verifies elsewhere", async () => {
    const raw = await RawClient.of(server.url);
    const token = String((await raw.exchange(await raw.code(world.agents[0]!.login))).body["access_token"]);
    const jwks = (await (await fetch(`${server.url}/jwks`)).json()) as Parameters<typeof createLocalJWKSet>[0];
    const { jwtVerify } = await import("jose");
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), {
      issuer: server.url,
      audience: reports,
    });
    expect(protectedHeader).to.deep.include({ alg: "Ed25519", typ: "at+jwt", kid: jwks.keys[0]!.kid });
  });
});
