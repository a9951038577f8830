/** What `internals.ts` imports has no types of its own; it says there what each part is. */
declare module "oidc-provider/lib/helpers/validate_dpop.js" {
  const validateDpop: unknown;
  export default validateDpop;
  export const checkDpopReplay: unknown;
}
declare module "oidc-provider/lib/shared/client_auth.js" {
  const clientAuth: unknown;
  export default clientAuth;
  export const getClientAuthParams: unknown;
}
declare module "oidc-provider/lib/shared/selective_body.js" {
  export const urlencoded: unknown;
}
declare module "oidc-provider/lib/*" {
  const part: unknown;
  export default part;
}
