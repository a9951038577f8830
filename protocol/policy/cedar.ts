/**
 * The one place that names a build of Cedar. The Node build reads its WebAssembly when it is imported; a browser bundle
 * puts the package's `esm` build in this file's place, the functions are the same.
 */
export {
  isAuthorized,
  policySetTextToParts,
  policyToJson,
  preparsePolicySet,
  preparseSchema,
  schemaToJsonWithResolvedTypes,
  statefulIsAuthorized,
  validate,
  type CedarValueJson,
  type DetailedError,
  type Expr,
  type PolicyJson,
  type SchemaJson,
  type Type,
} from "@cedar-policy/cedar-wasm/nodejs";
