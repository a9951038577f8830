import { computed, useComputed, useSignal, useSignalEffect } from "@preact/signals";
import { html } from "htm/preact";

import type { Filter } from "../../model/query.ts";
import { moneyIn } from "../../model/summary.ts";
import { money, number, t } from "./i18n.ts";
import { seen } from "./pieces.ts";
import { called, filter, grouping, type Grouping, groupings, isFiltered, rows, shown } from "./state.ts";
import { noFilter } from "../../model/query.ts";

interface Choice {
  readonly value: string;
  readonly label: string;
  readonly count: number;
}

/** What there is to choose from, the most frequent first. */
const choices = computed(() => {
  const count = { agent: new Map(), act: new Map(), rule: new Map(), counterpart: new Map() } as Record<
    "agent" | "act" | "rule" | "counterpart",
    Map<string, number>
  >;
  const add = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
  for (const row of rows.value) {
    add(count.agent, row.agent);
    add(count.act, row.act);
    for (const { ruleId } of row.rules) add(count.rule, ruleId);
    if (row.counterpart !== null) add(count.counterpart, row.counterpart);
  }
  const listed = (map: Map<string, number>, label: (value: string) => string): Choice[] =>
    [...map]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, 500)
      .map(([value, n]) => ({ value, label: label(value), count: n }));
  return {
    agent: listed(count.agent, (did) => seen(called(did), 40)),
    act: listed(count.act, (act) => act),
    rule: listed(count.rule, (rule) => rule),
    counterpart: listed(count.counterpart, (did) => seen(called(did), 40)),
  };
});

function set(part: keyof Filter, value: string): void {
  filter.value = { ...filter.value, [part]: value === "" && part !== "text" ? undefined : value };
}

function Select({ part, label, options }: { part: keyof Filter; label: string; options: readonly Choice[] }) {
  if (options.length === 0) return null;
  return html`<label class="field"
    ><span>${label}</span>
    <select
      value=${filter.value[part] ?? ""}
      onChange=${(event: Event) => set(part, (event.currentTarget as HTMLSelectElement).value)}
    >
      <option value="">${t("filter.any")}</option>
      ${options.map(
        ({ value, label: words, count }) =>
          html`<option value=${value} selected=${filter.value[part] === value}>
            ${words}${count > 0 ? ` (${number(count)})` : ""}
          </option>`,
      )}
    </select></label
  >`;
}

/** The search waits a moment for the next letter; what is typed is there at once. */
function Search() {
  const typed = useSignal(filter.value.text);
  useSignalEffect(() => {
    typed.value = filter.value.text;
  });
  const timer = useComputed(() => ({ id: 0 }));
  const onInput = (event: Event): void => {
    typed.value = (event.currentTarget as HTMLInputElement).value;
    clearTimeout(timer.value.id);
    timer.value.id = setTimeout(() => set("text", typed.value), 80) as unknown as number;
  };
  return html`<label class="search"
    ><span class="quiet">${t("filter.search")}</span
    ><input
      type="search"
      id="search"
      value=${typed.value}
      placeholder=${t("filter.search")}
      title=${t("filter.help")}
      autocomplete="off"
      spellcheck=${false}
      onInput=${onInput}
  /></label>`;
}

export function FilterBar() {
  const { agent, act, rule, counterpart } = choices.value;
  const fixed = (values: readonly (readonly [value: string, label: string])[]): Choice[] =>
    values.map(([value, label]) => ({ value, label, count: 0 }));
  const sums = isFiltered(filter.value) ? moneyIn(shown.value).slice(0, 3) : [];
  return html`<div class="filters no-print" role="search">
    <${Search} />
    <${Select} part="agent" label=${t("filter.agent")} options=${agent} />
    <${Select} part="act" label=${t("filter.act")} options=${act} />
    <${Select}
      part="proof"
      label=${t("filter.proof")}
      options=${fixed([
        ["holds", t("proof.holds")],
        ["fails", t("proof.fails")],
        ["unproven", t("proof.unproven")],
      ])}
    />
    <${Select}
      part="rules"
      label=${t("filter.rules")}
      options=${fixed([
        ["conforms", t("rules.conforms")],
        ["violates", t("rules.violates")],
        ["undecidable", t("rules.undecidable")],
        ["not judged", t("rules.not judged")],
        ["no act", t("rules.no act")],
      ])}
    />
    <${Select} part="rule" label=${t("filter.rule")} options=${rule} />
    <${Select} part="counterpart" label=${t("filter.counterpart")} options=${counterpart} />
    <label class="field"
      ><span>${t("filter.group")}</span>
      <select
        value=${grouping.value}
        onChange=${(event: Event) => {
          grouping.value = (event.currentTarget as HTMLSelectElement).value as Grouping;
        }}
      >
        ${groupings.map((by) => html`<option value=${by} selected=${grouping.value === by}>${t(`group.${by}`)}</option>`)}
      </select></label
    >
    <p class="shown" role="status">
      ${t("filter.shown", { shown: shown.value.length, all: rows.value.length })}
      ${sums.map(({ currency, value }) => html` · <strong>${money(value, currency)}</strong>`)}
      ${
        isFiltered(filter.value)
          ? html` <button type="button" class="small" onClick=${() => (filter.value = noFilter)}>
              ${t("filter.clear")}
            </button>`
          : null
      }
    </p>
  </div>`;
}
