import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { openDisclosures } from "../../../protocol/entry/disclosure.ts";
import { decodeLeaf } from "../../../protocol/entry/leaf.ts";
import { readEvidence } from "../../../protocol/evidence/readEvidence.ts";
import type { Json } from "../../../protocol/json/canonical.ts";
import { startChain } from "../../../test/helpers/world/chain.ts";
import { RelayerHome, testOperatorToken } from "../../../test/helpers/world/relayer.ts";

export const program = join(import.meta.dirname, "../../../cli/affiant.js");

/** A data folder as `npm start` leaves it, with its chain and relayer, and the command line on it. */
export interface CaseWorld {
  readonly dataDir: string;
  /** A policy that lets everything be done. */
  readonly policy: string;
  run(args: readonly string[]): Promise<{ readonly code: number | null; readonly printed: string }>;
  /** Arguments of a command that stays. */
  readonly on: readonly string[];
  entriesOf(agent: string): Promise<readonly Json[]>;
  close(): Promise<void>;
}

export async function caseWorld(): Promise<CaseWorld> {
  const chain = await startChain();
  const home = await RelayerHome.make(chain, {});
  const relayer = await home.start();
  const dataDir = await mkdtemp(join(tmpdir(), "affiant-cases-"));
  const endpoints = { relayerUrl: relayer.url, rpcUrl: chain.url, deploymentPath: join(home.dir, "deployment.json") };
  await writeFile(join(dataDir, "endpoints.json"), JSON.stringify(endpoints));
  await mkdir(join(dataDir, "relayer"));
  await writeFile(join(dataDir, "relayer/operator.token"), testOperatorToken, { mode: 0o600 });
  const policy = join(dataDir, "policy");
  await mkdir(policy);
  const action =
    'entity Agent; entity System; action "case" appliesTo { principal: Agent, resource: System, context: {} };';
  await writeFile(join(policy, "schema.cedarschema"), action);
  await writeFile(join(policy, "policy.cedar"), '@id("all") permit (principal, action, resource);');
  await writeFile(
    join(policy, "bundle.yaml"),
    "name: cases\ndescription: Everything goes.\nfacts: {}\nundecidable: []\n",
  );
  const on = ["--data", dataDir];
  const run: CaseWorld["run"] = async (args) => {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AFFIANT_"));
    const child = spawn(process.execPath, [program, ...args], {
      env: { ...Object.fromEntries(inherited), NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { code: child.exitCode, printed: `${out}${err}` };
  };
  return {
    dataDir,
    policy,
    run,
    on,
    async entriesOf(agent) {
      const file = join(dataDir, `${agent}.evidence.jsonl`);
      const exported = await run(["log", "export", agent, "--out", file, ...on]);
      if (exported.code !== 0) return [];
      const { entries } = readEvidence(await readFile(file));
      return entries.map(({ leaf, disclosures }): Json => {
        const { claims } = decodeLeaf(leaf);
        const { act, kind } = claims;
        return { act, kind, ...openDisclosures(claims._sd, disclosures) };
      });
    },
    async close() {
      await relayer.close();
      await chain.close();
      await home.remove();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
