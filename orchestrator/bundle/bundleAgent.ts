import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { basename, dirname, extname, join } from "node:path";

import type { Metafile } from "esbuild";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { placesBelow, prelude } from "./agentPlaces.ts";
import { external } from "./external.ts";

export interface AgentSource {
  /** Absolute path of the program's file. */
  readonly program: string;
  /** The package that it belongs to: what is linked beside each copy of the program is named from there. */
  readonly top: string;
  /** What the sources are of (`releaseOf`): of one release there is one bundle. */
  readonly release: string;
}

const leash = join(import.meta.dirname, "../process/leash.ts");
const kept = join(import.meta.dirname, "../../cache/agents");

/** `main.ts` runs as `main.bundle.mjs` beside it. */
export function bundledName(program: string): string {
  return join(dirname(program), `${basename(program, extname(program))}.bundle.mjs`);
}

/**
 * One file of all that an agent's program is made of, packages included. It is the same wherever it is put, since it is
 * measured; packages that have to stay outside are named in it, so that they are measured with it (`nodeTree.ts`).
 * @throws AffiantError ERR_INPUT_PIPELINE if it cannot be bundled
 */
export async function bundleAgent(source: AgentSource): Promise<string> {
  const path = join(kept, `${source.release}.mjs`);
  if (existsSync(path)) return readFileSync(path, "utf8");
  const text = await bundleAnew(source);
  try {
    mkdirSync(kept, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, text);
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // Not kept, then; the next one is made again.
  }
  return text;
}

async function bundleAnew({ program, top }: AgentSource): Promise<string> {
  const { build } = await import("esbuild");
  const result = await build({
    absWorkingDir: top,
    entryPoints: [program],
    outfile: bundledName(program),
    write: false,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    keepNames: true,
    minifyWhitespace: true,
    legalComments: "none",
    external: [...external],
    inject: [leash],
    plugins: [placesBelow(top, dirname(program))],
    metafile: true,
    logLevel: "silent",
  }).catch((cause: unknown) => {
    const [line] = String((cause as Error).message)
      .split("\n")
      .slice(1);
    throw new AffiantError(
      "ERR_INPUT_PIPELINE",
      `${program} cannot be bundled: ${line ?? "esbuild does not say why"}`,
      {
        cause,
        hint: "Leave `bundle` out of the descriptor, and it runs from its source",
      },
    );
  });
  const outside = packagesOutside(result.metafile, top).map((name) => `// import "${name}"\n`);
  return `${outside.join("")}${prelude}${result.outputFiles[0]?.text ?? ""}`;
}

const named =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*|\)\(\s*)["']((?:@[\w-][\w.-]*\/)?[\w-][\w.-]*)(?:\/[^"']*)?["']/g;

/** Packages that the sources name, as types too, and that are not in the bundle. */
function packagesOutside({ inputs }: Metafile, top: string): readonly string[] {
  const own = Object.keys(inputs).filter((path) => !path.includes("node_modules/"));
  const inside = new Set(Object.keys(inputs).flatMap((path) => packageOf(path) ?? []));
  const found = own.flatMap((path) => {
    const text = readFileSync(join(top, path), "utf8");
    return [...text.matchAll(named)].map(([, name = ""]) => name);
  });
  return [...new Set(found)]
    .filter((name) => !inside.has(name) && !builtinModules.includes(name) && isInstalled(name, top))
    .sort();
}

function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1];
}

function isInstalled(name: string, from: string): boolean {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, "node_modules", name, "package.json"))) return true;
    if (at === dirname(at)) return false;
  }
}
