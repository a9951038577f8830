import { conditionsOf, readScopes } from "../../protocol/access/conditions.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Standings, StandingVerdict } from "../../host/access/standing.ts";
import type { AccessSettings } from "../settings.ts";

/** Says which scopes there are for a resource, and whether the chain grants them to an agent now. */
export class ScopeJudge {
  readonly #settings: Pick<AccessSettings, "resources" | "scopeTable">;
  readonly #standings: Standings;

  constructor(settings: Pick<AccessSettings, "resources" | "scopeTable">, standings: Standings) {
    this.#settings = settings;
    this.#standings = standings;
  }

  /** The scopes of a resource; undefined if it is none of ours. */
  scopesOf(resource: string): readonly string[] | undefined {
    const { resources } = this.#settings;
    return Object.hasOwn(resources, resource) ? resources[resource] : undefined;
  }

  /**
   * @param resource of unknown origin, and so `scope`
   * @throws AffiantError ERR_INPUT_MALFORMED for another resource, or scopes that it does not have
   */
  checkAsked(resource: string, scope: string): void {
    const known = this.scopesOf(resource);
    if (!known)
      throw new AffiantError("ERR_INPUT_MALFORMED", "no such resource", { details: { oauth: "invalid_target" } });
    const asked = readScopes(scope);
    if (!asked?.every((one) => known.includes(one))) {
      throw new AffiantError("ERR_INPUT_MALFORMED", "no such scope", { details: { oauth: "invalid_scope" } });
    }
  }

  /** @throws AffiantError ERR_AUTH_STANDING, ERR_UNAVAILABLE_CHAIN */
  async grant(did: string, scope: string): Promise<StandingVerdict & { readonly stands: true }> {
    const conditions = (readScopes(scope) ?? []).map((one) => conditionsOf(this.#settings.scopeTable, one) ?? {});
    if (conditions.length === 0) throw new AffiantError("ERR_AUTH_STANDING", "nothing was asked for");
    const standing = await this.#standings.judge(did, conditions);
    if (!standing.stands) throw new AffiantError(standing.code, standing.detail);
    return standing;
  }
}
