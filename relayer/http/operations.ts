import { compileApi } from "../../host/http/api.ts";
import { openApiDocument } from "./openapi.ts";

export { complaint, type CompiledOperation, type FoundOperation, readParameter } from "../../host/http/api.ts";

/** The relayer's routes, as its document describes them. */
export const { find: findOperation, answerViolation } = compileApi(openApiDocument);
