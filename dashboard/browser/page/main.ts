import "./page.css";

import { html, render } from "htm/preact";

import { languages, type Language } from "../../model/settings.ts";
import { App } from "./app.ts";
import { embeddedEvidence, settings } from "./embedded.ts";
import { language } from "./i18n.ts";
import { followPrinting } from "./printing.ts";
import { followRoute } from "./route.ts";
import { open } from "./state.ts";

const wanted = navigator.language.slice(0, 2) as Language;
language.value = settings.language === "en" && languages.includes(wanted) ? wanted : settings.language;

followRoute();
followPrinting();
const app = document.getElementById("app");
if (app) {
  app.textContent = "";
  render(html`<${App} />`, app);
}
void embeddedEvidence().then((bytes) => {
  // A report asks the endpoint that it was made with: its policy lets it connect to nothing else.
  if (bytes) return open({ name: settings.file ?? "evidence.jsonl", bytes, rpcUrl: settings.rpcUrl });
  return undefined;
});
