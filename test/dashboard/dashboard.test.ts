/** The page of a running system, in a real browser, against a system that the test makes up. */
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

import { expect } from "chai";
import type { Browser } from "playwright-core";

import { honestWorld } from "../auditor/world.ts";
import { auditEvidence } from "../../auditor/audit.ts";
import { dashboardParts } from "../../dashboard/build/bundle.ts";
import { countsOf, type SystemAgent, type SystemState } from "../../dashboard/model/system.ts";
import { type OpenDashboard, serveDashboard } from "../../dashboard/server/serveDashboard.ts";
import { writeEvidence } from "../../protocol/evidence/writeEvidence.ts";
import { installedChromium, launch, watchedPage } from "./chromium.ts";

const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const calm: SystemState = {
  atMs: 1_800_000_000_000,
  chain: { chainId: 31337, block: 50 },
  log: { origin: "log.example/shop", size: 3, anchored: 2 },
  anchors: [{ size: 2, block: 40 }],
  agents: [
    {
      name: "payment",
      did: "did:ethr:0x7a69:0x1111111111111111111111111111111111111111",
      site: "backroom",
      place: "attested",
      standing: { status: "trusted", tier: "software", sinceBlock: 10, expiresAtBlock: 90 },
      entries: { acts: 2, refusals: 1, others: 0 },
    },
  ],
  acts: [
    {
      index: 2,
      entryId: `0x${"ab".repeat(32)}`,
      agent: "did:ethr:0x7a69:0x1111111111111111111111111111111111111111",
      act: "payment.charge",
      kind: "act",
      thread: "\u202E<script>document.title='owned'</script>",
      block: 48,
      iatSec: 1_800_000_000,
      anchored: false,
    },
  ],
  events: [{ atMs: 1_800_000_000_000, alarm: false, subject: "pipeline", text: "is up" }],
  health: [{ part: "relayer", ok: true, cause: "it answers", remedy: "" }],
};

describe("the dashboard", function () {
  this.timeout(60_000);
  let state: SystemState = calm;
  let open: OpenDashboard;
  let browser: Browser | undefined;

  before(async () => {
    open = await serveDashboard({
      port: 0,
      parts: dashboardParts,
      evidencePage: () => Promise.resolve("<!doctype html>"),
      read: () => Promise.resolve({ ...state, atMs: Date.now() }),
      everyMs: 50,
    });
    const executablePath = installedChromium();
    if (executablePath !== undefined) browser = await launch(executablePath);
  });
  after(async () => {
    await browser?.close();
    await open.close();
  });

  it("changes nothing, whoever asks", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      expect((await fetch(`${open.url}/v1/system`, { method })).status, method).to.equal(405);
    }
    expect((await fetch(`${open.url}/v1/nothing`)).status).to.equal(404);
  });

  it("hands out the state as it is, and headers that let nothing foreign in", async () => {
    const answer = await fetch(`${open.url}/v1/system`);
    expect(((await answer.json()) as SystemState).log).to.deep.equal(calm.log);
    const page = await fetch(open.url);
    expect(page.headers.get("content-security-policy"))
      .to.contain("default-src 'none'")
      .and.to.contain("connect-src 'self'")
      .and.to.not.contain("unsafe");
    expect(page.headers.get("x-frame-options")).to.equal("DENY");
  });

  it("follows what changes without being loaded again, says what is wrong, and breaks no rule of axe", async function () {
    if (!browser) {
      console.log("      skipped: no chromium is installed");
      return this.skip();
    }
    state = calm;
    const { page, problems, requests } = await watchedPage(browser);
    await page.goto(`${open.url}/`);
    await page.locator("#acts", { hasText: "2" }).waitFor();
    expect(await page.locator("#health").innerText()).to.contain("All well");
    expect(await page.locator("#waiting").innerText()).to.contain("1");
    const table = await page.locator("tbody").nth(1).innerText();
    expect(table).to.contain("<script>").and.to.contain("\\u202e").and.to.contain("not yet");
    const axe = await readFile(axePath, "utf8");
    const result = await page.evaluate(
      `(() => { ${axe}; return axe.run(document, { rules: { "target-size": { enabled: true } } }); })()`,
    );
    expect((result as { violations: { id: string }[] }).violations.map(({ id }) => id)).to.deep.equal([]);

    const [payment] = calm.agents;
    const quarantined: SystemAgent = {
      ...payment!,
      entries: { ...payment!.entries!, acts: 3 },
      standing: { ...payment!.standing!, status: "quarantined" },
    };
    const cause = "no answer to eth_chainId";
    state = {
      ...calm,
      chain: null,
      agents: [quarantined],
      health: [{ part: "chain", ok: false, cause, remedy: "start it" }],
    };
    await page.locator("#acts", { hasText: "3" }).waitFor();
    expect(await page.locator(".health").innerText())
      .to.contain(cause)
      .and.to.contain("start it");
    // Not known is not zero.
    expect(await page.locator("#block").innerText()).to.contain("–");
    expect(await page.locator("tbody").first().innerText()).to.contain("quarantined");
    expect(await page.title()).to.not.equal("owned");
    expect(problems).to.deep.equal([]);
    expect(requests.every((url) => url.startsWith(open.url))).to.equal(true);
    await page.close();
  });

  it("counts acts and refusals as the auditor's report does", async () => {
    const report = await auditEvidence(new TextEncoder().encode(writeEvidence(honestWorld().evidence)));
    const agents = report.agents.map(({ kinds }) => ({
      entries: {
        acts: kinds.act ?? 0,
        refusals: kinds.refusal ?? 0,
        others: (kinds.heartbeat ?? 0) + (kinds["key-event"] ?? 0),
      },
    }));
    expect(countsOf({ agents } as unknown as SystemState)?.entries).to.equal(report.evidence?.entries);
  });

  it("says that it does not know, rather than none, of an agent whose relayer never answered", () => {
    const silent = {
      ...calm,
      agents: [...calm.agents, { ...calm.agents[0], entries: null }],
    } as unknown as SystemState;
    expect(countsOf(calm)).to.deep.equal({ acts: 2, refusals: 1, entries: 3 });
    expect(countsOf(silent)).to.equal(null);
  });
});
