import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build, type Plugin } from "esbuild";

const room = join(import.meta.dirname, "..");

/** What the evidence page is made of; everything is text or bytes, and nothing of it is fetched later. */
export interface PageParts {
  readonly script: string;
  readonly style: string;
  /** Runs in a worker, from a blob. */
  readonly worker: string;
  /** Cedar's WebAssembly, gzipped. */
  readonly cedar: Uint8Array;
}

/** In place of what only Node has. */
const forBrowsers: Plugin = {
  name: "for browsers",
  setup({ onResolve }) {
    onResolve({ filter: /\/cedar\.ts$/ }, ({ importer }) =>
      importer.includes("policy") ? { path: join(room, "browser/worker/cedar.ts") } : undefined,
    );
  },
};

/** @param entry a file of `browser/` */
async function bundled(entry: string): Promise<{ script: string; style: string }> {
  const { outputFiles } = await build({
    entryPoints: [join(room, "browser", entry)],
    absWorkingDir: room,
    outdir: join(room, "dist"),
    write: false,
    bundle: true,
    format: "iife",
    platform: "browser",
    target: "es2022",
    minify: true,
    charset: "utf8",
    legalComments: "inline",
    logLevel: "error",
    // The package finds its file by this address; here it is handed the bytes.
    define: { "import.meta.url": '""' },
    plugins: [forBrowsers],
  });
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? "";
  return { script: textOf(".js"), style: textOf(".css") };
}

let parts: Promise<PageParts> | undefined;

/** Bundles the evidence page, once in a process: it takes about a second. */
export function pageParts(): Promise<PageParts> {
  parts ??= bundlePage();
  return parts;
}

async function bundlePage(): Promise<PageParts> {
  const wasm = join(dirname(fileURLToPath(import.meta.resolve("@cedar-policy/cedar-wasm/web"))), "cedar_wasm_bg.wasm");
  const [page, worker, cedar] = await Promise.all([bundled("page/main.ts"), bundled("worker/main.ts"), readFile(wasm)]);
  return { ...page, worker: worker.script, cedar: gzipSync(cedar, { level: 9 }) };
}

/** The dashboard's page, which a server hands out with its own headers. */
export async function dashboardParts(): Promise<{ script: string; style: string }> {
  return bundled("dashboard/main.ts");
}
