/**
 * Holds the imports to the folder table of the README: arrows point down only. Every `import`, `export … from` and
 * `import()` of a relative path that leaves its room must lead to a room that the table allows.
 * Prints each broken arrow and ends with exit code 1 if there is one.
 */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve, sep } from "node:path";

import ts from "typescript";

const rooms = [
  "protocol",
  "host",
  "circuits",
  "ignition",
  "agent",
  "adapters",
  "attestation",
  "orchestrator",
  "relayer",
  "directory",
  "access",
  "auditor",
  "dashboard",
  "cli",
  "examples",
  "sdk",
];

/** Which rooms a room may import. A room that is not a key here may not exist. */
export const allowedImports: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  circuits: ["protocol"],
  ignition: ["protocol"],
  host: ["protocol"],
  agent: ["protocol", "host", "circuits"],
  adapters: ["protocol", "host", "agent"],
  attestation: ["protocol", "host", "agent"],
  orchestrator: ["protocol", "host", "circuits", "ignition", "agent", "attestation"],
  relayer: ["protocol", "host", "circuits"],
  directory: ["protocol", "host"],
  access: ["protocol", "host", "circuits"],
  auditor: ["protocol"],
  dashboard: ["protocol", "host", "auditor"],
  cli: rooms,
  examples: ["protocol", "agent", "attestation", "sdk"],
  sdk: ["protocol", "agent", "adapters", "auditor"],
  scripts: [...rooms, "test"],
  test: [...rooms, "scripts"],
};

/** Packages that would let a room do what it must not: protocol is portable and has no I/O. */
export const forbiddenPackages: Readonly<Record<string, RegExp>> = {
  protocol: /^(?:node:|express$|ioredis$|bullmq$|pino$)/,
};

/** Files that may use what their room may not; portable code must not lead to them. */
export const excepted: readonly string[] = ["protocol/ed25519/nodeVerify.ts"];

/** What a build wrote. */
const builtFolder = /^dist[\\/]/;

export interface BrokenArrow {
  readonly file: string;
  readonly specifier: string;
  readonly reason: string;
}

/** The module specifiers of a source text, type-only imports among them. */
export function specifiersOf(source: string): readonly string[] {
  return ts.preProcessFile(source, true, true).importedFiles.map((imported) => imported.fileName);
}

/** @param file path of the importing file, relative to the root, with `/` */
export function brokenArrowsOf(file: string, source: string): readonly BrokenArrow[] {
  const room = file.split("/")[0] ?? "";
  const allowed = allowedImports[room];
  if (!allowed) return [{ file, specifier: "", reason: `${room}/ is not a room of the house` }];
  return specifiersOf(source).flatMap((specifier) => {
    if (!specifier.startsWith(".")) {
      return forbiddenPackages[room]?.test(specifier) && !excepted.includes(file)
        ? [{ file, specifier, reason: `${room}/ may not use this package` }]
        : [];
    }
    const path = relative(".", resolve(dirname(file), specifier)).replaceAll(sep, "/");
    const target = path.split("/")[0] ?? "";
    if (target === room && excepted.includes(path)) {
      return [{ file, specifier, reason: `${room}/ must not lead to this file: it is not portable` }];
    }
    if (path === "package.json") return []; // what we say of ourselves
    return target === room || allowed.includes(target)
      ? []
      : [{ file, specifier, reason: `${room}/ may not import ${target}/` }];
  });
}

async function main(root: string): Promise<void> {
  const broken: BrokenArrow[] = [];
  let fileCount = 0;
  for (const room of Object.keys(allowedImports)) {
    for (const name of await readdir(join(root, room), { recursive: true }).catch(() => [])) {
      if (!/\.(?:ts|tsx|mts|js|mjs)$/.test(name) || builtFolder.test(name)) continue;
      const file = `${room}/${name.replaceAll(sep, "/")}`;
      fileCount += 1;
      broken.push(...brokenArrowsOf(file, await readFile(join(root, file), "utf8")));
    }
  }
  for (const arrow of broken) console.error(`${arrow.file}: ${arrow.reason} (${arrow.specifier})`);
  console.log(`imports: ${fileCount} files, ${broken.length} broken arrows`);
  process.exitCode = broken.length > 0 ? 1 : 0;
}

if (import.meta.main) await main(join(import.meta.dirname, "../.."));
