/**
 * The parts of oidc-provider that it does not export: what its own endpoints are made of, so that ours authenticate clients, read
 * bodies, check DPoP proofs and answer errors in the very same way. Nothing else imports from below its `lib/`; a test notices when
 * one of these moves. The version is pinned.
 */
import type { Context, Next } from "koa";
import type Provider from "oidc-provider";
import alsUntyped from "oidc-provider/lib/helpers/als.js";
import validateDpopUntyped, {
  checkDpopReplay as checkDpopReplayUntyped,
} from "oidc-provider/lib/helpers/validate_dpop.js";
import instanceUntyped from "oidc-provider/lib/helpers/weak_cache.js";
import assembleParamsUntyped from "oidc-provider/lib/shared/assemble_params.js";
import clientAuthUntyped, {
  getClientAuthParams as clientAuthParamsUntyped,
} from "oidc-provider/lib/shared/client_auth.js";
import errorHandlerUntyped from "oidc-provider/lib/shared/error_handler.js";
import noCacheUntyped from "oidc-provider/lib/shared/no_cache.js";
import rejectDupesUntyped from "oidc-provider/lib/shared/reject_dupes.js";
import { urlencoded as urlencodedUntyped } from "oidc-provider/lib/shared/selective_body.js";

export interface DpopBinding {
  /** RFC 7638, base64url. */
  readonly thumbprint: string;
  readonly jti: string;
  readonly iat: number;
}

export interface ProviderClient {
  readonly clientId: string;
  readonly redirectUris: readonly string[];
  readonly scope?: string;
  grantTypeAllowed(type: string): boolean;
}

/** What oidc-provider's context gives an endpoint. */
export interface EndpointContext extends Context {
  readonly oidc: {
    readonly provider: Provider;
    readonly params: Readonly<Record<string, string | undefined>>;
    readonly client: ProviderClient;
  };
}

type Middleware = (ctx: EndpointContext, next: Next) => unknown;

interface Instance {
  readonly router: { post(name: string, path: string, ...stack: readonly Middleware[]): void };
}

const als = alsUntyped as { run<T>(store: unknown, run: () => T): T };
const instance = instanceUntyped as (provider: Provider) => Instance;
const validateDpop = validateDpopUntyped as (provider: Provider, ctx: Context) => Promise<DpopBinding | undefined>;
const checkDpopReplay = checkDpopReplayUntyped as (
  provider: Provider,
  ctx: Context,
  proof: DpopBinding,
  clientId: string,
) => Promise<void>;
const assembleParams = assembleParamsUntyped as (names: Set<string>, ctx: Context, next: Next) => unknown;
const clientAuth = clientAuthUntyped as readonly Middleware[];
const clientAuthParams = clientAuthParamsUntyped as (ctx: Context) => Set<string>;
const errorHandler = errorHandlerUntyped as (event: string) => Middleware;
const rejectDupes = rejectDupesUntyped as (options: object, ctx: Context, next: Next) => unknown;

/** Every part as it was found, for the test. */
export const parts: Readonly<Record<string, unknown>> = {
  als: alsUntyped,
  instance: instanceUntyped,
  validateDpop: validateDpopUntyped,
  checkDpopReplay: checkDpopReplayUntyped,
  assembleParams: assembleParamsUntyped,
  clientAuth: clientAuthUntyped,
  clientAuthParams: clientAuthParamsUntyped,
  errorHandler: errorHandlerUntyped,
  noCache: noCacheUntyped,
  rejectDupes: rejectDupesUntyped,
  urlencoded: urlencodedUntyped,
};

/**
 * Adds an endpoint beside the provider's own: a form is posted, the client is authenticated as at the token endpoint, and what is
 * thrown is answered as OAuth has it.
 * @param parameters those that are read; others do not reach the endpoint
 */
export function addEndpoint(
  provider: Provider,
  { name, path, parameters }: { readonly name: string; readonly path: string; readonly parameters: readonly string[] },
  handle: (ctx: EndpointContext) => Promise<void>,
): void {
  const withContext: Middleware = (ctx, next) => {
    const oidc = new (provider as unknown as { OIDCContext: new (ctx: Context) => unknown }).OIDCContext(ctx);
    Object.defineProperty(ctx, "oidc", { value: oidc });
    return als.run(ctx, () => next());
  };
  const assemble: Middleware = (ctx, next) =>
    assembleParams(new Set([...parameters, ...clientAuthParams(ctx)]), ctx, next);
  instance(provider).router.post(
    name,
    path,
    withContext,
    errorHandler(`${name}.error`),
    noCacheUntyped as Middleware,
    urlencodedUntyped as Middleware,
    assemble,
    ...clientAuth,
    (ctx, next) => rejectDupes({}, ctx, next),
    handle as Middleware,
  );
}

/**
 * The key of the request's DPoP proof, which is used up; undefined if there is no proof.
 * @throws errors of oidc-provider
 */
export async function dpopKeyOf(ctx: EndpointContext): Promise<string | undefined> {
  const { provider, client } = ctx.oidc;
  const proof = await validateDpop(provider, ctx);
  if (!proof) return undefined;
  await checkDpopReplay(provider, ctx, proof, client.clientId);
  return proof.thumbprint;
}
