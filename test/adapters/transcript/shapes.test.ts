import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { readTranscripts } from "../../../adapters/transcript/readTranscripts.ts";
import type { ImportedAct, TranscriptConversation } from "../../../adapters/transcript/types.ts";
import type { AffiantError } from "../../../protocol/errors/affiantError.ts";

const asked = "What does order 17 cost?";
const input = { orderId: "17" };
const output = { cents: 4200 };
const args = JSON.stringify(input);
const result = JSON.stringify(output);

/** The same two messages around the same call, as each tool writes them. Field names are those of the tool's own documentation. */
const shapes: readonly (readonly [shape: string, file: unknown])[] = [
  [
    "OpenAI chat completions",
    [
      { role: "user", content: asked },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c", type: "function", function: { name: "get_order", arguments: args } }],
      },
      { role: "tool", tool_call_id: "c", content: result },
    ],
  ],
  [
    "OpenAI chat completions before tool_calls",
    [
      { role: "user", content: asked },
      { role: "assistant", content: null, function_call: { name: "get_order", arguments: args } },
      { role: "function", name: "get_order", content: result },
    ],
  ],
  [
    "OpenAI Responses, input and output",
    {
      object: "response",
      input: asked,
      output: [
        { type: "function_call", id: "fc", call_id: "c", name: "get_order", arguments: args, status: "completed" },
        { type: "function_call_output", call_id: "c", output: [{ type: "input_text", text: result }] },
      ],
    },
  ],
  [
    "OpenAI batch input",
    {
      custom_id: "r-1",
      method: "POST",
      url: "/v1/chat/completions",
      body: {
        model: "m",
        messages: [
          { role: "user", content: asked },
          {
            role: "assistant",
            tool_calls: [{ id: "c", type: "function", function: { name: "get_order", arguments: args } }],
          },
          { role: "tool", tool_call_id: "c", content: result },
        ],
      },
    },
  ],
  [
    "Anthropic Messages",
    [
      { role: "user", content: asked },
      { role: "assistant", content: [{ type: "tool_use", id: "c", name: "get_order", input }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: [{ type: "text", text: result }] }] },
    ],
  ],
  [
    "Amazon Bedrock Converse",
    [
      { role: "user", content: [{ text: asked }] },
      { role: "assistant", content: [{ toolUse: { toolUseId: "c", name: "get_order", input } }] },
      { role: "user", content: [{ toolResult: { toolUseId: "c", content: [{ json: output }], status: "success" } }] },
    ],
  ],
  [
    "Gemini, without ids",
    {
      contents: [
        { role: "user", parts: [{ text: asked }] },
        { role: "model", parts: [{ functionCall: { name: "get_order", args: input } }] },
        { role: "user", parts: [{ functionResponse: { name: "get_order", response: output } }] },
      ],
    },
  ],
  [
    "AI SDK model messages",
    [
      { role: "user", content: [{ type: "text", text: asked }] },
      { role: "assistant", content: [{ type: "tool-call", toolCallId: "c", toolName: "get_order", input }] },
      {
        role: "tool",
        content: [
          { type: "tool-result", toolCallId: "c", toolName: "get_order", output: { type: "json", value: output } },
        ],
      },
    ],
  ],
  [
    "AI SDK UI messages with a dynamic tool",
    [
      { id: "1", role: "user", parts: [{ type: "text", text: asked }] },
      {
        id: "2",
        role: "assistant",
        parts: [
          { type: "dynamic-tool", toolName: "get_order", toolCallId: "c", state: "output-available", input, output },
        ],
      },
    ],
  ],
  [
    "AI SDK 4 tool invocations",
    [
      { role: "user", content: asked },
      {
        role: "assistant",
        content: "",
        toolInvocations: [{ state: "result", toolCallId: "c", toolName: "get_order", args: input, result: output }],
      },
    ],
  ],
  [
    "OpenTelemetry GenAI parts",
    [
      { role: "user", parts: [{ type: "text", content: asked }] },
      {
        role: "assistant",
        parts: [{ type: "tool_call", id: "c", name: "get_order", arguments: input }],
        finish_reason: "tool_call",
      },
      { role: "tool", parts: [{ type: "tool_call_response", id: "c", response: output }] },
    ],
  ],
  [
    "LangChain, dumped as constructors",
    [
      {
        lc: 1,
        type: "constructor",
        id: ["langchain", "schema", "messages", "HumanMessage"],
        kwargs: { content: asked },
      },
      {
        lc: 1,
        type: "constructor",
        id: ["langchain", "schema", "messages", "AIMessage"],
        kwargs: { content: "", tool_calls: [{ name: "get_order", args: input, id: "c", type: "tool_call" }] },
      },
      {
        lc: 1,
        type: "constructor",
        id: ["langchain", "schema", "messages", "ToolMessage"],
        kwargs: { content: result, tool_call_id: "c" },
      },
    ],
  ],
  [
    "LangChain, messages_to_dict",
    {
      messages: [
        { type: "human", data: { content: asked } },
        {
          type: "ai",
          data: { content: "", tool_calls: [{ name: "get_order", args: input, id: "c", type: "tool_call" }] },
        },
        { type: "tool", data: { content: result, tool_call_id: "c", status: "success" } },
      ],
    },
  ],
  [
    "AgentDojo",
    {
      messages: [
        { role: "user", content: [{ type: "text", content: asked }] },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ function: "get_order", args: input, id: "c", placeholder_args: null }],
        },
        { role: "tool", content: [{ type: "text", content: result }], tool_call_id: "c", error: null },
      ],
    },
  ],
  [
    "τ²-bench simulations",
    {
      simulations: [
        {
          id: "s",
          messages: [
            { role: "user", content: asked },
            {
              role: "assistant",
              content: null,
              tool_calls: [{ id: "c", name: "get_order", arguments: input, requestor: "assistant" }],
            },
            { role: "tool", id: "c", content: result, requestor: "assistant", error: false },
          ],
        },
      ],
    },
  ],
  [
    "SWE-agent with tool calls",
    {
      trajectory: [{ action: "x", observation: "y" }],
      history: [
        { role: "user", content: asked },
        {
          role: "assistant",
          content: "",
          tool_calls: [{ id: "c", type: "function", function: { name: "get_order", arguments: args } }],
        },
        { role: "tool", content: [{ type: "text", text: result }], tool_call_ids: ["c"] },
      ],
    },
  ],
  [
    "Claude Code session",
    [
      { type: "summary", summary: "Orders", leafUuid: "c" },
      { type: "user", sessionId: "s", uuid: "a", message: { role: "user", content: asked } },
      {
        type: "assistant",
        sessionId: "s",
        uuid: "b",
        message: { role: "assistant", content: [{ type: "tool_use", id: "c", name: "get_order", input }] },
      },
      {
        type: "user",
        sessionId: "s",
        uuid: "c",
        message: { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: result }] },
      },
    ]
      .map((line) => JSON.stringify(line))
      .join("\n"),
  ],
  [
    "ShareGPT with tools",
    {
      conversations: [
        { from: "human", value: asked },
        { from: "function_call", value: JSON.stringify({ name: "get_order", arguments: input }) },
        { from: "observation", value: result },
      ],
    },
  ],
  [
    "MCP messages",
    [
      { jsonrpc: "2.0", id: 1, method: "initialize", params: {} },
      { jsonrpc: "2.0", id: 1, result: { protocolVersion: "2025-11-25" } },
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "get_order", arguments: input } },
      { jsonrpc: "2.0", method: "notifications/progress", params: {} },
      { jsonrpc: "2.0", id: 2, result: { content: [{ type: "text", text: result }], structuredContent: output } },
    ]
      .map((line) => JSON.stringify(line))
      .join("\n"),
  ],
];

async function collect(file: string, onProblem?: (error: AffiantError) => void): Promise<TranscriptConversation[]> {
  const all: TranscriptConversation[] = [];
  for await (const conversation of readTranscripts(file, { onProblem })) all.push(conversation);
  return all;
}

describe("adapters/transcript: shapes", () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "affiant-shapes-"));
  });

  after(() => rm(folder, { recursive: true }));

  async function written(content: unknown): Promise<string> {
    const file = join(folder, "transcript.json");
    await writeFile(file, typeof content === "string" ? content : JSON.stringify(content));
    return file;
  }

  for (const [shape, content] of shapes) {
    it(`reads ${shape}`, async () => {
      const read = await collect(await written(content));
      const acts = read.flatMap(({ acts: found }) => found);
      expect(acts.map(({ act, input: given, output: got }) => [act, given, got])).to.deep.equal([
        ["get_order", input, output],
      ]);
      expect(read.flatMap(({ warnings }) => warnings)).to.deep.equal([]);
    });
  }

  const act = async (content: unknown): Promise<ImportedAct | undefined> =>
    (await collect(await written(content)))[0]?.acts[0];
  const called = (given: string, answered = "ok") => [
    { role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name: "pay", arguments: given } }] },
    { role: "tool", tool_call_id: "c", content: answered },
  ];

  it("keeps numbers that no double holds digit by digit, and says where", async () => {
    const paid = await act(called('{"wei":1000000000000000001,"eur":0.1}', '{"balance":[9007199254740993]}'));
    expect(paid?.input).to.deep.equal({ wei: "1000000000000000001", eur: 0.1 });
    expect(paid?.output).to.deep.equal({ balance: ["9007199254740993"] });
    expect(paid?.context.exactNumbers).to.deep.equal(["/input/wei", "/output/balance/0"]);
  });

  it("keeps them where the arguments are no string, too", async () => {
    const paid = await act(
      `[{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"pay","input":{"wei":1000000000000000001}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"ok"}]}]`,
    );
    expect(paid?.input).to.deep.equal({ wei: "1000000000000000001" });
    expect(paid?.context.exactNumbers).to.deep.equal(["/input/wei"]);
  });

  it("keeps arguments that name a key twice as text: nobody knows which one the tool took", async () => {
    const paid = await act(called('{"cents":999999,"cents":1}'));
    expect(paid?.input).to.equal('{"cents":999999,"cents":1}');
    expect(paid?.context.inputIsText).to.equal(true);
  });

  it("gives a name that no act can have one of its own, and not that of another tool", async () => {
    const named = (name: string) => [
      { role: "assistant", tool_calls: [{ id: "c", type: "function", function: { name, arguments: "{}" } }] },
      { role: "tool", tool_call_id: "c", content: "no such tool" },
    ];
    expect((await act(named("get order")))?.act).to.equal("get:20:order");
    expect((await act(named("get_order")))?.act).to.equal("get_order");
  });

  it("says of a result that the tool failed", async () => {
    const failed = await act([
      { role: "assistant", content: [{ type: "tool_use", id: "c", name: "pay", input: {} }] },
      { role: "user", content: [{ type: "tool_result", tool_use_id: "c", content: "card declined", is_error: true }] },
    ]);
    expect(failed).to.deep.include({ output: "card declined" });
    expect(failed?.context.failed).to.equal(true);
  });

  it("reads the steps of a SWE-agent run whose history has no calls", async () => {
    const step = await act({
      trajectory: [{ action: "ls\n", observation: "README.md", thought: "Look." }],
      history: [],
    });
    expect(step).to.deep.include({ act: "shell", input: { command: "ls" }, output: "README.md" });
  });

  it("takes a hosted tool's item as call and result at once", async () => {
    const searched = await act({
      object: "response",
      output: [{ type: "web_search_call", id: "ws", status: "completed", action: { type: "search", query: "x" } }],
    });
    expect(searched).to.deep.include({
      act: "web_search",
      input: { action: { type: "search", query: "x" } },
      output: null,
    });
  });

  it("goes on after a line that was cut and a conversation that cannot be read, and names both", async () => {
    const [, good] = shapes[0] as [string, unknown];
    const line = JSON.stringify({ messages: good });
    const unreadable = JSON.stringify({ messages: [{ role: "user", content: 5 }] });
    const problems: string[] = [];
    const file = await written([line, line.slice(0, 90), unreadable, line, ""].join("\n"));
    const read = await collect(file, ({ message }) => problems.push(message));
    expect(read.map(({ index, acts }) => [index, acts.length])).to.deep.equal([
      [0, 1],
      [3, 1],
    ]);
    expect(problems[0]).to.match(/^conversation 1 \(at line 2\): not JSON/);
    expect(problems[1]).to.match(/^conversation 2, message 0: `content` is neither/);
    expect(problems).to.have.length(2);
  });

  it("goes on after a first line that was cut, too", async () => {
    const [, good] = shapes[0] as [string, unknown];
    const line = JSON.stringify({ messages: good });
    const problems: string[] = [];
    const read = await collect(await written([line.slice(0, 90), line].join("\n")), ({ message }) =>
      problems.push(message),
    );
    expect(read.map(({ index, acts }) => [index, acts.length])).to.deep.equal([[1, 1]]);
    expect(problems)
      .to.have.length(1)
      .and.to.satisfy(([only]: string[]) => /^conversation 0 \(at line 1\)/.test(only ?? ""));
  });

  it("reads NaN beside messages, as Python writes it", async () => {
    const file = await written(`{"reward":NaN,"note":"NaN","messages":${JSON.stringify(called("{}"))}}`);
    const [read] = await collect(file);
    expect(read?.acts.map(({ act: name }) => name)).to.deep.equal(["pay"]);
    expect(read?.warnings.map(({ text }) => text)).to.deep.equal([
      "NaN or Infinity, which are no JSON, are kept as text",
    ]);
  });
});
