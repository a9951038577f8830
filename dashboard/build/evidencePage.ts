import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";

import type { PageSettings } from "../model/settings.ts";
import type { PageParts } from "./bundle.ts";

export interface EvidenceInPage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * The evidence page as one HTML file: page, auditor, Cedar and, for a report, the evidence. It fetches nothing. A report may
 * connect to the endpoint that its settings name and to nothing else; the general page to what its reader names.
 */
export function evidencePage(parts: PageParts, settings: PageSettings, evidence?: EvidenceInPage): string {
  const title = evidence ? `${evidence.name} · Affiant` : "Affiant · evidence";
  return `<!doctype html>
<html lang="${settings.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy(parts, settings, evidence !== undefined)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${parts.style}</style>
</head>
<body>
<div id="app"><noscript>This page checks evidence with a program of its own. It needs JavaScript.</noscript></div>
<script type="application/json" id="settings">${escapeScript(JSON.stringify({ ...settings, file: evidence?.name ?? null }))}</script>
<script type="text/plain" id="cedar">${Buffer.from(parts.cedar).toString("base64")}</script>
${evidence ? `<script type="text/plain" id="evidence">${gzipSync(evidence.bytes).toString("base64")}</script>\n` : ""}<script type="text/plain" id="worker">${Buffer.from(gzipSync(parts.worker)).toString("base64")}</script>
<script>${parts.script}</script>
</body>
</html>
`;
}

/** Scripts and styles by their hash: whatever a payload smuggles in does not run. */
function contentSecurityPolicy({ script, style }: PageParts, { rpcUrl }: PageSettings, isReport: boolean): string {
  const connect = isReport ? (rpcUrl === null ? "'none'" : sourceOf(rpcUrl)) : "http: https:";
  return [
    "default-src 'none'",
    `script-src '${sha256(script)}' 'wasm-unsafe-eval'`,
    `style-src '${sha256(style)}'`,
    "worker-src blob:",
    "img-src data:",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function sha256(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** Inside a script nothing ends but by `</script`, and nothing else is read but `<!--`. */
function escapeScript(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

function escapeHtml(text: string): string {
  const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[&<>"]/g, (char) => escapes[char] ?? char);
}

/** As narrow as a policy can name it: path included, where there is one. */
function sourceOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname === "/" ? origin : `${origin}${pathname}`;
}
