import { html } from "htm/preact";
import { useEffect } from "preact/hooks";

import { languages } from "../../model/settings.ts";
import { ActsView } from "./actsView.ts";
import { CallsView } from "./callsView.ts";
import { ChecksView } from "./checksView.ts";
import { settings } from "./embedded.ts";
import { HeadlineView } from "./headlineView.ts";
import { language, languageNames, t } from "./i18n.ts";
import { seen } from "./pieces.ts";
import { printAll } from "./printing.ts";
import { routeOf } from "./route.ts";
import { RulesView } from "./rulesView.ts";
import { openFile, StartView } from "./startView.ts";
import { close, file, overview, phase, rows, tab, type Tab, tabs } from "./state.ts";
import { SummaryView } from "./summaryView.ts";
import { switchTheme } from "./theme.ts";
import { TrustView } from "./trustView.ts";

const views: Readonly<Record<Tab, () => unknown>> = {
  acts: ActsView,
  rules: RulesView,
  calls: CallsView,
  trust: TrustView,
  checks: ChecksView,
  summary: SummaryView,
};

export function App() {
  useEffect(() => {
    const accept = (event: DragEvent): void => event.preventDefault();
    const drop = (event: DragEvent): void => {
      event.preventDefault();
      const [dropped] = event.dataTransfer?.files ?? [];
      // Whom the page asks is decided for each file anew.
      if (dropped) void openFile(dropped, null);
    };
    document.addEventListener("dragover", accept);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragover", accept);
      document.removeEventListener("drop", drop);
    };
  }, []);
  useEffect(() => {
    document.documentElement.lang = language.value;
  }, [language.value]);
  const isOpen = file.value !== null && phase.value !== "empty" && phase.value !== "failed";
  return html`<div class="frame">
    <a class="skip" href="#content" onClick=${skip}>${t("page.skip")}</a>
    <${Bar} isOpen=${isOpen} />
    ${isOpen ? html`<${Opened} />` : html`<${StartView} />`}
  </div>`;
}

/** The address holds what is looked at, so a fragment for the jump would take its place. */
function skip(event: Event): void {
  event.preventDefault();
  const content = document.getElementById("content");
  content?.setAttribute("tabindex", "-1");
  content?.focus();
}

function Opened() {
  const View = views[tab.value];
  return html`<main id="content" class="opened">
    <h1 class="quiet">${t("page.title")}: ${seen(file.value?.name ?? "", 120)}</h1>
    <${HeadlineView} />
    ${
      overview.value || rows.value.length > 0
        ? html`<nav class="tabs no-print" aria-label=${t("page.title")}>
              ${tabs.map(
                (name) =>
                  html`<a href=${routeOf({ tab: name })} aria-current=${tab.value === name ? "page" : undefined}
                    >${t(`tab.${name}`)}</a
                  >`,
              )}
            </nav>
            <${View} />`
        : null
    }
    <p class="quiet" role="status">${phase.value === "done" ? t("work.done", { entries: rows.value.length }) : ""}</p>
  </main>`;
}

function Bar({ isOpen }: { isOpen: boolean }) {
  const sha = overview.value?.report.evidence?.sha256;
  return html`<header class="bar no-print">
    <span class="brand">Affiant</span>
    <span class="file"
      >${isOpen ? html`${seen(file.value?.name ?? "", 60)} ${sha ? html`<code title=${sha}>${sha.slice(0, 12)}…</code>` : null}` : t("page.title")}</span
    >
    <span class="tools">
      ${
        isOpen
          ? html`<button type="button" class="small" id="other" onClick=${close}>${t("open.other")}</button>
              <button type="button" class="small" id="save" onClick=${save}>${t("open.save")}</button>
              ${
                phase.value === "done"
                  ? html`<button type="button" class="small" id="print" onClick=${printAll}>${t("tool.print")}</button>`
                  : null
              }`
          : null
      }
      <button
        type="button"
        class="small"
        id="theme"
        onClick=${switchTheme}
        title=${t("tool.theme")}
        aria-label=${t("tool.theme")}
      >
        ◐
      </button>
      <label
        ><span class="quiet">${t("tool.language")}</span>
        <select
          id="language"
          value=${language.value}
          onChange=${(event: Event) => (language.value = (event.currentTarget as HTMLSelectElement).value as typeof language.value)}
        >
          ${languages.map((one) => html`<option value=${one} selected=${language.value === one} lang=${one}>${languageNames[one]}</option>`)}
        </select></label
      >
    </span>
  </header>`;
}

/** The very bytes that were checked, for whoever wants to check them with a program of their own. */
function save(): void {
  const loaded = file.value;
  if (!loaded) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([loaded.bytes as BlobPart], { type: "application/octet-stream" }));
  link.download = loaded.name || settings.file || "evidence.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
