import { html, render } from "htm/preact";

import { PrintView } from "./printView.ts";
import { phase } from "./state.ts";

let paper: HTMLElement | undefined;

/** Lays everything out for paper before it is printed, by whichever button, and takes it away afterwards. */
export function followPrinting(): void {
  window.addEventListener("beforeprint", layOut);
  window.addEventListener("afterprint", takeAway);
}

export function printAll(): void {
  layOut();
  window.print();
}

function layOut(): void {
  if (paper || phase.value !== "done") return;
  paper = document.createElement("div");
  paper.id = "paper";
  document.body.append(paper);
  document.body.classList.add("printing");
  render(html`<${PrintView} />`, paper);
}

function takeAway(): void {
  if (!paper) return;
  render(null as never, paper);
  paper.remove();
  paper = undefined;
  document.body.classList.remove("printing");
}
