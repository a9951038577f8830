import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, delimiter, dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { bundleAgent, bundledName } from "../bundle/bundleAgent.ts";
import type { PipelineAgent } from "../descriptor/pipeline.ts";
import type { Infrastructure, Installation, InstallRequest } from "./infrastructure.ts";

const leash = pathToFileURL(join(import.meta.dirname, "../process/leash.ts")).href;
/** Share of a core below which a program is run at a lower priority. */
const lowShareMillis = 250;
/** What Node takes for itself, however little its program does. */
const runtimeMb = 768;

/**
 * Runs agents as processes of this machine; a site is a folder. Each version of each agent runs from a copy of its own, as
 * it would on another machine: what happens to one copy leaves the source and the other agents alone.
 */
export class LocalProcesses implements Infrastructure {
  readonly enforcement: readonly string[];
  readonly #sitesDir: string;
  readonly #prlimit: string | undefined;
  readonly #nice: string | undefined;

  /** @param searchPath as PATH */
  constructor(dataDir: string, searchPath: string) {
    this.#sitesDir = join(dataDir, "sites");
    this.#prlimit = process.platform === "linux" ? findProgram("prlimit", searchPath) : undefined;
    this.#nice = findProgram("nice", searchPath);
    this.enforcement = [
      "memoryMb: the JavaScript heap is limited (--max-old-space-size)",
      this.#prlimit === undefined
        ? "memoryMb of the whole process: not enforced, there is no prlimit here"
        : `memoryMb of the whole process: writable memory is limited to twice that and ${runtimeMb} (prlimit --data)`,
      this.#nice === undefined
        ? "cpuMillis: not enforced, there is no nice here"
        : `cpuMillis: agents below ${lowShareMillis} run at a lower priority (nice); no share is guaranteed or capped`,
    ];
  }

  async install(request: InstallRequest): Promise<Installation> {
    const root = this.#rootOf(request);
    const draft = `${root}.part`;
    const { folder, top } = placeOf(request.source);
    rmSync(draft, { recursive: true, force: true });
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(draft, dirname(folder)), { recursive: true, mode: 0o700 });
    cpSync(request.source, join(draft, folder), {
      recursive: true,
      filter: (path) => !/^(?:node_modules|data|\..+)$/.test(basename(path)) || path === request.source,
    });
    // What the program imports from beside its folder stays where it is.
    linkBeside(top, draft, folder === "" ? [] : folder.split("/"));
    const { bundle, program } = request.agent;
    if (bundle) {
      const below = relative(request.source, program);
      if (below.startsWith(".."))
        throw new AffiantError(
          "ERR_INPUT_PIPELINE",
          `${program} lies outside of the descriptor's folder and cannot be bundled`,
        );
      const text = await bundleAgent({ program, top, release: request.release });
      writeFileSync(bundledName(join(draft, folder, below)), text);
    }
    renameSync(draft, root);
    return this.#at(root, request);
  }

  find(request: InstallRequest): Installation | undefined {
    const root = this.#rootOf(request);
    return existsSync(root) ? this.#at(root, request) : undefined;
  }

  commandOf({ program }: Installation, agent: PipelineAgent): readonly [string, ...string[]] {
    const { memoryMb, cpuMillis, args, bundle } = agent;
    // Both hand over to the next program in the same process, so what is measured is Node.
    const limits = [
      ...(this.#prlimit === undefined ? [] : [this.#prlimit, `--data=${(memoryMb * 2 + runtimeMb) * 1024 * 1024}`]),
      ...(this.#nice === undefined || cpuMillis >= lowShareMillis ? [] : [this.#nice, "-n", "5"]),
    ];
    const node = ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${memoryMb}`];
    if (!bundle) node.push("--import", leash); // a bundle has it in it
    const [first = process.execPath, ...rest] = [...limits, process.execPath, ...node, program, ...args];
    return [first, ...rest];
  }

  #rootOf({ site, name }: InstallRequest): string {
    return join(this.#sitesDir, site, name);
  }

  #at(root: string, { agent, source, include }: InstallRequest): Installation {
    const copied = (path: string): string => {
      const below = relative(source, path);
      return below.startsWith("..") ? path : join(root, placeOf(source).folder, below);
    };
    return {
      root,
      program: agent.bundle ? bundledName(copied(agent.program)) : copied(agent.program),
      policy: copied(agent.policy),
      include: [...new Set([agent.policy, ...include].map(copied))],
    };
  }
}

/** Where a folder lies below the package that it belongs to; by itself if it belongs to none. */
function placeOf(source: string): { readonly top: string; readonly folder: string } {
  for (let at = source; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return { top: at, folder: relative(at, source) };
    if (at === dirname(at)) return { top: source, folder: "" };
  }
}

/** Links everything that stands beside the copied folder, at each level between it and the package's root. */
function linkBeside(top: string, copy: string, way: readonly string[]): void {
  let [from, to] = [top, copy];
  for (const step of way) {
    for (const name of readdirSync(from)) {
      if (name !== step && (!name.startsWith(".") || name === ".npmrc") && !existsSync(join(to, name))) {
        symlinkSync(join(from, name), join(to, name));
      }
    }
    [from, to] = [join(from, step), join(to, step)];
  }
}

function findProgram(name: string, searchPath: string): string | undefined {
  return searchPath
    .split(delimiter)
    .map((folder) => resolve(folder, name))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
