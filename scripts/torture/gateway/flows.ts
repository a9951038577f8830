/** How one call goes, in each era of the protocol. */
export interface Flow {
  readonly says: readonly string[];
  /** What the server does on a message: the effect, and what it answers. */
  serve(text: string): { readonly effect?: string; readonly answers: readonly string[] };
  /** What an entry says came of it, where its outcome is known. */
  readonly outcome: string;
}

const modern = `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`;
const call = (id: number, more = ""): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"pay","arguments":{"cents":5}${more}}}`;
const answer = (id: number, result: string): string => `{"jsonrpc":"2.0","id":${id},"result":${result}}`;
const paid = `{"content":[{"type":"text","text":"paid"}]}`;
const isCall = (text: string): boolean => text.includes('"tools/call"');

export const flows: Readonly<Record<string, Flow>> = {
  "a call (2025-11-25)": {
    says: [call(1)],
    serve: () => ({ effect: "pay", answers: [answer(1, paid)] }),
    outcome: paid,
  },
  "a call (2026-07-28)": {
    says: [call(1, modern)],
    serve: () => ({ effect: "pay", answers: [answer(1, paid)] }),
    outcome: paid,
  },
  "a task (2025-11-25)": {
    says: [call(1), `{"jsonrpc":"2.0","id":2,"method":"tasks/result","params":{"taskId":"t"}}`],
    serve: (text) =>
      isCall(text)
        ? { effect: "pay", answers: [answer(1, `{"task":{"taskId":"t","status":"working"}}`)] }
        : { answers: [answer(2, paid)] },
    outcome: paid,
  },
  "a task told of unasked (2026-07-28)": {
    says: [call(1, modern)],
    serve: () => ({
      effect: "pay",
      answers: [
        answer(1, `{"resultType":"task","taskId":"t","status":"working"}`),
        `{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","status":"completed","result":${paid}}}`,
      ],
    }),
    outcome: paid,
  },
  "several rounds (2026-07-28)": {
    says: [call(1, modern), call(2, `,"requestState":"s","inputResponses":{}${modern}`)],
    serve: (text) =>
      text.includes("requestState")
        ? { effect: "pay", answers: [answer(2, paid)] }
        : { answers: [answer(1, `{"resultType":"input_required","requestState":"s"}`)] },
    outcome: paid,
  },
};
