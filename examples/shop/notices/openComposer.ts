import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { objectIn } from "../station/input.ts";
import { type Composer, templateComposer } from "./composer.ts";
import { ModelComposer } from "./modelComposer.ts";

/**
 * `<data>/notices.json` names the model: `{ "baseUrl": …, "model": …, "apiKeyFile"?: … }`. Without it the template writes.
 * @throws AffiantError ERR_INPUT_CONFIG, ERR_INPUT_MALFORMED
 */
export function openComposer(dataDir: string): Composer {
  const path = join(dataDir, "notices.json");
  if (!existsSync(path)) return templateComposer;
  const { baseUrl, model, apiKeyFile } = objectIn(JSON.parse(readFileSync(path, "utf8")) as Json, path);
  if (typeof baseUrl !== "string" || typeof model !== "string" || !/^https?:\/\//.test(baseUrl)) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${path} names no baseUrl and model`);
  }
  const apiKey = typeof apiKeyFile === "string" ? readFileSync(apiKeyFile, "utf8").trim() : undefined;
  return new ModelComposer({
    baseUrl: baseUrl.replace(/\/+$/, ""),
    model,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}
