import { expect } from "chai";

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { parse } from "yaml";

import { readRelayerConfig, relayerSettings } from "../../relayer/config.ts";
import { jobStates } from "../../relayer/journal/job.ts";
import { servedMetrics } from "../helpers/world/servedMetrics.ts";
import { rejection } from "../helpers/rejection.ts";

const root = join(import.meta.dirname, "../..");
const read = (path: string) => readFile(join(root, path), "utf8");

/** Cells of the table rows whose first cell is one piece of code. */
function rowsOf(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split("\n")
    .filter((line) => /^\| `[^`]+` +\|/.test(line))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

const code = (cell = "") => /^`([^`]+)`$/.exec(cell)?.[1];

describe("relayer: the operator's guide", () => {
  it("has every setting that is read, with its default, and no other", async () => {
    const guide = (await read("docs/relayer.md")).split("## Settings")[1]?.split("\n## ")[0] ?? "";
    const documented = rowsOf(guide).map(([name, fallback = ""]) => [code(name), code(fallback) ?? fallback]);
    const settings = relayerSettings().map(({ name, fallback }) => [
      name,
      fallback === undefined ? "needed" : fallback.replace(/^data\/relayer\//, "<data>/"),
    ]);
    expect([...documented].sort()).to.deep.equal([...settings].sort());
  });

  it("comes with an example of the environment that has every setting, with its default or a value that is taken", async () => {
    const part = (await read(".env.example")).split("\n# ==== ").find((text) => text.startsWith("The relayer")) ?? "";
    const lines = part.split("\n").filter((line) => /^(# )?[A-Z][A-Z_]+=/.test(line));
    const example = new Map(lines.map((line) => [line.replace(/^# |=.*/g, ""), line.replace(/^[^=]*=/, "")]));
    expect([...example.keys()].sort()).to.deep.equal(
      relayerSettings()
        .map(({ name }) => name)
        .sort(),
    );
    expect(example.size).to.equal(lines.length);
    for (const { name, fallback } of relayerSettings()) {
      if (fallback) expect(example.get(name), name).to.equal(fallback);
      const isCommentedOut = lines.some((line) => line.startsWith(`# ${name}=`));
      expect(isCommentedOut, name).to.equal(fallback !== undefined);
    }
    const everything = { ...Object.fromEntries(example), AFFIANT_DEPLOYMENT: join(root, "package.json") };
    const { laneKeyFiles, traces } = readRelayerConfig(everything);
    expect([laneKeyFiles.length, traces?.headers]).to.deep.equal([2, { authorization: "Bearer TOKEN" }]);
  });

  it("is named where a setting is wrong, beside every wrong one", async () => {
    const env = { AFFIANT_PORT: "x", AFFIANT_ROLE: "king", REDIS_URL: "http://:secret@a" };
    const error = await rejection(Promise.resolve().then(() => readRelayerConfig(env)));
    expect(error).to.include({ code: "ERR_INPUT_CONFIG" });
    expect(error).to.have.nested.property("details.complaints").that.has.lengthOf(5);
    const { message, hint } = error as Error & { hint: string };
    for (const name of ["AFFIANT_RPC_URL", "AFFIANT_DEPLOYMENT", ...Object.keys(env)]) expect(message).to.contain(name);
    expect(message).not.to.contain("secret");
    expect(hint).to.contain("docs/relayer.md");
  });
});

interface AlertRule {
  readonly alert: string;
  readonly expr: string;
}

describe("relayer: alerts", () => {
  let rules: readonly AlertRule[];

  before(async () => {
    const file = parse(await read("relayer/alerts.yml")) as { groups: { rules: AlertRule[] }[] };
    rules = file.groups.flatMap((group) => group.rules);
  });

  it("are each explained in the guide, and no others", async () => {
    const guide = (await read("docs/relayer.md")).split("## What to watch")[1]?.split("\n## ")[0] ?? "";
    const explained = rowsOf(guide).map(([name]) => code(name));
    expect(explained).to.deep.equal(rules.map(({ alert }) => alert));
  });

  it("ask for nothing but metrics, labels and states that are served", async () => {
    const served = await servedMetrics();
    const samples = served.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const labelsOf = new Map<string, string>();
    for (const sample of samples) {
      const [, name = "", labels = ""] = /^(\w+)(\{.*\})?/.exec(sample) ?? [];
      labelsOf.set(name, (labelsOf.get(name) ?? "") + labels);
    }
    const asked = rules.flatMap(({ alert, expr }) =>
      [...expr.matchAll(/\b(affiant_\w+)(\{[^}]*\})?/g)].map(([, name = "", matcher = ""]) => ({
        alert,
        name,
        matcher,
      })),
    );
    expect(asked.length).to.be.greaterThan(15);
    for (const { alert, name, matcher } of asked) {
      expect([...labelsOf.keys()], alert).to.include(name);
      for (const [, label] of matcher.matchAll(/(\w+)=/g)) expect(labelsOf.get(name), alert).to.contain(`${label}="`);
    }
    const states = asked.flatMap(({ matcher }) => /state=~?"([^"]+)"/.exec(matcher)?.[1]?.split("|") ?? []);
    expect(states.length).to.be.greaterThan(4);
    expect(jobStates).to.include.members(states);
    for (const { expr } of rules) {
      for (const [, labels = ""] of expr.matchAll(/by \(([^)]*)\)/g)) {
        const own = labels.split(", ").filter((label) => label !== "instance");
        for (const label of own) expect(served, expr).to.contain(`${label}="`);
      }
    }
  });
});
