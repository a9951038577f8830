import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Command } from "commander";

import { ChainSource } from "../../directory/chain/source.ts";
import { readDirectoryConfig } from "../../directory/config.ts";
import { followedContracts } from "../../directory/events/contracts.ts";
import { contractNames, writeSnapshot } from "../../directory/snapshot/snapshot.ts";
import { snapshotName } from "../../directory/snapshot/snapshots.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { startDirectory } from "../../directory/startDirectory.ts";
import { verifyAnswer } from "../../directory/verify/verifyAnswer.ts";
import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { printJson, printLines } from "../../host/terminal/print.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { type Environment, requireDeployment, requireRpcUrl } from "../environment.ts";
import { columns } from "../output.ts";
import { cardLookUp } from "./lookUp.ts";

/** What the flags and the data folder say stands in for what is not in the environment (docs/directory.md). */
function configOf(environment: Environment, flags: { readonly port?: string }) {
  return readDirectoryConfig({
    AFFIANT_RPC_URL: environment.rpcUrl,
    AFFIANT_DEPLOYMENT: environment.deploymentPath,
    AFFIANT_RELAYER_URL: environment.relayerUrl,
    AFFIANT_DATA_DIR: join(environment.dataDir, "directory"),
    AFFIANT_ALLOW_PRIVATE: environment.allowPrivate ? "1" : undefined,
    AFFIANT_PORT: flags.port,
  });
}

interface ServeFlags extends CommonFlags {
  readonly port?: string;
}

export function directoryServeCommand(): Command {
  return command("serve", "Follow the chain and answer questions until Ctrl-C.", "all", [
    "affiant directory serve",
    "affiant directory serve --rpc https://one.example,https://two.example --deployment deployment.json --port 8790",
  ])
    .option("--port <number>", "where to listen on this machine (default 8790; 0: any free one)")
    .option("--allow-private", "fetch cards also from this machine and private networks (AFFIANT_ALLOW_PRIVATE=1)")
    .action(
      run<ServeFlags, []>(async ({ environment, json }, flags) => {
        const config = configOf(environment, flags);
        const directory = await startDirectory(config, {
          lookUp: cardLookUp(config.allowPrivate),
          onTrouble: (what, error) => printLines("stderr", [`directory: ${what}: ${(error as Error).message}`]),
        });
        if (json) printJson("stdout", { ready: true, url: directory.url });
        else printLines("stdout", [`directory at ${directory.url}`]);
        const signal = await Promise.race(["SIGINT", "SIGTERM"].map((name) => once(process, name).then(() => name)));
        await directory.close();
        return { data: { ready: false, signal }, lines: [`directory ended (${signal})`] };
      }),
    );
}

interface VerifyFlags extends CommonFlags {
  readonly snapshot?: string;
}

export function directoryVerifyCommand(): Command {
  return command(
    "verify",
    "Check an answer of a directory against the chain at its block: reads the events anew, believing nobody but your endpoint.",
    "chain",
    [
      "affiant directory verify http://127.0.0.1:8790/v1/state",
      "affiant directory verify answer.json --rpc https://rpc.example --deployment deployment.json",
    ],
  )
    .argument("<answer>", "URL of a directory's answer, or a file with one")
    .option("--snapshot <file>", "begin from a snapshot of your own instead of from the first block")
    .option("--allow-private", "fetch the answer also from this machine and private networks (AFFIANT_ALLOW_PRIVATE=1)")
    .action(
      run<VerifyFlags, [string]>(async ({ environment }, { snapshot }, from) => {
        const deployment = requireDeployment(environment);
        const answer = await readAnswer(from);
        const urls = requireRpcUrl(environment).split(",");
        const source = new ChainSource(
          deployment.chainId,
          urls.map((url) => ({ url })),
        );
        try {
          const contracts = followedContracts(deployment);
          const verdict = await verifyAnswer(answer, { chainId: deployment.chainId, source, contracts, snapshot });
          return {
            data: verdict,
            lines: columns([
              ["verdict", verdict.outcome],
              ["because", verdict.detail],
            ]),
            ok: verdict.outcome === "holds",
          };
        } finally {
          source.close();
        }
      }),
    );
}

/** Whoever types a URL on the command line means that one, on this machine too. */
async function readAnswer(from: string): Promise<unknown> {
  try {
    if (!/^https?:\/\//.test(from)) return JSON.parse(await readFile(from, "utf8")) as unknown;
    const { ok, status, body } = await guardedFetch(from, {
      timeoutMs: 30_000,
      maxBytes: 32 << 20,
      allowPrivate: true,
    });
    if (!ok) throw new AffiantError("ERR_INPUT_FILE", `${from} answers with status ${status}`);
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch (cause) {
    if (cause instanceof AffiantError) throw cause;
    throw new AffiantError("ERR_INPUT_FILE", `${from} holds no answer of a directory`, { cause });
  }
}

interface SnapshotFlags extends CommonFlags {
  readonly block?: string;
  readonly out?: string;
}

export function directorySnapshotCommand(): Command {
  return command(
    "snapshot",
    "Write the state at a block as a file, with the hash by which two directories prove that they agree.",
    "chain",
    ["affiant directory snapshot", "affiant directory snapshot --block 19000000 --out state.jsonl"],
  )
    .option("--block <number>", "as of that block (default: the newest)")
    .option("--out <file>", "default: the snapshots folder of the directory, from which it begins where it must")
    .action(
      run<SnapshotFlags, []>(async ({ environment }, { block, out }) => {
        const { dataDir, deployment } = configOf(environment, {});
        const { chainId } = deployment;
        if (block !== undefined && !/^\d{1,15}$/.test(block)) {
          throw new AffiantError("ERR_INPUT_MALFORMED", "--block is no block number");
        }
        const store = new SqliteStore(join(dataDir, "directory.sqlite"), { readOnly: true });
        try {
          const atBlock = block === undefined ? (await store.state(chainId))?.position.number : Number(block);
          const path = out ?? join(dataDir, "snapshots", snapshotName(chainId, atBlock ?? 0));
          const contracts = contractNames(followedContracts(deployment));
          const header = await writeSnapshot(store, chainId, path, { contracts, atBlock });
          return {
            data: { path, ...header },
            lines: columns([
              ["file", path],
              ["block", header.block.number],
              ["rows", header.rowCount],
              ["state hash", header.stateHash],
            ]),
          };
        } finally {
          await store.close();
        }
      }),
    );
}
