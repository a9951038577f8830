import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { FaultEndpoint, questionIn } from "./faultEndpoint.ts";
import { faultKinds, type RpcReply, type RpcRequest } from "./kinds.ts";

/** What a reader concluded, by what it is about. */
export type Facts = Map<string, string>;

/** A reader before a chain that says something, good or bad. */
export interface FaultCase {
  readonly name: string;
  readonly chain: (request: RpcRequest) => RpcReply;
  /** Asks the endpoint, and concludes. Throws AffiantError ERR_UNAVAILABLE_* if it cannot. */
  readonly ask: (url: string) => Promise<Facts>;
  /** Whether these are the facts that the case is about: asked without any fault. */
  readonly isTruth: (facts: Facts) => boolean;
  /** How the reader says of a fact that there was no answer. */
  readonly silent: string;
  /** Set for readers that ask once and leave asking again to their callers. */
  readonly asksOnce?: true;
}

export interface MatrixCount {
  /** Case, question and kind of fault, of those in which the fault struck. */
  cells: number;
  /** The reader came to the truth all the same. */
  right: number;
  /** It said that it did not know. */
  silent: number;
  /** What must not be. */
  readonly missed: string[];
}

export const emptyCount = (): MatrixCount => ({ cells: 0, right: 0, silent: 0, missed: [] });

/** Faults for good, and a fault that passes. */
const lasting = ["for good", "once"] as const;

/** Which requests a fault strikes: each question that the case asks, and several at a time. */
const together: Readonly<Record<string, (request: RpcRequest) => boolean>> = {
  "every eth_call": ({ method }) => method === "eth_call",
  "eth_call and eth_getCode": ({ method }) => method === "eth_call" || method === "eth_getCode",
  everything: () => true,
};

/**
 * Strikes each question of a case with each kind of fault. Nothing that a reader concludes may be other than the truth or
 * "no answer": not better, since nobody said so, and not worse, since nobody said that either.
 * @param picked every how many cells one is run; 1 = all
 */
export async function runCase(fault: FaultCase, count: MatrixCount, picked = 1): Promise<void> {
  const endpoint = await FaultEndpoint.before(fault.chain);
  try {
    const truth = await fault.ask(endpoint.url);
    if (!fault.isTruth(truth)) count.missed.push(`${fault.name}: is not what it is meant to be: ${words(truth)}`);
    const questions = [...new Set(endpoint.seen.map(questionIn))];
    const targets = new Map<string, (request: RpcRequest) => boolean>([
      ...questions.map((question) => [question, (request: RpcRequest) => questionIn(request) === question] as const),
      ...Object.entries(together),
    ]);
    let cell = 0;
    for (const [target, hits] of targets) {
      for (const [name, kind] of Object.entries(faultKinds)) {
        for (const how of lasting) {
          if (cell++ % picked !== 0) continue;
          endpoint.plan({ hits, kind, ...(how === "once" ? { times: 1 } : {}) });
          const found = await concluded(fault, endpoint.url);
          if (endpoint.hits === 0) continue;
          judge(count, truth, found, { where: `${fault.name}: ${target}: ${name}: ${how}`, how, fault });
        }
      }
    }
  } finally {
    await endpoint.close();
  }
}

async function concluded({ ask }: FaultCase, url: string): Promise<Facts | "unavailable" | Error> {
  try {
    return await ask(url);
  } catch (error) {
    return isAffiantError(error) && error.code.startsWith("ERR_UNAVAILABLE") ? "unavailable" : (error as Error);
  }
}

function judge(
  count: MatrixCount,
  truth: Facts,
  found: Facts | "unavailable" | Error,
  { where, how, fault }: { where: string; how: (typeof lasting)[number]; fault: FaultCase },
): void {
  count.cells++;
  if (found instanceof Error) return void count.missed.push(`${where}: ${found.name} ${found.message}`);
  const wrong =
    found === "unavailable"
      ? []
      : [...new Set([...truth.keys(), ...found.keys()])].filter((about) => {
          const said = found.get(about);
          return said !== truth.get(about) && said !== fault.silent;
        });
  const isRight = found !== "unavailable" && [...truth].every(([about, fact]) => found.get(about) === fact);
  for (const about of wrong) {
    const said = found === "unavailable" ? found : (found.get(about) ?? "nothing");
    count.missed.push(`${where}: ${about}: ${said}, and it is: ${truth.get(about) ?? "nothing"}`);
  }
  if (how === "once" && !isRight && !fault.asksOnce) count.missed.push(`${where}: was not asked again`);
  if (isRight) count.right++;
  else count.silent++;
}

function words(facts: Facts): string {
  return [...facts].map(([about, fact]) => `${about}: ${fact}`).join("; ");
}
