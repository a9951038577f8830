import type { Answer } from "./answers.ts";
import type { AskAll } from "./askHead.ts";

const timeoutMs = 30_000;

/** Asks a JSON-RPC endpoint over HTTP; several questions as one batch. @throws Error if there is no answer that can be read */
export function askEndpoint(url: string): AskAll {
  let id = 0;
  return async (questions) => {
    const asked = questions.map(({ method, params }) => ({ jsonrpc: "2.0", id: ++id, method, params }));
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(asked.length === 1 ? asked[0] : asked),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const said: unknown = await response.json();
    const list = Array.isArray(said) ? (said as unknown[]) : [said];
    const byId = new Map(list.flatMap((one) => (isAnswer(one) ? [[one.id, one] as const] : [])));
    // Some answer what they cannot read, or will not do, without an id.
    const only = asked.length === 1 && list.length === 1 && isAnswer(list[0]) ? list[0] : undefined;
    const answers = asked.map(({ id: one }) => byId.get(one) ?? only);
    if (answers.every((one) => one === undefined)) {
      if (questions.length === 1) throw new Error(`the endpoint answers ${response.status} and no JSON-RPC`);
      return questions.map(() => refusal("the endpoint does not answer batches"));
    }
    return answers.map((one) => one ?? refusal("the endpoint left this question out"));
  };
}

type Identified = Answer & { readonly id?: unknown };

function isAnswer(value: unknown): value is Identified {
  return typeof value === "object" && value !== null && ("result" in value || "error" in value);
}

function refusal(message: string): Answer {
  return { error: { message } };
}
