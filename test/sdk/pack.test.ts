/** The SDK as it is packed, in a project that has nothing else. */
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { build as esbuild } from "esbuild";
import ts from "typescript";
import { build as vite } from "vite";

import { installPacked, readPackage } from "./packed.ts";
import { honestWorld } from "../auditor/world.ts";
import { auditEvidence } from "../../auditor/audit.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { importedPackages } from "../../scripts/sdk/build.ts";

const run = promisify(execFile);
const requireForEsm =
  'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url);';

describe("the SDK, packed", () => {
  const evidence = new TextEncoder().encode(writeEvidence(honestWorld().evidence));
  let project: string;
  let installed: string;
  before(async () => {
    project = await mkdtemp(join(tmpdir(), "affiant-sdk-"));
    installed = await installPacked(project);
    await writeFile(join(project, "package.json"), "{}");
    await writeFile(join(project, "evidence.jsonl"), evidence);
  });
  after(() => rm(project, { recursive: true }));

  async function output(file: string, text: string): Promise<unknown> {
    await writeFile(join(project, file), text);
    const { stdout } = await run(process.execPath, ["--no-warnings", file], { cwd: project });
    return JSON.parse(stdout);
  }

  const audit = `(async () => {
    const bytes = new Uint8Array(require("node:fs").readFileSync("evidence.jsonl"));
    const lying = bytes.with(bytes.lastIndexOf(0x61), 0x62);
    const [honest, changed] = [await auditEvidence(bytes), await auditEvidence(lying)];
    console.log(JSON.stringify([honest.summary, changed.summary.verdicts.fails > 0]));
  })();`;

  it("audits from CommonJS and from ES modules as the source does", async () => {
    const { summary } = await auditEvidence(evidence);
    expect(summary.verdicts.fails).to.equal(0);
    const required = await output("audit.cjs", `const { auditEvidence } = require("@affiant/sdk/auditor");\n${audit}`);
    expect(required).to.deep.equal([summary, true]);
    const imports =
      'import { createRequire } from "node:module";\nimport { auditEvidence } from "@affiant/sdk/auditor";\n' +
      "const require = createRequire(import.meta.url);\n";
    expect(await output("audit.mjs", imports + audit)).to.deep.equal([summary, true]);
  });

  /** Judges an act, audits the file, and says what else came with the package's one name. */
  const consumer = `import * as all from "@affiant/sdk";
    const bytes = Uint8Array.from(atob(evidence), (char) => char.charCodeAt(0));
    const policy = all.compilePolicy(all.parsePolicyBundle(bundle));
    Promise.all([all.auditEvidence(bytes), all.evaluateAct(policy, "did:ethr:0x1:0x00", { act: "wipe", seq: 0 }, [])]).then(
      ([{ summary }, { findings }]) => console.log(JSON.stringify([summary, findings[0].outcome, typeof all.openAgent])));`;
  const bundle = JSON.stringify({
    format: "affiant-policy/1",
    name: "desk",
    description: "One act is forbidden.",
    schema: 'entity Agent; entity System; action "wipe" appliesTo { principal: Agent, resource: System, context: {} };',
    policies:
      '@id("all") permit (principal, action, resource); @id("never") @rule("Never wipe") forbid (principal, action == Action::"wipe", resource);',
    facts: {},
    undecidable: [],
  });

  async function consumerFile(): Promise<string> {
    const given = `const evidence = "${Buffer.from(evidence).toString("base64")}"; const bundle = ${bundle};`;
    const file = join(project, "consumer.mjs");
    await writeFile(file, `${given}\n${consumer}`);
    return file;
  }

  async function outputOf(file: string): Promise<unknown> {
    const { stdout } = await run(process.execPath, ["--no-warnings", file], { cwd: project });
    return JSON.parse(stdout);
  }

  const bundles = [
    { platform: "node", format: "esm", name: "node.mjs", openAgent: "function" },
    { platform: "node", format: "cjs", name: "node.cjs", openAgent: "function" },
    { platform: "browser", format: "esm", name: "browser.mjs", openAgent: "undefined" },
    { platform: "browser", format: "iife", name: "browser.cjs", openAgent: "undefined" },
  ] as const;
  for (const { platform, format, name, openAgent } of bundles) {
    it(`goes through esbuild for ${platform}, as ${format}, and needs no file beside`, async () => {
      const outfile = join(project, "bundled", name);
      const entryPoints = [await consumerFile()];
      // CommonJS libraries within an ES module for Node ask for \`require\`: esbuild leaves that to who bundles.
      const banner: Record<string, string> = name === "node.mjs" ? { js: requireForEsm } : {};
      const { warnings } = await esbuild({
        entryPoints,
        outfile,
        platform,
        format,
        banner,
        bundle: true,
        logLevel: "silent",
      });
      expect(warnings.filter(({ location }) => location?.file.includes("@affiant/sdk/dist/browser"))).to.deep.equal([]);
      expect(await outputOf(outfile)).to.deep.equal([(await auditEvidence(evidence)).summary, "violated", openAgent]);
    });
  }

  it("goes through Vite", async () => {
    const outDir = join(project, "vite");
    const lib = { entry: await consumerFile(), formats: ["es" as const], fileName: "page" };
    await vite({ root: project, configFile: false, logLevel: "silent", build: { outDir, lib, minify: false } });
    expect((await readdir(outDir)).filter((name) => name.endsWith(".wasm"))).to.deep.equal([]);
    const [page = ""] = (await readdir(outDir)).filter((name) => /^page\.m?js$/.test(name));
    await writeFile(join(outDir, "package.json"), '{"type":"module"}');
    expect(await outputOf(join(outDir, page))).to.deep.equal([
      (await auditEvidence(evidence)).summary,
      "violated",
      "undefined",
    ]);
  });

  it("is one copy, however it is loaded: an error is an AffiantError to both", async () => {
    const text = `const { parseEthrDid } = require("@affiant/sdk/protocol");
      import("@affiant/sdk/protocol").then(({ AffiantError }) => {
        try { parseEthrDid("did:web:x"); } catch (error) {
          console.log(JSON.stringify([error instanceof AffiantError, error.code]));
        }
      });`;
    expect(await output("both.cjs", text)).to.deep.equal([true, "ERR_INPUT_DID"]);
  });

  it("makes an agent's keys, and refuses a policy that is not there", async () => {
    const text = `const { createAgentKeys, loadPolicyBundle } = require("@affiant/sdk/agent");
      createAgentKeys({ dataDir: "data", name: "clerk", chainId: 31337 })
        .then(async ({ did }) => console.log(JSON.stringify([did, await loadPolicyBundle("nowhere").catch((e) => e.code)])));`;
    const [did, refused] = (await output("agent.cjs", text)) as [string, string];
    expect(did).to.match(/^did:ethr:0x7a69:0x[0-9a-f]{40}$/);
    expect(refused).to.equal("ERR_INPUT_FILE");
  });

  it("type-checks in both module systems, strictly", async () => {
    const text = `import { type Agent, openAgent } from "@affiant/sdk/agent";
      import { auditEvidence, type AuditReport } from "@affiant/sdk/auditor";
      import { type ErrorCode, type PolicyBundle } from "@affiant/sdk/protocol";
      export const audited: Promise<AuditReport> = auditEvidence(new Uint8Array());
      import { openAgent as same, type Act } from "@affiant/sdk";
      interface Order { readonly id: string; readonly note?: string; readonly lines: readonly { cents: number }[] }
      export const ordered = (agent: Agent, order: Order) => agent.record({ act: "order", input: order, output: order });
      export const opened: Promise<Agent> = same.fromDataDir("support", { policy: "./policy" });
      export const plain: Act = { act: "a", input: { b: [1] } };
      export const code: ErrorCode = "ERR_INPUT_DID";
      export const act = (agent: Agent, bundle: PolicyBundle) => agent.commitPolicy(bundle).then(() => openAgent);
      // @ts-expect-error a receipt has no such member
      export const wrong = (agent: Agent) => agent.record({ act: "a" }).then((receipt) => receipt.nothing);
    `;
    const files = ["consumer.mts", "consumer.cts"].map((name) => join(project, name));
    for (const file of files) await writeFile(file, text);
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2024,
      strict: true,
      noEmit: true,
      types: [],
    });
    const faults = ts.getPreEmitDiagnostics(program).map(({ messageText, file }) => {
      return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
    expect(faults.filter((fault) => fault.includes("@affiant/sdk/") || fault.includes("consumer"))).to.deep.equal([]);
  });

  it("asks for the packages that it imports, in the versions that were tested, and no others", async () => {
    const { version, dependencies, peerDependencies } = await readPackage("sdk");
    const root = await readPackage(".");
    expect(version).to.equal(root.version);
    const names = await readdir(join(installed, "dist"), { recursive: true });
    const modules = names.filter((name) => /\.(js|d\.ts)$/.test(name) && !name.startsWith("browser"));
    const imported = await importedPackages(modules.map((name) => join(installed, "dist", name)));
    // The frameworks' wrappers take tools by their shape; LangChain's answers with a message of its own.
    expect([...imported].sort()).to.deep.equal([...Object.keys(dependencies), "@langchain/core", "snarkjs"].sort());
    for (const [name, wanted] of Object.entries({ ...dependencies, snarkjs: peerDependencies["snarkjs"] })) {
      expect(wanted, name).to.equal(root.dependencies[name]);
    }
  });

  it("has a description of every entry", async () => {
    const readme = await readFile(join(installed, "README.md"), "utf8");
    for (const entry of Object.keys((await readPackage("sdk")).exports)) {
      if (entry.startsWith("./") && entry !== "./package.json")
        expect(readme).to.contain(`@affiant/sdk/${entry.slice(2)}`);
    }
  });
});
