/** The auditor on a page, in a real browser, without a bundler and without Node. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { expect } from "chai";
import { type Browser, chromium } from "playwright-core";

import { honestWorld } from "../auditor/world.ts";
import { auditEvidence } from "../../auditor/audit.ts";
import { formatAuditReport } from "../../auditor/report/formatAuditReport.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { buildSdk } from "../../scripts/sdk/build.ts";

const example = join(import.meta.dirname, "../fixtures/auditInBrowser/serve.ts");

function installedChromium(): string | undefined {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    } catch {
      // Another name.
    }
  }
  return undefined;
}

describe("the auditor in a browser", () => {
  let folder: string;
  let browser: Browser;
  let server: ChildProcess | undefined;
  let url: string;

  before(async function () {
    const executablePath = installedChromium();
    if (executablePath === undefined) {
      console.log("      skipped: no chromium is installed");
      return this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), "affiant-browser-"));
    await buildSdk(join(folder, "dist"));
    server = spawn(process.execPath, [example, "0", join(folder, "dist")], { stdio: ["ignore", "pipe", "inherit"] });
    if (server.stdout) for await (url of createInterface(server.stdout)) break;
    // Chromium does not run its sandbox as root, as in a container.
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    browser = await chromium.launch({ executablePath, args });
  });
  after(async () => {
    if (!server) return;
    await browser.close();
    server.kill();
    await rm(folder, { recursive: true });
  });

  async function auditOnPage(evidence: Uint8Array): Promise<{ outcome: string; report: string; problems: string[] }> {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    await page.goto(url);
    await page.locator("#file").setInputFiles({
      name: "evidence.jsonl",
      mimeType: "application/jsonl",
      buffer: Buffer.from(evidence),
    });
    await page.locator("#run").click();
    await page.locator("#outcome", { hasText: /verdicts? / }).waitFor();
    const [outcome, report] = [await page.locator("#outcome").innerText(), await page.locator("#report").innerText()];
    await page.close();
    return { outcome, report, problems };
  }

  it("gives the report that Node gives, policies judged by Cedar included", async () => {
    const evidence = new TextEncoder().encode(writeEvidence(honestWorld().evidence));
    const report = await auditEvidence(evidence);
    expect(report.summary.verdicts.unproven).to.be.greaterThan(0);
    const shown = await auditOnPage(evidence);
    expect(shown.problems).to.deep.equal([]);
    expect(shown.outcome).to.equal(`${report.summary.verdicts.unproven} verdicts stay unproven`);
    expect(shown.report.trimEnd()).to.equal(formatAuditReport(report).trimEnd());
  });

  it("finds a changed byte", async () => {
    const evidence = new TextEncoder().encode(writeEvidence(honestWorld().evidence));
    const { outcome } = await auditOnPage(evidence.with(evidence.lastIndexOf(0x61), 0x62));
    expect(outcome).to.match(/^[1-9][0-9]* verdicts fail$/);
  });
});
