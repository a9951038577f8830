import type { Json } from "../../protocol/json/canonical.ts";
import type { CompiledPolicy } from "../../protocol/policy/compile.ts";
import { evaluateAct } from "../../protocol/policy/evaluate.ts";
import { type ActFacts, factsOf } from "../../protocol/policy/facts.ts";
import type { ActConformity, PolicyAct } from "../../protocol/policy/types.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** An act as people write it down, and the acts before it in its thread. */
export interface ExampleAct {
  readonly act: string;
  readonly input?: Json;
  readonly output?: Json;
  readonly context?: Json;
  readonly before?: readonly ExampleAct[];
}

export interface Judged extends ActConformity {
  readonly facts: ActFacts;
}

/** The agent of acts that nobody did. */
const nobody = "did:ethr:0x1:0x0000000000000000000000000000000000000001";

/** Judges an act that somebody thought up, all of whose values are there. */
export async function judgeExample(policy: CompiledPolicy, example: ExampleAct): Promise<Judged> {
  const { before = [], ...last } = example;
  const acts = [...before, last].map(({ act, input, output, context }, seq): PolicyAct => ({
    act,
    seq,
    thread: "example",
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
    ...(context === undefined ? {} : { context }),
    allDisclosed: true,
  }));
  const act = acts.at(-1) as PolicyAct;
  const earlier = acts.slice(0, -1);
  const verdict = await evaluateAct(policy, nobody, act, earlier);
  const attributes = policy.acts.get(act.act) ?? new Map();
  return { ...verdict, facts: await factsOf(policy, [...attributes.keys()], attributes, act, { acts: earlier }) };
}

const members = ["act", "input", "output", "context", "before"];

/** @throws AffiantError ERR_INPUT_FILE */
export function readExampleAct(value: unknown, where: string, more: readonly string[] = []): ExampleAct {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(`${where} is no act`);
  const record = value as Record<string, unknown>;
  const unknown = Object.keys(record).find((key) => !members.includes(key) && !more.includes(key));
  if (unknown !== undefined) throw wrong(`${where} has a member ${JSON.stringify(unknown)} that no act has`);
  if (typeof record["act"] !== "string") throw wrong(`${where} does not say which act it is (\`act\`)`);
  const { before = [] } = record;
  if (!Array.isArray(before)) throw wrong(`${where}: \`before\` is no list of acts`);
  before.forEach((earlier: unknown, at) => readExampleAct(earlier, `${where}, before[${at}]`));
  return value as ExampleAct;
}

export function wrong(message: string, cause?: unknown): AffiantError {
  return new AffiantError("ERR_INPUT_FILE", message, { cause });
}
