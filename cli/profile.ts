import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";

import type * as yaml from "yaml";

import { AffiantError } from "../protocol/errors/affiantError.ts";

/** What a profile says of one deployment. Paths are relative to its file. */
export interface Profile {
  readonly rpc?: string;
  readonly relayer?: string;
  readonly deployment?: string;
  readonly data?: string;
}

const settings = ["rpc", "relayer", "deployment", "data"] as const;
const paths: readonly string[] = ["deployment", "data"];

/**
 * A profile that was asked for by name. None is taken without being named: a file that lies in a folder by chance must not
 * choose whom a command asks.
 * @param file default: `affiant.yaml` in the working folder
 * @throws AffiantError ERR_INPUT_CONFIG for an unknown name or setting, ERR_INPUT_FILE for a file that cannot be read
 */
export function readProfile(name: string | undefined, file = "affiant.yaml"): Profile {
  if (name === undefined) return {};
  const path = resolve(file);
  const profiles = profilesIn(path);
  const found = Object.hasOwn(profiles, name) ? profiles[name] : undefined;
  if (!isRecord(found)) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${path} has no profile ${name}`, {
      hint: `It has: ${Object.keys(profiles).join(", ") || "none"}`,
    });
  }
  for (const [key, value] of Object.entries(found)) {
    if (!(settings as readonly string[]).includes(key) || typeof value !== "string" || value === "") {
      throw new AffiantError("ERR_INPUT_CONFIG", `${path}: ${name}.${key} is not a setting with a text`, {
        hint: `Settings: ${settings.join(", ")}`,
      });
    }
  }
  const inPlace = Object.entries(found).map(([key, value]) => {
    return [key, paths.includes(key) ? resolve(dirname(path), value as string) : value];
  });
  return Object.fromEntries(inPlace) as Profile;
}

function profilesIn(path: string): Readonly<Record<string, unknown>> {
  if (!existsSync(path)) {
    throw new AffiantError("ERR_INPUT_FILE", `there is no ${path} to take a profile from`, {
      hint: "AFFIANT_CONFIG names another file; docs/cli.md shows one",
    });
  }
  try {
    // Loaded here: few commands are given a profile.
    const { parse } = createRequire(import.meta.url)("yaml") as Pick<typeof yaml, "parse">;
    const content: unknown = parse(readFileSync(path, "utf8"));
    if (isRecord(content) && isRecord(content["profiles"])) return content["profiles"];
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is not YAML: ${(cause as Error).message.split("\n")[0]}`, {
      cause,
    });
  }
  throw new AffiantError("ERR_INPUT_FILE", `${path} has no table of profiles`, { hint: "docs/cli.md shows one" });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
