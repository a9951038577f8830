import type { Answer, Question } from "./answers.ts";

/** Asks an endpoint: one HTTP request, however many questions. @throws whatever means that there is no answer */
export type AskAll = (questions: readonly Question[]) => Promise<readonly Answer[]>;

export interface Head {
  readonly number: number;
  readonly hash: string;
}

/** The newest block. @throws Error if the endpoint does not tell it */
export async function askHead(ask: AskAll): Promise<Head> {
  const latest: Question = { method: "eth_getBlockByNumber", params: ["latest", false] };
  const [answer] = await ask([latest]);
  const block = answer && "result" in answer ? (answer.result as { number?: string; hash?: string } | null) : null;
  if (!block?.number || !block.hash) throw new Error("the endpoint does not tell its newest block");
  return { number: Number(block.number), hash: block.hash };
}
