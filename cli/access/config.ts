import { readFileSync } from "node:fs";

import type { AccessSettings } from "../../access/settings.ts";
import type { ScopeConditions } from "../../protocol/access/conditions.ts";
import { isHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

type Configured = Pick<AccessSettings, "resources" | "scopeTable" | "clients">;

/**
 * Reads what an authorization server is told of its resources. Strict: a condition that is not understood would be one less.
 * @throws AffiantError ERR_INPUT_CONFIG, ERR_INPUT_FILE
 */
export function readAccessConfig(path: string): Configured {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read as JSON`, { cause });
  }
  const { resources = {}, scopes = {}, clients = [], ...rest } = objectOf(value, "the configuration");
  refuseOthers(rest, "the configuration");
  if (!Array.isArray(clients)) throw wrong("clients is no list");
  return {
    resources: Object.fromEntries(Object.entries(objectOf(resources, "resources")).map(readResource)),
    scopeTable: Object.fromEntries(Object.entries(objectOf(scopes, "scopes")).map(readScope)),
    clients: clients as Configured["clients"],
  };
}

function readResource([resource, scopes]: [string, unknown]): [string, readonly string[]] {
  if (!URL.canParse(resource) || resource.includes("#")) throw wrong(`${resource} is no identifier of a resource`);
  const isList = Array.isArray(scopes) && scopes.every((one) => typeof one === "string" && one !== "");
  if (!isList) throw wrong(`the scopes of ${resource} are no list of names`);
  return [resource, scopes as string[]];
}

function readScope([scope, value]: [string, unknown]): [string, ScopeConditions] {
  const { attested, policy, group, role, ...rest } = objectOf(value, scope);
  refuseOthers(rest, scope);
  for (const one of [attested, policy]) {
    if (one !== undefined && typeof one !== "boolean") throw wrong(`${scope}: attested and policy are true or false`);
  }
  if (group !== undefined && !isHex(group, 32)) throw wrong(`${scope}: a group is 32 bytes of lower-case hex`);
  if (role !== undefined && !(Number.isSafeInteger(role) && (role as number) >= 0))
    throw wrong(`${scope}: no number of a role`);
  return [
    scope,
    {
      ...(attested === undefined ? {} : { attested: attested as boolean }),
      ...(policy === undefined ? {} : { policy: policy as boolean }),
      ...(group === undefined ? {} : { group }),
      ...(role === undefined ? {} : { role: BigInt(role as number) }),
    },
  ];
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrong(`${what} is no JSON object`);
}

function refuseOthers(rest: object, what: string): void {
  const [name] = Object.keys(rest);
  if (name !== undefined) throw wrong(`${what} holds an unknown ${name}`);
}

function wrong(detail: string): AffiantError {
  return new AffiantError("ERR_INPUT_CONFIG", detail);
}
