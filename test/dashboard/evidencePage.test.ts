/** The evidence page in a real browser, opened from disk. */
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect } from "chai";
import type { Browser } from "playwright-core";

import { agentNamed, chargePolicy, honestWorld, noteOver, signEntry, worldOf } from "../auditor/world.ts";
import { auditEvidence } from "../../auditor/audit.ts";
import { pageParts } from "../../dashboard/build/bundle.ts";
import { type EvidenceInPage, evidencePage } from "../../dashboard/build/evidencePage.ts";
import type { PageSettings } from "../../dashboard/model/settings.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import { policyHashOf } from "../../protocol/policy/policyHash.ts";
import { checked, installed, installedChromium, launch, watchedPage } from "./chromium.ts";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const plain: PageSettings = {
  language: "en",
  rpcUrl: null,
  contracts: null,
  keyEscrow: null,
  names: {},
  explorer: null,
};

function evidenceOf(values: readonly { readonly input: Json; readonly output?: Json }[]): Uint8Array {
  const payment = agentNamed("payment");
  const policy = policyHashOf(chargePolicy);
  const entries: ReturnType<typeof signEntry>[] = [];
  for (const [seq, value] of values.entries()) {
    entries.push(signEntry(payment, policy, { seq, prev: entries.at(-1)?.entryId ?? null, values: value }));
  }
  const world = worldOf(entries);
  const evidence = { ...world.evidence, policies: [chargePolicy] };
  return new TextEncoder().encode(writeEvidence(evidence));
}

describe("the evidence page", function () {
  this.timeout(120_000);
  let folder: string;
  let browser: Browser;
  let pages = 0;

  before(async function () {
    const executablePath = installedChromium();
    if (executablePath === undefined) {
      console.log("      skipped: no chromium is installed");
      return this.skip();
    }
    folder = await mkdtemp(join(tmpdir(), "affiant-page-"));
    browser = await launch(executablePath);
  });
  after(async () => {
    if (!browser) return;
    await browser.close();
    await rm(folder, { recursive: true });
  });

  async function written(evidence?: EvidenceInPage, settings: Partial<PageSettings> = {}): Promise<string> {
    const path = join(folder, `${pages++}.html`);
    await writeFile(path, evidencePage(await pageParts(), { ...plain, ...settings }, evidence));
    return pathToFileURL(path).href;
  }

  async function report(bytes: Uint8Array, settings: Partial<PageSettings> = {}, options = {}) {
    const watched = await watchedPage(browser, options);
    await watched.page.goto(await written({ name: "evidence.jsonl", bytes }, settings));
    await checked(watched.page);
    return watched;
  }

  const honest = (): Uint8Array => new TextEncoder().encode(writeEvidence(honestWorld().evidence));
  const broken = (): Uint8Array =>
    evidenceOf([
      { input: { amount: 40, order: "A-1", currency: "EUR" }, output: { status: "paid" } },
      { input: { amount: 500, order: "A-2", currency: "EUR" }, output: { status: "paid" } },
      { input: { amount: 70, order: "A-3", currency: "USD" }, output: { status: "declined" } },
    ]);

  it("says the auditor's own counts, and asks nobody for anything", async () => {
    const bytes = honest();
    const { summary } = await auditEvidence(bytes);
    const { page, problems, requests } = await report(bytes);
    const { holds, fails, unproven } = summary.verdicts;
    expect(fails).to.equal(0);
    const proof = await page.locator(".answer").nth(0).innerText();
    expect(proof)
      .to.contain("Not proven")
      .and.to.contain(`${unproven} of ${holds + fails + unproven} checks`);
    expect(problems).to.deep.equal([]);
    expect(requests).to.deep.equal([]);
    await page.close();
  });

  it("names the act that broke a rule, the money, the facts and what would have been allowed", async () => {
    const { page, problems } = await report(broken());
    const rules = page.locator(".answer").nth(1);
    expect(await rules.innerText())
      .to.contain("Broken")
      .and.to.contain("1 of 3 acts")
      .and.to.contain("500.00 EUR");
    await page.locator("#search").fill("rules:broken");
    await page.locator(".shown", { hasText: "1 of 3" }).waitFor();
    await page.locator(".list .row:not(.head)").click();
    const card = page.locator(".rule-violated");
    await card.waitFor();
    const words = await card.innerText();
    expect(words).to.contain("A charge is at most 100").and.to.contain("500");
    expect(words).to.contain("amount is at most 100");
    expect(problems).to.deep.equal([]);
    await page.close();
  });

  it("filters by any disclosed field, and a link leads back to what was looked at", async () => {
    const bytes = broken();
    const { page } = await report(bytes);
    const shown = page.locator(".shown");
    await page.locator("#search").fill("input.amount>=70 output.status=declined");
    await shown.filter({ hasText: "1 of 3" }).waitFor();
    await page.locator("#search").fill("-declined");
    await shown.filter({ hasText: "2 of 3" }).waitFor();
    await page.locator(".list .row:not(.head)").nth(1).click();
    await page.locator(".ladder").waitFor();
    const link = await page.evaluate("location.hash");
    await page.reload();
    await page.locator(".ladder").waitFor();
    expect(await page.evaluate("location.hash")).to.equal(link);
    expect(await page.locator("#search").inputValue()).to.equal("-declined");
    await page.close();
  });

  it("goes through acts by keyboard alone", async () => {
    const { page } = await report(broken());
    await page.locator(".list .row:not(.head)").first().focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.locator(".pane-act", { hasText: "500.00 EUR" }).waitFor();
    await page.locator(".pane-act").focus();
    await page.keyboard.press("Escape");
    await page.locator(".pane-act", { hasText: "500.00 EUR" }).waitFor({ state: "detached" });
    await page.close();
  });

  it("calls a forged file contradicted, with what was expected and found", async () => {
    const world = honestWorld();
    const { checkpoint } = world.evidence;
    const other = noteOver(new Uint8Array(32).fill(7), world.entries.length);
    const bytes = new TextEncoder().encode(
      writeEvidence({ ...world.evidence, checkpoint: { ...checkpoint, note: other } }),
    );
    const { summary } = await auditEvidence(bytes);
    expect(summary.verdicts.fails).to.be.greaterThan(0);
    const { page } = await report(bytes);
    expect(await page.locator(".answer").nth(0).innerText())
      .to.contain("Contradicted")
      .and.to.contain(`${summary.verdicts.fails} of`);
    await page.locator(".tabs a", { hasText: "Checks" }).click();
    expect(await page.locator(".problems").innerText())
      .to.contain("AUDIT_INCLUSION")
      .and.to.contain("expected");
    await page.close();
  });

  it("leaves nothing of the file before, also when the next one cannot be read", async () => {
    const { page } = await report(broken());
    const ids = await page.locator(".list").innerText();
    expect(ids).to.contain("500.00 EUR");
    await page.locator("#other").click();
    await page
      .locator("#file")
      .setInputFiles({ name: "x.txt", mimeType: "text/plain", buffer: Buffer.from("no evidence\n") });
    await page.locator(".answer-contradicted").waitFor();
    const text = await page.locator("body").innerText();
    expect(text).to.not.contain("500").and.to.not.contain("A charge is at most 100");
    await page.close();
  });

  it("shows hostile values as what they are, and runs none of them", async () => {
    const bidi = "invoice\u202Egnp.exe";
    const script = `</script><img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;
    const bytes = evidenceOf([
      { input: { amount: 1, order: script, note: bidi, __proto__note: "x" } },
      { input: { amount: 2, order: "long", text: "z".repeat(1 << 20) } },
    ]);
    const { page, problems, requests } = await report(bytes, { names: { "did:x": script } });
    await page.locator(".list .row:not(.head)").first().click();
    await page.locator(".disclosed").waitFor();
    const text = await page.locator(".disclosed").innerText();
    expect(text).to.contain("<img src=x").and.to.contain("invoice\\u202egnp.exe");
    expect(text).to.not.contain("\u202E");
    await page.locator(".list .row:not(.head)").nth(1).click();
    await page.locator(".disclosed button", { hasText: "1,048,576" }).waitFor();
    expect(await page.title()).to.not.equal("owned");
    expect(await page.locator("img").count()).to.equal(0);
    expect(problems).to.deep.equal([]);
    expect(requests).to.deep.equal([]);
    await page.close();
  });

  it("runs no script but its own, and connects to no address that the report does not name", async () => {
    const { page, problems } = await report(broken());
    const reached = await page.evaluate(`(async () => {
      const script = document.createElement("script");
      script.textContent = "window.injected = true";
      document.body.append(script);
      const asked = await fetch("http://127.0.0.1:9/").then(() => "connected", () => "refused");
      return { injected: "injected" in window, asked };
    })()`);
    expect(reached).to.deep.equal({ injected: false, asked: "refused" });
    expect(problems.join("\n")).to.contain("Content Security Policy").and.to.contain("connect-src 'none'");
    await page.close();
  });

  it("lets the general page connect only after it said to whom", async () => {
    const { page, requests } = await watchedPage(browser);
    await page.goto(await written());
    await page.locator("#rpc").fill("http://127.0.0.1:9/");
    await page
      .locator("#file")
      .setInputFiles({ name: "e.jsonl", mimeType: "text/plain", buffer: Buffer.from(broken()) });
    await page.locator(".confirm", { hasText: "127.0.0.1:9" }).waitFor();
    expect(requests).to.deep.equal([]);
    await page.locator("#without").click();
    await checked(page);
    expect(requests).to.deep.equal([]);
    await page.close();
  });

  it("checks what the file itself proves when the endpoint is away, and says that it was", async () => {
    const bytes = broken();
    const { page, requests } = await report(bytes, { rpcUrl: "http://127.0.0.1:9/" });
    expect(new Set(requests)).to.deep.equal(new Set(["http://127.0.0.1:9/"]));
    expect(await page.locator(".answer-trust").innerText()).to.contain("127.0.0.1:9 gave no answer");
    expect(await page.locator(".answer").nth(0).innerText()).to.contain("Not proven");
    expect(await page.locator(".answer").nth(1).innerText()).to.contain("500.00 EUR");
    await page.close();
  });

  it("breaks no rule of axe in any view, light and dark, and fits from 360 pixels to 4K, in each language", async () => {
    const axe = await readFile(axePath, "utf8");
    const { page } = await report(broken());
    const found: string[] = [];
    for (const view of ["acts", "rules", "calls", "trust", "checks", "summary", "act"]) {
      await page.evaluate(`location.hash = "#/${view === "act" ? "acts" : view}"`);
      if (view === "act") await page.locator(".list .row:not(.head)").nth(1).click();
      await page.locator(view === "act" ? ".ladder" : ".tabs [aria-current=page]").waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        // As a debugger's script: the page's own policy lets none in. Its default rules, and WCAG 2.2's.
        const result = await page.evaluate(
          `(() => { ${axe}; return axe.run(document, { rules: { "target-size": { enabled: true } } }); })()`,
        );
        const { violations } = result as { violations: { id: string; nodes: { html: string }[] }[] };
        for (const { id, nodes } of violations) found.push(`${view}: ${id}: ${nodes[0]?.html ?? ""}`);
      }
      for (const [width, height] of [
        [360, 740],
        [3840, 2160],
        [1280, 800],
      ] as const) {
        await page.setViewportSize({ width, height });
        const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (over !== 0) found.push(`${view}: ${String(over)} pixels too wide at ${width}`);
      }
    }
    expect(found).to.deep.equal([]);
    for (const [language, words] of [
      ["de", "1 von 3"],
      ["es", "1 de 3"],
    ] as const) {
      await page.locator("#language").selectOption(language);
      await page.locator(".answer-broken", { hasText: words }).waitFor();
      expect(await page.locator("html").getAttribute("lang")).to.equal(language);
    }
    await page.close();
  });

  it("loses nothing on paper: every act's text is found again in the PDF", async function () {
    const pdftotext = installed("pdftotext");
    if (pdftotext === undefined) {
      console.log("      skipped: no pdftotext is installed");
      return this.skip();
    }
    const many = Array.from({ length: 60 }, (_, i) => ({
      input: { amount: i, order: `order-${i}-begin`, note: `${"word ".repeat(40)}end-of-${i}` },
    }));
    const { page } = await report(evidenceOf(many));
    await page.locator("#search").fill("nothing fits this");
    const path = join(folder, "printed.pdf");
    await page.pdf({ path, format: "A4" });
    const text = execFileSync(pdftotext, ["-layout", path, "-"], { encoding: "utf8", maxBuffer: 1 << 26 });
    const flat = text.replaceAll(/\s+/g, "");
    for (let i = 0; i < many.length; i++) {
      expect(flat, `act ${i}`).to.contain(`order-${i}-begin`).and.to.contain(`end-of-${i}`);
    }
    expect(flat).to.contain("Whatnoauditofthisfilecansay");
    await page.close();
  });
});
