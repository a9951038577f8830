import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { dirname, extname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Files that a Node program is made of, by the way in which they belong to it. */
export interface NodeTree {
  readonly scripts: ReadonlySet<string>;
  /** Every file of every package, loaded or not: what is loaded may depend on conditions at run time. */
  readonly dependencies: ReadonlySet<string>;
  /** package.json files, which decide how scripts are read and what names mean. */
  readonly configuration: ReadonlySet<string>;
}

const sources = new Set([".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ""]);
const endings = ["", ".js", ".json", ".node", ".mjs", ".cjs", ".ts", "/index.js", "/index.json", "/index.node"];
const builtins = new Set(builtinModules);

/**
 * Text that may be a module's name: behind `from` or `import`, or in `import(…)`, `require(…)` and the like. Text in a
 * comment is taken as well; that measures a file too many, never one too few.
 */
const named =
  /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire(?:\.resolve)?\s*\(\s*|\bnew\s+URL\s*\(\s*|\bWorker\s*\(\s*)(["'`])([^"'`\n]{1,512})\1/g;

/** Follows a program's imports. A name that is computed while it runs cannot be followed: name such files by `include`. */
export async function nodeTree(entries: readonly string[]): Promise<NodeTree> {
  const tree = { scripts: new Set<string>(), dependencies: new Set<string>(), configuration: new Set<string>() };
  const packages = new Set<string>();
  const open = [...entries];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    const path = await realpath(file).catch(() => null);
    if (path === null || tree.scripts.has(path)) continue;
    tree.scripts.add(path);
    const scope = await above(dirname(path), "package.json");
    if (scope) tree.configuration.add(scope);
    if (!sources.has(extname(path))) continue;
    for (const [, , name] of (await readFile(path, "utf8")).matchAll(named)) {
      if (name === undefined || name.startsWith("node:") || builtins.has(name)) continue;
      const target = isPath(name) ? await resolveFile(path, name) : null;
      if (target !== null) open.push(target);
      else if (!isPath(name)) await follow(name, path, open, packages);
    }
  }
  for (const folder of packages) for (const file of await filesBelow(folder)) tree.dependencies.add(file);
  return tree;
}

async function follow(name: string, from: string, open: string[], packages: Set<string>): Promise<void> {
  if (name.startsWith("#")) {
    const target = resolveByNode(name, from);
    if (target !== null) open.push(target);
    return;
  }
  const [first = "", second = ""] = name.split("/");
  await addPackage(first.startsWith("@") ? `${first}/${second}` : first, dirname(from), packages);
}

/** A package with all that it depends on. */
async function addPackage(name: string, from: string, packages: Set<string>): Promise<void> {
  if (!/^(?:@[\w.-]+\/)?[\w.-]+$/.test(name)) return;
  const found = await above(from, join("node_modules", name, "package.json"));
  if (!found) return;
  const folder = dirname(await realpath(found));
  if (packages.has(folder)) return;
  packages.add(folder);
  const manifest = await readJson(found);
  for (const kind of ["dependencies", "optionalDependencies", "peerDependencies"]) {
    for (const needed of Object.keys(manifest[kind] ?? {})) await addPackage(needed, folder, packages);
  }
}

/** The files of a folder, without the packages installed inside of it: those count where they are depended on. */
export async function filesBelow(folder: string, takes: (name: string) => boolean = () => true): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== "node_modules") files.push(...(await filesBelow(path, takes)));
    else if ((entry.isFile() || (entry.isSymbolicLink() && (await isFile(path)))) && takes(entry.name))
      files.push(path);
  }
  return files;
}

function isPath(name: string): boolean {
  return name.startsWith("./") || name.startsWith("../") || name.startsWith("/") || name.startsWith("file:");
}

async function resolveFile(from: string, name: string): Promise<string | null> {
  const target = name.startsWith("file:") ? fileURLToPath(name) : resolve(dirname(from), name);
  for (const ending of endings) if (await isFile(target + ending)) return target + ending;
  return null;
}

function resolveByNode(name: string, from: string): string | null {
  try {
    return createRequire(from).resolve(name);
  } catch {
    return null;
  }
}

async function above(folder: string, name: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    if (await isFile(join(at, name))) return join(at, name);
    if (at === dirname(at) || at === sep) return null;
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

async function readJson(path: string): Promise<Record<string, Record<string, string> | undefined>> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Record<string, Record<string, string>>;
  } catch {
    return {};
  }
}
