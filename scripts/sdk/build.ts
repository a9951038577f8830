/**
 * Builds what `npm pack` puts into the SDK: `sdk/dist`.
 *
 * One build serves `import` and `require`: Node loads ES modules by `require` since 22.12, and two copies of a class
 * would make `instanceof AffiantError` a matter of luck. Browsers get bundles of the two rooms that are made for them.
 */
import { copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { build, type BuildOptions, type Plugin } from "esbuild";
import ts from "typescript";

const root = join(import.meta.dirname, "../..");
const sdk = join(root, "sdk");

/** @throws Error with the compiler's words */
export async function buildSdk(outDir = join(sdk, "dist")): Promise<void> {
  await rm(outDir, { recursive: true, force: true });
  await emitModules(outDir);
  await bundleCedar(join(outDir, "protocol/policy/cedar.js"));
  await bundleForBrowsers(join(outDir, "browser"));
  // The prover reads its circuit's files from beside its code.
  await copyFile(join(root, "LICENSE"), join(outDir, "LICENSE"));
  await cp(join(root, "circuits/generated"), join(outDir, "circuits/generated"), { recursive: true });
}

/** JavaScript and declarations, file by file, in the folders of the source. */
async function emitModules(outDir: string): Promise<void> {
  const path = join(sdk, "tsconfig.json");
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file)) as { config: unknown };
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, sdk);
  const program = ts.createProgram(fileNames, { ...options, outDir });
  const written: Promise<void>[] = [];
  const { diagnostics } = program.emit(undefined, (file, text) => {
    written.push(put(file, file.endsWith(".d.ts") ? withJsSpecifiers(text) : text));
  });
  await Promise.all(written);
  const faults = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  if (faults.length > 0) throw new Error(ts.formatDiagnostics(faults, formatHost));
}

const formatHost: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => root,
  getNewLine: () => "\n",
};

async function put(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

/** The compiler rewrites `./x.ts` in JavaScript and leaves it in declarations, where a reader would look for source. */
export function withJsSpecifiers(declarations: string): string {
  return declarations.replaceAll(/((?:from|import\()\s*"\.{1,2}\/[^"]*)\.ts"/g, '$1.js"');
}

/**
 * Cedar's WebAssembly as text within a module: it needs no file beside, so that other people's bundlers have nothing to find and
 * to copy, for Node or for browsers.
 */
const cedarWithin: Plugin = {
  name: "cedar within",
  setup({ onResolve, onLoad }) {
    const filter = /^affiant:cedar-wasm$/;
    onResolve({ filter }, ({ path }) => ({ path, namespace: "affiant" }));
    onLoad({ filter, namespace: "affiant" }, async () => {
      const cedar = fileURLToPath(import.meta.resolve("@cedar-policy/cedar-wasm/web"));
      const wasm = await readFile(join(dirname(cedar), "cedar_wasm_bg.wasm"));
      return { contents: `export default "${wasm.toString("base64")}";`, loader: "js" };
    });
  },
};

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  // Stack traces and the names of errors stay readable.
  keepNames: true,
  legalComments: "linked",
  logLevel: "error",
  // Where Cedar's own code would look for its file. It is not asked, and no bundler is to look there.
  define: { "import.meta.url": "undefined" },
};

/** In place of the module that reads Cedar's file from a folder of packages. */
async function bundleCedar(outfile: string): Promise<void> {
  await build({
    ...shared,
    entryPoints: [join(sdk, "bundled/cedar.ts")],
    outfile,
    platform: "neutral",
    mainFields: ["module", "main"],
    plugins: [cedarWithin],
  });
}

/** In place of what only Node has. */
const forBrowsers: Plugin = {
  name: "for browsers",
  setup({ onResolve }) {
    onResolve({ filter: /\/cedar\.ts$/ }, () => ({ path: join(sdk, "bundled/cedar.ts") }));
    onResolve({ filter: /^node:util$/ }, () => ({ path: join(sdk, "bundled/util.ts") }));
  },
};

async function bundleForBrowsers(outdir: string): Promise<void> {
  await build({
    ...shared,
    entryPoints: ["protocol.ts", "auditor.ts", "browser.ts"].map((name) => join(sdk, name)),
    outdir,
    splitting: true,
    platform: "browser",
    plugins: [forBrowsers, cedarWithin],
  });
}

/** The packages that the built modules import by name, without Node's own. */
export async function importedPackages(files: readonly string[]): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const file of files) {
    for (const { fileName } of ts.preProcessFile(await readFile(file, "utf8"), true, true).importedFiles) {
      if (fileName.startsWith(".") || fileName.startsWith("node:")) continue;
      const [scope = "", name = ""] = fileName.split("/");
      names.add(scope.startsWith("@") ? `${scope}/${name}` : scope);
    }
  }
  return names;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await buildSdk();
