import { html } from "htm/preact";

import { questions } from "../../../auditor/report/questions.ts";
import type { Problem } from "../../model/row.ts";
import { settings } from "./embedded.ts";
import { number, t } from "./i18n.ts";
import { VerdictLine } from "./ladderView.ts";
import { Command, Section } from "./pieces.ts";
import { file, overview, rows } from "./state.ts";

const listed = 200;

export function ChecksView() {
  const known = overview.value;
  if (!known) return null;
  const { report, shared, problems } = known;
  const counts = new Map<number, number>();
  for (const row of rows.value) for (const index of row.problems) counts.set(index, (counts.get(index) ?? 0) + 1);
  const ofFile = shared.filter(({ outcome }) => outcome !== "holds").map((verdict) => ({ verdict, acts: null }));
  const ofActs = problems.map((verdict, index) => ({ verdict, acts: counts.get(index) ?? 0 }));
  const severity = ({ verdict }: { verdict: Pick<Problem, "outcome"> }): number =>
    verdict.outcome === "fails" ? 0 : 1;
  const all = [...ofFile, ...ofActs].toSorted(
    (a, b) => severity(a) - severity(b) || (b.acts ?? Infinity) - (a.acts ?? Infinity),
  );
  return html`<div class="reading wide">
    <${Section} title=${t("checks.title")}>
      <table class="grid checks">
        <thead>
          <tr>
            <th scope="col">${t("checks.check")}</th>
            <th scope="col">${t("checks.question")}</th>
            ${(["holds", "fails", "unproven"] as const).map((key) => html`<th scope="col" class="num">${t(`checks.${key}`)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${report.summary.checks.map(
            (check) =>
              html`<tr>
                <th scope="row">${check.check}</th>
                <td lang="en">${questions[check.check]}</td>
                ${(["holds", "fails", "unproven"] as const).map((key) => html`<td class=${`num count-${check[key] > 0 ? key : "none"}`}>${number(check[key])}</td>`)}
              </tr>`,
          )}
        </tbody>
      </table>
    <//>
    <${Section} title=${t("checks.problems")}>
      ${all.length === 0 ? html`<p>${t("checks.noProblems")}</p>` : null}
      <ul class="plain problems">
        ${all.slice(0, listed).map(
          ({ verdict, acts }) =>
            html`<${VerdictLine} verdict=${verdict} />
              <li class="of-acts">${acts === null ? t("checks.file") : t("checks.acts", { count: acts })}</li>`,
        )}
      </ul>
      ${all.length > listed ? html`<p>… ${number(all.length - listed)}</p>` : null}
    <//>
    <${Section} title=${t("checks.again")}>
      <p>${t("open.maker")}</p>
      <${Command} line=${commandFor(file.value?.name ?? "evidence.jsonl", file.value?.rpcUrl ?? settings.rpcUrl)} />
    <//>
  </div>`;
}

/** For a shell: a name that somebody else chose is quoted. */
export function commandFor(name: string, rpcUrl: string | null): string {
  const quoted = /^[\w./-]+$/.test(name) && !name.startsWith("-") ? name : `'${name.replaceAll("'", "'\\''")}'`;
  const chain = rpcUrl === null ? "" : ` --rpc '${rpcUrl.replaceAll("'", "%27")}'`;
  return `npm run affiant -- audit ${quoted}${chain}`;
}
