import { expect } from "chai";

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { jobStates } from "../../relayer/journal/job.ts";
import { servedMetrics } from "../helpers/world/servedMetrics.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly description: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

describe("deploy: the relayer's dashboard", () => {
  let panels: readonly Panel[];

  before(async () => {
    const path = join(import.meta.dirname, "../../deploy/grafana/dashboards/relayer.json");
    ({ panels } = JSON.parse(await readFile(path, "utf8")) as { panels: Panel[] });
  });

  it("says of each picture what it shows, and lays none over another", () => {
    expect(panels.length).to.be.greaterThan(10);
    const taken = new Set<string>();
    for (const { title, description, gridPos } of panels) {
      expect(description, title).to.match(/\.$/);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.has(`${x},${y}`), `${title} at ${x},${y}`).to.equal(false);
          taken.add(`${x},${y}`);
        }
      }
      expect(gridPos.x + gridPos.w, title).to.be.at.most(24);
    }
    expect(new Set(panels.map(({ id }) => id)).size).to.equal(panels.length);
  });

  it("asks for nothing but metrics, labels and states that are served", async () => {
    const served = await servedMetrics();
    const names = new Set(served.split("\n").map((line) => /^(\w+)/.exec(line)?.[1]));
    for (const { title, targets } of panels) {
      for (const { expr, legendFormat } of targets) {
        const asked = [...expr.matchAll(/\b(affiant_\w+)\{([^}]*)\}/g)];
        expect(asked.length, title).to.be.greaterThan(0);
        for (const [, name, matcher = ""] of asked) {
          expect([...names], title).to.include(name);
          for (const [, label = ""] of matcher.matchAll(/(\w+)=/g)) expectLabel(served, name ?? "", label, title);
          const states = /state=~?"([^"]+)"/.exec(matcher)?.[1]?.split("|") ?? [];
          expect(jobStates, title).to.include.members(states);
        }
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          expectLabel(served, asked[0]?.[1] ?? "", label, title);
        }
      }
    }
  });
});

/** `job` and `instance` are Prometheus' own. */
function expectLabel(served: string, metric: string, label: string, title: string): void {
  if (label === "job" || label === "instance") return;
  const samples = served.split("\n").filter((line) => line.startsWith(`${metric}{`));
  expect(samples.join("\n"), `${title}: ${metric}`).to.contain(`${label}="`);
}
