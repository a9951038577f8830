import { useSignal } from "@preact/signals";
import { html } from "htm/preact";

import { settings } from "./embedded.ts";
import { t } from "./i18n.ts";
import { failure, open, phase } from "./state.ts";

export async function openFile(chosen: File, rpcUrl: string | null): Promise<void> {
  await open({ name: chosen.name, bytes: new Uint8Array(await chosen.arrayBuffer()), rpcUrl });
}

/** Where a file is given. A chain is asked only after the reader has seen whom the page is going to connect to. */
export function StartView() {
  const chosen = useSignal<File | null>(null);
  const endpoint = useSignal(settings.rpcUrl ?? "");
  const isUrl = /^https?:\/\//.test(endpoint.value) && URL.canParse(endpoint.value);
  const onFile = (event: Event): void => {
    const input = event.currentTarget as HTMLInputElement;
    chosen.value = input.files?.[0] ?? null;
    if (chosen.value && endpoint.value === "") void openFile(chosen.value, null);
  };
  return html`<main class="start" id="content">
    <h1>${t("open.lead")}</h1>
    ${
      phase.value === "failed" && failure.value
        ? html`<div class="failed" role="alert">
            <strong>${t("work.failed")}</strong> <code>${failure.value.code}</code>
            <span lang="en">${failure.value.message}</span>
            <p>${t("work.failedHint")}</p>
          </div>`
        : null
    }
    <div class="drop">
      <p>${t("open.drop")}</p>
      <label class="button"><span>${t("open.choose")}</span><input type="file" id="file" onChange=${onFile} /></label>
      <p class="quiet-text">${t("open.local")}</p>
    </div>
    <label class="endpoint"
      ><span>${t("open.endpoint")}</span>
      <input
        type="url"
        id="rpc"
        placeholder="https://…"
        autocomplete="off"
        value=${endpoint.value}
        onInput=${(event: Event) => (endpoint.value = (event.currentTarget as HTMLInputElement).value.trim())}
    /></label>
    <p class="quiet-text">${t("open.endpointHint")}</p>
    ${
      chosen.value && endpoint.value !== ""
        ? html`<div class="confirm">
            ${isUrl ? html`<p role="status">${t("open.confirm", { host: new URL(endpoint.value).host })}</p>` : null}
            <button
              type="button"
              id="ask"
              disabled=${!isUrl}
              onClick=${() => chosen.value && void openFile(chosen.value, endpoint.value)}
            >
              ${t("open.ask")}
            </button>
            <button
              type="button"
              id="without"
              class="second"
              onClick=${() => chosen.value && void openFile(chosen.value, null)}
            >
              ${t("open.withoutChain")}
            </button>
          </div>`
        : null
    }
  </main>`;
}
