/** A real Chromium, and pages in it that say what they asked for. */
import { execFileSync } from "node:child_process";

import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Where a program is; undefined where there is none of that name. */
export function installed(name: string): string | undefined {
  try {
    return execFileSync("which", [name], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}

export function installedChromium(): string | undefined {
  return installed("chromium") ?? installed("chromium-browser") ?? installed("google-chrome");
}

export async function launch(executablePath: string): Promise<Browser> {
  // Chromium does not run its sandbox as root, as in a container.
  return chromium.launch({ executablePath, args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] });
}

export interface Watched {
  readonly page: Page;
  /** Errors of the page, and what its Content-Security-Policy kept out. */
  readonly problems: string[];
  /** Addresses beyond the file itself, blobs and data. */
  readonly requests: string[];
}

export async function watchedPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const page = await browser.newPage({ locale: "en-US", timezoneId: "UTC", ...options });
  const [problems, requests]: [string[], string[]] = [[], []];
  page.on("pageerror", ({ message }) => problems.push(message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(file|blob|data):/.test(request.url())) requests.push(request.url());
  });
  return { page, problems, requests };
}

/** Waits until the page has checked its file to the end. */
export async function checked(page: Page): Promise<void> {
  await page.locator("p[role=status]", { hasText: /^(Checked|Geprüft|Comprobado)/ }).waitFor({ state: "attached" });
}
