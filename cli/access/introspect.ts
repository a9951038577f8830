import type { Command } from "commander";
import { decodeJwt } from "jose";

import { metadataUrlOf } from "../../host/access/issuerKeys.ts";
import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";

const limits = { timeoutMs: 10_000, maxBytes: 65_536 };

export function accessIntrospectCommand(): Command {
  return command("introspect", "Ask the server that issued a token whether it is good now.", "local", [
    "affiant access introspect eyJ… --issuer http://127.0.0.1:4200",
  ])
    .argument("<token>", "the access token")
    .requiredOption("--issuer <url>", "the authorization server; a token is never sent to one that it names itself")
    .option("--allow-private", "the server may be on this machine or in a private network")
    .action(
      run<CommonFlags & { readonly issuer: string }, [string]>(async ({ environment }, { issuer }, token) => {
        const { allowPrivate } = environment;
        const options = { ...limits, allowPrivate };
        const metadata = readObject((await guardedFetch(metadataUrlOf(issuer), options)).body);
        const { introspection_endpoint: endpoint, issuer: named } = metadata;
        if (named !== issuer || typeof endpoint !== "string") {
          throw new AffiantError("ERR_UNAVAILABLE_ISSUER", `${issuer} does not introspect tokens`);
        }
        const body = new URLSearchParams({ token, client_id: clientOf(token) }).toString();
        const headers = { "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
        const answer = readObject((await guardedFetch(endpoint, { ...options, method: "POST", headers, body })).body);
        const words =
          answer["active"] === true ? `good: ${String(answer["sub"])} may ${String(answer["scope"])}` : "not good now";
        return { data: answer, lines: [words] };
      }),
    );
}

/** A public client may ask about its own tokens alone; who holds the token may say whose it is. */
function clientOf(token: string): string {
  try {
    return String(decodeJwt(token)["client_id"]);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MALFORMED", "not an access token of the form of a JWT", { cause });
  }
}

function readObject(body: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_ISSUER", "the authorization server's answer is not JSON", { cause });
  }
}
