import { readFile, readlink, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

export type Language = "node" | "python" | "other";

/** What a process was started as, by what the kernel says of it. */
export interface LiveCommand {
  readonly executable: string;
  readonly language: Language;
  /** Behind the executable. */
  readonly args: readonly string[];
  /** Position in `args`, and absolute path, of the program that an interpreter was given. */
  readonly script: { readonly index: number; readonly path: string } | null;
  /** Absolute paths of modules that the interpreter was told to load first. */
  readonly preloads: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Each of these makes a loader or an interpreter run code that stands in no other place of the manifest. */
const codeVariables =
  /^(?:LD_(?:PRELOAD|LIBRARY_PATH|AUDIT)|NODE_(?:OPTIONS|PATH|COMPILE_CACHE)|PYTHON(?:PATH|HOME|STARTUP|USERBASE|PYCACHEPREFIX)|BASH_ENV|ENV|PERL5(?:LIB|OPT)|RUBY(?:LIB|OPT))$/;

const interpreters =
  /^(?:node|nodejs|python[0-9.]*|pypy[0-9.]*|bash|sh|dash|zsh|perl[0-9.]*|ruby[0-9.]*|php[0-9.]*|lua[0-9.]*)$/;
const preloadFlags = new Set(["-r", "--require", "--import", "--loader", "--experimental-loader"]);
const nodeFlagsWithValue = new Set([...preloadFlags, "-C", "--conditions", "--env-file", "--title", "--icu-data-dir"]);
const pythonFlagsWithValue = new Set(["-W", "-X", "--check-hash-based-pycs"]);

/** @throws AffiantError ERR_INPUT_MEASURE if there is no such process, or it may not be looked at */
export async function commandOf(pid: number): Promise<LiveCommand> {
  try {
    const [executable, cwd, cmdline, environ] = await Promise.all([
      readlink(`/proc/${pid}/exe`),
      readlink(`/proc/${pid}/cwd`),
      readFile(`/proc/${pid}/cmdline`, "utf8"),
      readFile(`/proc/${pid}/environ`, "utf8"),
    ]);
    const args = cmdline.split("\0").slice(1, -1);
    const language = languageOf(executable);
    const environment = codeEnvironment(environ);
    const inOptions = language === "node" ? (environment["NODE_OPTIONS"] ?? "").split(/\s+/) : [];
    return {
      executable: executable.replace(/ \(deleted\)$/, ""),
      language,
      args,
      script: await scriptOf(executable, language, args, cwd),
      preloads: language === "node" ? [...preloadsOf(args, cwd), ...preloadsOf(inOptions, cwd)] : [],
      cwd,
      environment,
    };
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_MEASURE", `process ${pid} is gone or may not be looked at`, { cause });
  }
}

function languageOf(executable: string): Language {
  const name = basename(executable);
  if (/^node(?:js)?$/.test(name)) return "node";
  return /^(?:python|pypy)[0-9.]*$/.test(name) ? "python" : "other";
}

async function scriptOf(executable: string, language: Language, args: readonly string[], cwd: string) {
  if (!interpreters.test(basename(executable))) return null;
  const withValue = language === "node" ? nodeFlagsWithValue : pythonFlagsWithValue;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    // Code on the command line is measured with the command line.
    if (["-e", "--eval", "-p", "--print", "-pe", "-c", "-m", "-"].includes(arg)) return null;
    if (withValue.has(arg)) index++;
    else if (!arg.startsWith("-")) {
      const path = resolve(cwd, arg);
      return (await stat(path).catch(() => null))?.isFile() ? { index, path } : null;
    }
  }
  return null;
}

function preloadsOf(args: readonly string[], cwd: string): string[] {
  return args.flatMap((arg, i) => {
    const [flag = "", inline] = arg.split(/=(.*)/s);
    if (!preloadFlags.has(flag)) return [];
    const value = inline ?? args[i + 1];
    if (value?.startsWith("file:")) return [new URL(value).pathname];
    return value?.startsWith(".") || value?.startsWith("/") ? [resolve(cwd, value)] : [];
  });
}

function codeEnvironment(environ: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of environ.split("\0")) {
    const at = pair.indexOf("=");
    if (at > 0 && codeVariables.test(pair.slice(0, at))) found[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return found;
}
