import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { anvilBinary } from "./anvilBinary.ts";
import { type JsonRpc, jsonRpcAt } from "./jsonRpc.ts";

export interface AnvilOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly port: number;
  readonly chainId: number;
  /** JSON to begin with (`--load-state`). */
  readonly statePath?: string;
  /** Where the id of the running anvil is kept, for a successor that must end it. */
  readonly pidPath: string;
}

export interface Anvil {
  readonly url: string;
  readonly rpc: JsonRpc;
  /** Settles when it is gone. Never rejects. */
  readonly exited: Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts anvil without accounts of its own and without mining of its own: the keys are ours and so is the moment of
 * each block (`localChain.ts`).
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN with what anvil wrote if it does not come up
 */
export async function startAnvil(options: AnvilOptions): Promise<Anvil> {
  endPredecessor(options.pidPath);
  const { host = "127.0.0.1" } = options;
  const args = [
    "--host",
    host,
    "--no-cors",
    "--port",
    `${options.port}`,
    "--chain-id",
    `${options.chainId}`,
    "--silent",
  ];
  // With one slot an epoch the block tags mean: safe = one block deep, finalized = two.
  args.push("--no-mining", "--accounts", "0", "--slots-in-an-epoch", "1");
  // Old states live in memory only, and the newest alone: anvil would write the rest to the user's home.
  args.push("--prune-history", "64");
  // Mined again from the journal, a block has its transactions in the order in which they are sent.
  args.push("--order", "fifo");
  if (options.statePath !== undefined) args.push("--load-state", options.statePath);
  const child = spawn(anvilBinary(), args, { stdio: ["ignore", "inherit", "pipe"] });
  let words = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (words = (words + text).slice(-2_000)));
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  if (child.pid !== undefined) writeFileSync(options.pidPath, `${child.pid}\n`);
  const url = `http://${host}:${options.port}`;
  const rpc = jsonRpcAt(url);
  await answering(child, rpc, exited, () => words);
  return {
    url,
    rpc,
    exited,
    stop: async () => {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await exited;
      clearTimeout(timer);
      if (readPid(options.pidPath) === child.pid) rmSync(options.pidPath, { force: true });
    },
  };
}

async function answering(child: ChildProcess, rpc: JsonRpc, exited: Promise<void>, words: () => string): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  for (let attempt = 0; attempt < 600; attempt++) {
    if (gone) break;
    try {
      await rpc("eth_chainId");
      if (!gone) return;
    } catch {
      await Promise.race([sleep(25), exited]);
    }
  }
  child.kill("SIGKILL");
  throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `anvil did not come up: ${words().trim() || "it says nothing"}`);
}

/** Whoever kept the last anvil was killed before it could end it. Only a process that really is one is ended. */
function endPredecessor(pidPath: string): void {
  const pid = readPid(pidPath);
  if (pid === undefined) return;
  try {
    const command = execFileSync("ps", ["-o", "args=", "-p", `${pid}`], { encoding: "utf8" });
    if (command.includes("anvil") && command.includes("--no-mining")) process.kill(pid, "SIGKILL");
  } catch {
    return; // no such process, or no ps: then the port tells
  }
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}
