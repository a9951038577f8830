import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { ErrorObject } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Pipeline } from "./pipeline.ts";
import schema from "./pipeline.schema.json" with { type: "json" };
import { checkSemantics } from "./semantics.ts";
import { type DescriptorProblem, DescriptorSource, formatPath, type Path } from "./source.ts";

const validate = new Ajv2020({ allErrors: true, strict: true, strictTypes: false }).compile(schema);

/**
 * Reads a pipeline descriptor strictly; paths in it are relative to its folder.
 * @throws AffiantError ERR_INPUT_PIPELINE naming file, line and field of the first problem; all of them are in
 *   `details.problems` ({@link DescriptorProblem})
 */
export function readPipeline(path: string): Pipeline {
  const file = resolve(path);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_PIPELINE", `the pipeline descriptor ${file} cannot be read`, { cause });
  }
  const source = new DescriptorSource(text);
  refuse(file, source.syntaxProblems());
  const value = source.value();
  // Ajv keeps its errors on the function: they are read before anything else can validate.
  if (!validate(value)) refuse(file, schemaProblems(source, validate.errors ?? []));
  const pipeline = complete(file, value as unknown as Written);
  const problems: DescriptorProblem[] = [];
  const report = (...found: Parameters<DescriptorSource["problem"]>) => void problems.push(source.problem(...found));
  checkFiles(pipeline, report);
  checkSemantics(pipeline, report);
  refuse(file, problems);
  return pipeline;
}

/** What a descriptor must say; the rest has defaults. */
type Written = Pick<Pipeline, "format" | "name"> & {
  readonly agents: readonly (Pick<Pipeline["agents"][number], "name" | "role" | "program" | "policy"> &
    Partial<Pipeline["agents"][number]>)[];
  readonly connectivity?: readonly (Omit<Pipeline["connectivity"][number], "weight"> & { weight?: number })[];
  readonly contracts?: readonly (Omit<Pipeline["contracts"][number], "policy"> &
    Partial<Pipeline["contracts"][number]>)[];
  readonly groups?: readonly (Pick<Pipeline["groups"][number], "name" | "members"> &
    Partial<Pipeline["groups"][number]>)[];
  readonly placement?: Partial<Pipeline["placement"]>;
  readonly attestation?: Partial<Pipeline["attestation"]>;
  readonly restart?: Partial<Pipeline["restart"]>;
} & Partial<Pick<Pipeline, "sites" | "latency" | "defaultLatencyMs">>;

function complete(file: string, written: Written): Pipeline {
  const absolute = (path: string): string => resolve(dirname(file), path);
  const sites = written.sites ?? [{ name: "local" }];
  return {
    format: written.format,
    name: written.name,
    file,
    sites,
    latency: written.latency ?? [],
    defaultLatencyMs: written.defaultLatencyMs ?? 50,
    agents: written.agents.map((agent) => ({
      args: [],
      bundle: false,
      operator: written.name,
      risk: "limited",
      capabilities: [],
      startAfter: [],
      memoryMb: 256,
      cpuMillis: 250,
      ...agent,
      sites: agent.sites ?? sites.map(({ name }) => name),
      program: absolute(agent.program),
      policy: absolute(agent.policy),
    })),
    connectivity: (written.connectivity ?? []).map((connection) => ({ weight: 1, ...connection })),
    contracts: (written.contracts ?? []).map((contract) => ({ policy: [], ...contract })),
    groups: (written.groups ?? []).map((group) => ({ maxAgeBlocks: 50_000, graceBlocks: 10, ...group })),
    placement: { together: [], apart: [], ...written.placement },
    attestation: {
      roundBlocks: 60,
      trustBlocks: 7200,
      ...written.attestation,
      include: (written.attestation?.include ?? []).map(absolute),
    },
    restart: { maxRestarts: 5, delayMs: 200, stableAfterMs: 10_000, maxReplacements: 3, ...written.restart },
  };
}

function checkFiles({ agents, attestation }: Pipeline, report: (code: "missing-file", path: Path, m: string) => void) {
  const check = (file: string, path: Path) => {
    if (!existsSync(file)) report("missing-file", path, `names nothing that is there: ${file}`);
  };
  agents.forEach(({ program, policy }, i) => {
    check(program, ["agents", i, "program"]);
    check(join(policy, "bundle.yaml"), ["agents", i, "policy"]);
  });
  attestation.include.forEach((file, i) => check(file, ["attestation", "include", i]));
}

function schemaProblems(source: DescriptorSource, errors: readonly ErrorObject[]): readonly DescriptorProblem[] {
  return errors.map((error) => {
    const path = pathOf(error.instancePath, source.value());
    const { missingProperty, additionalProperty, allowedValue, allowedValues } = error.params as Record<
      string,
      unknown
    >;
    if (typeof missingProperty === "string") return source.problem("missing-field", path, `lacks ${missingProperty}`);
    if (typeof additionalProperty === "string") {
      return source.problem("unknown-field", [...path, additionalProperty], "is not a known field");
    }
    const wanted = allowedValue ?? (Array.isArray(allowedValues) ? allowedValues.join(" or ") : undefined);
    return source.problem(
      "schema",
      path,
      wanted === undefined ? (error.message ?? "is wrong") : `is not ${wanted as string}`,
    );
  });
}

/** A JSON pointer's steps; those into lists as numbers, which is how the document finds them. */
function pathOf(pointer: string, value: unknown): Path {
  const steps = pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  let at = value;
  return steps.map((step) => {
    const inList = Array.isArray(at);
    at = (at as Record<string, unknown> | undefined)?.[step];
    return inList ? Number(step) : step;
  });
}

function refuse(file: string, problems: readonly DescriptorProblem[]): void {
  const [first] = problems;
  if (!first) return;
  const line = first.line === undefined ? "" : `:${first.line}`;
  const where = first.code === "syntax" ? "" : `${formatPath(first.path)} `;
  const more = problems.length === 1 ? "" : ` (and ${problems.length - 1} more)`;
  throw new AffiantError("ERR_INPUT_PIPELINE", `${file}${line}: ${where}${first.message}${more}`, {
    ...(problems.length === 1 ? {} : { hint: problems.slice(1, 6).map(inOneLine).join("\n  ") }),
    details: { problems, ...(first.line === undefined ? {} : { line: first.line }) },
  });
}

function inOneLine({ line, path, message }: DescriptorProblem): string {
  return `${line === undefined ? "" : `line ${line}: `}${formatPath(path)} ${message}`;
}
