import { readFile } from "node:fs/promises";
import { dirname, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";

import type { Plugin } from "esbuild";

/**
 * Source that asks where it lies is told where the source lies, not the bundle: what it looks for stands beside it.
 * Programs that are bundled too, such as the code of a thread, are found as bundles.
 * @param names program, relative to the root, to the file of its bundle; all lie in one folder
 */
export function sourcePlaces(root: string, names: Readonly<Record<string, string>>): Plugin {
  return {
    name: "source places",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        // Not of packages; and not of what bundles, which only speaks of places.
        if (path.includes(`${sep}node_modules${sep}`) || speaksOfPlaces(path)) return undefined;
        const text = await readFile(path, "utf8");
        if (!text.includes("import.meta.")) return undefined;
        return { contents: placed(text, path, root, names), loader: "ts" };
      });
    },
  };
}

/** What bundles has these words in its text, and means the text of others. */
export const speaksOfPlaces = (path: string): boolean => /[\\/]bundle[\\/](?:source|agent)Places\.ts$/.test(path);

/** Stands for the bundle's own place while the source's places are written. */
const bundlePlace = "__bundle__";

/** The text of a file with its own places written into it. */
export function placed(text: string, path: string, root: string, names: Readonly<Record<string, string>>): string {
  const inBundle = text.replaceAll(
    /new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g,
    (whole: string, target: string) => {
      const name = names[relative(root, resolve(dirname(path), target)).replaceAll(sep, "/")];
      return name === undefined ? whole : `new URL(${JSON.stringify(`./${name}`)}, ${bundlePlace}.url)`;
    },
  );
  const places: Readonly<Record<string, string>> = {
    dirname: JSON.stringify(dirname(path)),
    filename: JSON.stringify(path),
    url: JSON.stringify(pathToFileURL(path).href),
    main: "false",
  };
  // Not in quotes: there somebody speaks of the words, as who bundles does.
  return inBundle
    .replaceAll(
      /(?<!["'`])import\.meta\.(dirname|filename|url|main)\b(?!["'`])/g,
      (words, name: string) => places[name] ?? words,
    )
    .replaceAll(bundlePlace, "import.meta");
}
