import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readServiceConfig } from "../../attestation/service/config.ts";
import { readEnvironment } from "../../cli/environment.ts";
import { deployedContractNames } from "../../protocol/deployment.ts";
import { relayerSettings } from "../../relayer/config.ts";

const root = join(import.meta.dirname, "../..");
const example = readFileSync(join(root, ".env.example"), "utf8");

/** The settings of one part, by name, and whether they are commented out. */
function settingsOf(part: string): ReadonlyMap<string, { readonly value: string; readonly commented: boolean }> {
  const text = example.split("\n# ==== ").find((candidate) => candidate.startsWith(part));
  const lines = (text ?? "").matchAll(/^(# )?([A-Z][A-Z_]+)=(.*)$/gm);
  return new Map([...lines].map(([, hash, name = "", value = ""]) => [name, { value, commented: hash !== undefined }]));
}

/** The names that a reader of the environment asks for. */
function namesAskedFor(read: (env: Record<string, string | undefined>) => unknown): readonly string[] {
  const names = new Set<string>();
  const env = new Proxy<Record<string, string | undefined>>({}, { get: (_, name) => void names.add(String(name)) });
  try {
    read(env);
  } catch {
    // It complains of what is missing, after it has read all.
  }
  return [...names].sort();
}

describe(".env.example", () => {
  it("has what the attestation service reads, no more, and its defaults", () => {
    const settings = settingsOf("The attestation service");
    expect([...settings.keys()].sort()).to.deep.equal(namesAskedFor(readServiceConfig));
    const folder = mkdtempSync(join(tmpdir(), "affiant-env-"));
    try {
      const file = join(folder, "file");
      const contract = { address: `0x${"0".repeat(40)}`, blockNumber: 1, codeHash: `0x${"00".repeat(32)}` };
      const contracts = Object.fromEntries(deployedContractNames.map((name) => [name, contract]));
      writeFileSync(file, JSON.stringify({ chainId: 1, contracts }));
      const needed = { AFFIANT_RPC_URL: "http://127.0.0.1:8545", AFFIANT_DEPLOYMENT: file };
      expect([...settings].filter(([, { commented }]) => !commented).map(([name]) => name)).to.deep.equal(
        Object.keys(needed),
      );
      // These show an example, since nothing is their default.
      const examples = ["AFFIANT_RELAYER_URL", "AFFIANT_PASSPHRASE_FILE", "AFFIANT_ATTESTATION_PUBLIC_URL"];
      const shown = [...settings]
        .filter(([name]) => !examples.includes(name))
        .map(([name, { value }]) => [name, value]);
      const config = readServiceConfig({ ...Object.fromEntries(shown), ...needed });
      expect(config).to.deep.equal(readServiceConfig(needed));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has what the command line reads, and no more", () => {
    const settings = settingsOf("The command line");
    expect([...settings.keys()].sort()).to.deep.equal(namesAskedFor((env) => readEnvironment({}, env)));
    const env = Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));
    const read = readEnvironment({}, { ...env, AFFIANT_PASSPHRASE_FILE: "" });
    expect(read.dataDir).to.equal(readEnvironment({}, {}).dataDir);
    expect(read).to.deep.include({ relayerUrl: "http://127.0.0.1:8787", rpcUrl: "http://127.0.0.1:8545" });
  });

  it("leaves out nothing that a program reads, but what the orchestrator tells its own processes", () => {
    const told = /^AFFIANT_(WRAP_\w+|CHAIN_\w+|AGENT_(NAME|FOLDER)|POLICY_DIR|PEERS|GRANTS|GROUPS?|NOT_BEFORE_DEPTH)$/;
    const own = /^AFFIANT_(KEY_FD|LEASH_FOLDER)$/;
    const known = new Set([
      ...relayerSettings().map(({ name }) => name),
      ...settingsOf("The attestation service").keys(),
      ...settingsOf("The command line").keys(),
      ...settingsOf("The directory").keys(),
    ]);
    const unknown: string[] = [];
    let count = 0;
    for (const room of [
      "relayer",
      "attestation",
      "agent",
      "cli",
      "orchestrator",
      "auditor",
      "protocol",
      "circuits",
      "host",
      "adapters",
      "access",
      "directory",
      "dashboard",
    ]) {
      for (const file of readdirSync(join(root, room), { recursive: true, encoding: "utf8" })) {
        if (!file.endsWith(".ts")) continue;
        const source = readFileSync(join(root, room, file), "utf8");
        for (const [, name = ""] of source.matchAll(/["'](AFFIANT_[A-Z_]*[A-Z])["']/g)) {
          count++;
          if (!known.has(name) && !told.test(name) && !own.test(name)) unknown.push(`${room}/${file}: ${name}`);
        }
      }
    }
    expect(unknown).to.deep.equal([]);
    expect(count).to.be.greaterThan(60);
  });

  it("names what Hardhat's configuration takes from its keystore, and has no value for it", () => {
    const config = readFileSync(join(root, "hardhat.config.ts"), "utf8");
    const prefixes = [...config.matchAll(/publicNetwork\("([A-Z_]+)"/g)].map(([, name = ""]) => name);
    expect(prefixes.length).to.be.greaterThan(3);
    const part = example.split("\n# ==== ").find((text) => text.startsWith("Deploying")) ?? "";
    for (const prefix of prefixes) expect(part).to.contain(`${prefix}_`);
    for (const name of ["_RPC_URL", "_DEPLOYER_KEY", "ETHERSCAN_API_KEY"]) expect(part).to.contain(name);
    expect(settingsOf("Deploying").size).to.equal(0);
  });
});
