/** Gives the SDK the version that `changeset version` gave the project. Part of `npm run release:version`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
const path = join(root, "sdk/package.json");
const text = await readFile(path, "utf8");
await writeFile(path, text.replace(/("version": ")[^"]*"/, `$1${version}"`));
