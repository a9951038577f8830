import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";

import type { Command } from "commander";

import { readAgents } from "./agentNames.ts";
import { keyEscrowOf, trusted } from "./audit.ts";
import { command, type CommonFlags, run } from "./command.ts";
import { requireDeployment } from "./environment.ts";
import { pageParts } from "../dashboard/build/bundle.ts";
import { evidencePage } from "../dashboard/build/evidencePage.ts";
import { type Language, languages } from "../dashboard/model/settings.ts";
import type { Names } from "../dashboard/model/names.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly rpc?: string;
  readonly out?: string;
  readonly lang: string;
  readonly names?: string;
  readonly explorer?: string;
}

export function viewCommand(): Command {
  return command(
    "view",
    "Look at evidence in a browser: every act, what proves it, and which rules were kept or broken. The page is one file " +
      "with the evidence and the auditor in it; it checks itself again wherever it is opened, without a network but for " +
      "the endpoint that you name. Without an evidence file it is the page on which one can be dropped.",
    "local",
    [
      "affiant view evidence.jsonl --rpc http://127.0.0.1:8545",
      "affiant view evidence.jsonl --rpc https://rpc.example --deployment deployment.json --out report.html",
      "affiant view --out page.html",
    ],
  )
    .argument("[file]")
    .option("--out <file>", "write the page there, and open nothing")
    .option("--rpc <url>", "JSON-RPC endpoint that the page asks; its address stands in the page (AFFIANT_RPC_URL)")
    .option("--deployment <file>", "a deployment.json whose contracts you trust (AFFIANT_DEPLOYMENT)")
    .option("--names <file>", "what agents are called: JSON, DID to name; default: the agents of the data folder")
    .option("--lang <language>", `language of the page: ${languages.join(", ")}`, "en")
    .option("--explorer <url>", "where blocks of the chain can be looked at")
    .action(
      run<Flags, [string | undefined]>(async ({ environment }, flags, file) => {
        if (!languages.includes(flags.lang as Language)) {
          throw new AffiantError("ERR_INPUT_CONFIG", `--lang is one of ${languages.join(", ")}`);
        }
        const { rpcUrl, deploymentPath } = environment.given;
        const deployment = deploymentPath === undefined ? undefined : requireDeployment(environment);
        const settings = {
          language: flags.lang as Language,
          rpcUrl: rpcUrl === undefined ? null : webAddress(rpcUrl, "--rpc"),
          contracts: deployment ? trusted(deployment) : null,
          keyEscrow: deployment ? keyEscrowOf(deployment) : null,
          names: flags.names === undefined ? await readAgents(environment.dataDir) : await readNames(flags.names),
          explorer: flags.explorer === undefined ? null : webAddress(flags.explorer, "--explorer").replace(/\/$/, ""),
        };
        const evidence = file === undefined ? undefined : { name: basename(file), bytes: await bytesOf(file) };
        const page = evidencePage(await pageParts(), settings, evidence);
        const path = resolve(flags.out ?? join(await mkdtemp(join(tmpdir(), "affiant-view-")), "evidence.html"));
        await writeFile(path, page).catch((cause: unknown) => {
          throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be written`, { cause });
        });
        const opened = flags.out === undefined && (await openInBrowser(path));
        const size = `${(Buffer.byteLength(page) / 1e6).toFixed(1)} MB`;
        const lines = [
          `${opened ? "Opened" : "Written"}: ${path} (${size}, complete in itself)`,
          ...(flags.out === undefined && !opened ? ["No browser could be started: open that file in one."] : []),
          ...(rpcUrl === undefined && evidence
            ? ["No chain is asked: name one with --rpc, or much of it stays unproven."]
            : []),
        ];
        return { data: { path, bytes: Buffer.byteLength(page), opened }, lines };
      }),
    );
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AffiantError("ERR_INPUT_FILE", `${path} cannot be read (${code})`, { cause });
  });
}

/** It goes into the page's Content-Security-Policy, so it may hold nothing that ends a source or a directive there. */
function webAddress(text: string, flag: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== "" || /[;,'"\s*]/.test(url.href)) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${flag} takes an http or https address, without a user's name in it`);
  }
  return url.href;
}

async function readNames(path: string): Promise<Names> {
  const text = new TextDecoder().decode(await bytesOf(path));
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is not JSON`, { cause });
  }
  const isNames = typeof names === "object" && names !== null && !Array.isArray(names);
  if (!isNames || Object.values(names as object).some((name) => typeof name !== "string")) {
    throw new AffiantError("ERR_INPUT_FILE", `${path} is no JSON object from DIDs to names`);
  }
  return names as Names;
}

/** @returns whether something was started that opens pages */
function openInBrowser(path: string): Promise<boolean> {
  const opener = { darwin: ["open"], win32: ["cmd", "/c", "start", ""] }[process.platform as string] ?? ["xdg-open"];
  const [program = "", ...before] = opener;
  return new Promise((resolve) => {
    const child = spawn(program, [...before, path], { stdio: "ignore", detached: true });
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}
