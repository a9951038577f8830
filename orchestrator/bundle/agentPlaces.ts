import { readFileSync } from "node:fs";
import { dirname, relative, sep } from "node:path";

import type { Plugin } from "esbuild";

import { speaksOfPlaces } from "./sourcePlaces.ts";

/** What CommonJS packages take for granted, and where source lay, seen from the bundle. */
export const prelude = `import { createRequire as makeRequire } from "node:module";
import { resolve as resolvePath } from "node:path";
const require = makeRequire(import.meta.url);
const makePath = (below) => resolvePath(import.meta.dirname, below);
const makeUrl = (below) => new URL(below, import.meta.url).href;
`;

/** Source that asks where it lies is told so from where the bundle lies: copies of it lie elsewhere. */
export function placesBelow(top: string, folder: string): Plugin {
  return {
    name: "places below",
    setup({ onLoad }) {
      onLoad({ filter: /\.[mc]?[jt]s$/ }, ({ path }) => {
        if (path.includes(`${sep}node_modules${sep}`) || speaksOfPlaces(path)) return undefined;
        const text = readFileSync(path, "utf8");
        if (!text.includes("import.meta.")) return undefined;
        const place = (to: string) => JSON.stringify(relative(folder, to).replaceAll(sep, "/") || ".");
        const contents = text
          .replaceAll("import.meta.dirname", `makePath(${place(dirname(path))})`)
          .replaceAll("import.meta.filename", `makePath(${place(path)})`)
          .replaceAll("import.meta.url", `makeUrl(${place(path)})`)
          .replaceAll("import.meta.main", "false");
        return { contents, loader: "ts" };
      });
    },
  };
}
