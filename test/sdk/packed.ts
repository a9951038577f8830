import { execFile } from "node:child_process";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

interface PackageFile {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, unknown>>;
}

export async function readPackage(folder: string): Promise<PackageFile> {
  return JSON.parse(await readFile(join(root, folder, "package.json"), "utf8")) as PackageFile;
}

/**
 * Packs the SDK as `npm pack` does and installs the tarball into a project that has nothing else: of all packages only
 * those are there that the SDK asks for, so a forgotten dependency is not found.
 * @returns the SDK's folder in that project
 */
export async function installPacked(project: string): Promise<string> {
  // What an outer npm put into the environment would be taken for settings of this one.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const { stdout } = await run("npm", ["pack", "./sdk", "--json", "--pack-destination", project], { cwd: root, env });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf("["))) as [{ filename: string }];
  const installed = join(project, "node_modules/@affiant/sdk");
  await mkdir(installed, { recursive: true });
  await run("tar", ["-xzf", join(project, filename), "-C", installed, "--strip-components", "1"]);
  for (const name of Object.keys((await readPackage("sdk")).dependencies)) {
    const place = join(project, "node_modules", name);
    await mkdir(dirname(place), { recursive: true });
    await symlink(join(root, "node_modules", name), place);
  }
  return installed;
}
