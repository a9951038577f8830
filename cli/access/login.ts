import type { Command } from "commander";
import { decodeJwt } from "jose";

import type { LoggedIn } from "../../agent/access/login.ts";
import type { LoginProof } from "../../agent/access/loginProofs.ts";
import { isLoginMethod } from "../../protocol/access/names.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import type { Environment } from "../environment.ts";

interface LoginFlags extends CommonFlags {
  readonly issuer: string;
  readonly resource: string;
  readonly scope: string;
  readonly method: string;
}

interface TokenFlags extends LoginFlags {
  readonly for: string;
  readonly http: string;
}

export function accessLoginCommand(): Command {
  return withLogin("login", "Log an agent in, and show what its token says.", [
    "affiant access login order --issuer http://127.0.0.1:4200 --resource http://127.0.0.1:4100/ --scope reports:read",
  ]).action(
    run<LoginFlags, [string]>(async ({ environment }, flags, name) => {
      const { accessToken, expiresInSec } = await logIn(environment, flags, name);
      const claims = decodeJwt(accessToken);
      const { sub, aud, scope, acr } = claims as Record<string, string>;
      return {
        data: { accessToken, claims },
        lines: [`${sub} may ${scope} at ${aud} for ${expiresInSec} s (${acr})`],
      };
    }),
  );
}

export function accessTokenCommand(): Command {
  return withLogin(
    "token",
    "Log an agent in for one request: prints the headers that go with it, for curl and the like.",
    [
      "affiant access token order --issuer http://127.0.0.1:4200 --resource http://127.0.0.1:4100/ --scope reports:read --for http://127.0.0.1:4100/daily",
    ],
  )
    .requiredOption("--for <url>", "the request's address")
    .option("--http <method>", "the request's method", "GET")
    .action(
      run<TokenFlags, [string]>(async ({ environment }, flags, name) => {
        const { accessToken, key } = await logIn(environment, flags, name);
        const dpop = await key.prove(flags.http, flags.for, { accessToken });
        const headers = { authorization: `DPoP ${accessToken}`, dpop };
        return { data: { headers }, lines: Object.entries(headers).map(([header, value]) => `${header}: ${value}`) };
      }),
    );
}

function withLogin(name: string, about: string, examples: readonly string[]): Command {
  return command(name, about, "local", examples)
    .argument("<agent>", "name of the agent")
    .requiredOption("--issuer <url>", "the authorization server")
    .requiredOption("--resource <url>", "who is to take the token")
    .requiredOption("--scope <names>", "what for, separated by spaces")
    .option("--method <name>", "did-sig, schnorr or groth16", "did-sig")
    .option("--allow-private", "the server may be on this machine or in a private network");
}

async function logIn(environment: Environment, flags: LoginFlags, name: string): Promise<LoggedIn> {
  const { login } = await import("../../agent/access/login.ts");
  const { issuer, resource, scope, method } = flags;
  const proof = await proofOf(environment, method, name);
  const { allowPrivate } = environment;
  return login({ issuer, resource, scopes: scope.split(" "), proof, allowPrivate });
}

async function proofOf({ dataDir, passphrase }: Environment, method: string, name: string): Promise<LoginProof> {
  if (!isLoginMethod(method)) throw new AffiantError("ERR_INPUT_CONFIG", "--method is did-sig, schnorr or groth16");
  const { openAgentKeys } = await import("../../agent/keys/keystore.ts");
  const { groth16Login, schnorrLogin, signedLogin } = await import("../../agent/access/loginProofs.ts");
  const { facts, signing } = await openAgentKeys(dataDir, name, passphrase);
  if (method === "did-sig") return signedLogin(facts.did, signing, facts.signingKey);
  const { agentFolder } = await import("../../agent/keys/agentFolder.ts");
  const { openZkKey } = await import("../../agent/keys/zkKey.ts");
  const privateKey = await openZkKey(agentFolder(dataDir, name).zkKey, { passphrase });
  return method === "schnorr" ? schnorrLogin(facts.did, privateKey) : groth16Login(facts.did, privateKey);
}
