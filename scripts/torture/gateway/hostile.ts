import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ActLedger } from "../../../adapters/acts/actLedger.ts";
import { actNameOfTool } from "../../../adapters/acts/actName.ts";
import { ClaimStore } from "../../../adapters/acts/claimStore.ts";
import type { MessagePort } from "../../../adapters/mcp/messagePort.ts";
import { ToolGateway } from "../../../adapters/mcp/toolGateway.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { Dice } from "../../../test/helpers/world/mutations.ts";
import type { Tally } from "./kills.ts";

const messagesPerRound = 60;
const forbidden = "wipe";

/** Clients that say anything, before servers that do anything that looks like a call and answer with anything. */
export async function tortureHostile(
  rounds: number,
  seed: number,
  tally: Tally,
  onBroken: (what: string) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    const dice = new Dice(seed + round);
    const folder = await mkdtemp(join(tmpdir(), "affiant-gateway-"));
    const claims = new ClaimStore(join(folder, "claims"));
    const entries: Act[] = [];
    const agent = { ready: () => Promise.resolve(), enter: (act: Act) => Promise.resolve(entries.push(act)) };
    const gate = ({ act }: { readonly act: string }) =>
      Promise.resolve(act === forbidden ? ({ code: "ERR_AUTH_POLICY", detail: "never" } as const) : undefined);
    const done: string[] = [];
    const said = new Map<string, string[]>();
    const client = port(() => undefined);
    const server = port((text) => {
      for (const { tool, id } of callsIn(text)) {
        done.push(tool);
        for (const answer of answersTo(dice, id)) {
          said.set(answer, [...(said.get(answer) ?? []), tool]);
          server.onText?.(answer);
        }
      }
    });
    const ledger = new ActLedger({ agent, gate, claims });
    const gateway = new ToolGateway({ client, server, ledger, session: `s${round}` });
    await gateway.start();
    for (let at = 0; at < messagesPerRound; at++) {
      client.onText?.(messageOf(dice));
      if (dice.below(10) < 3) await new Promise((resolve) => setImmediate(resolve));
    }
    await gateway.close();
    claims.close();
    await rm(folder, { recursive: true, force: true });
    tally.runs += 1;
    tally.effects += done.length;
    const acts = entries.filter(({ kind }) => kind === "act").map(({ act }) => act);
    const missing = done.map(actNameOfTool).filter((tool) => {
      const at = acts.indexOf(tool);
      if (at >= 0) acts.splice(at, 1);
      return at < 0;
    });
    tally.actsWithoutRecord += missing.length;
    if (missing.length > 0) onBroken(`seed ${seed + round}: ${missing.join(", ")} done without a record`);
    if (done.includes(forbidden)) {
      tally.actsWithoutRecord += 1;
      onBroken(`seed ${seed + round}: what is forbidden was done`);
    }
    // What is left was let through and, for all that anybody knows, not made.
    tally.falseEntries += acts.length;
    if (acts.length > 0)
      onBroken(`seed ${seed + round}: entries of calls that never reached the server: ${acts.join(", ")}`);
  }
}

function port(send: (text: string) => void): MessagePort {
  const started = (): Promise<void> => Promise.resolve();
  return {
    onText: undefined,
    onClose: undefined,
    onProblem: undefined,
    start: started,
    close: started,
    send: (text) => Promise.resolve(send(text)),
  };
}

/** All that somebody could take for a call: in lists, whatever the case of a name, with the last of two equal names. */
function callsIn(text: string): readonly { readonly tool: string; readonly id: unknown }[] {
  // A retry goes on with a call that is there already.
  if (text.includes('"requestState"')) return [];
  return text.split(/\r\n|\r|\n/).flatMap((line) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return [];
    }
    return (Array.isArray(value) ? value : [value]).flatMap((message: unknown) => {
      if (typeof message !== "object" || message === null) return [];
      const lower = Object.fromEntries(
        Object.entries(message).map(([key, item]) => [key.toLowerCase(), item as unknown]),
      );
      if (String(lower["method"]).toLowerCase() !== "tools/call") return [];
      const params = (lower["params"] ?? {}) as Record<string, unknown>;
      const named = Object.entries(params).findLast(([key]) => key.toLowerCase() === "name");
      return [{ tool: String(named?.[1]), id: lower["id"] }];
    });
  });
}

function messageOf(dice: Dice): string {
  const id = dice.pick([
    String(dice.below(1_000)),
    String(dice.below(1_000)),
    String(dice.below(1_000)),
    "1",
    '"1"',
    "9007199254740993",
    "1.5",
    "null",
    "{}",
    "-0",
  ]);
  const tool = dice.pick(["read", "pay", forbidden, "get order"]);
  const plain = JSON.stringify(tool);
  const name = dice.pick([plain, plain, plain, plain, plain, plain, `["${tool}"]`, "7", "null", '""']);
  const method = dice.pick([
    "tools/call",
    "tools/call",
    "tools/call",
    "Tools/Call",
    "tools\\u002fcall",
    "ping",
    "admin/run",
    "tasks/get",
  ]);
  const meta = dice.pick(["", `,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}`]);
  const more = dice.pick([
    "",
    "",
    "",
    "",
    `,"Name":"${forbidden}"`,
    `,"name":"${forbidden}"`,
    `,"taskId":"t"`,
    `,"task":{}`,
  ]);
  const params = `{"name":${name},"arguments":${dice.pick(["{}", "{}", "[]", "null", '{"a":1,"a":2}', '{"n":1e400}'])}${more}${meta}}`;
  const inner = `{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"${forbidden}"}}`;
  const whole = `{"jsonrpc":"2.0","id":${id},"method":"${method}","params":${params}}`;
  return dice.pick([
    ...Array<string>(10).fill(whole),
    `{"jsonrpc":"2.0","method":"${method}","params":${params}}`,
    `[${whole}]`,
    `{"jsonrpc":"2.0","id":${id},"method":"ping","Method":"${method}","params":${params}}`,
    `{"jsonrpc":"2.0","id":${id},"method":"ping","method":"${method}","params":${params}}`,
    `{"jsonrpc":"2.0","id":5,"method":"ping","params":{"x":"${inner.replaceAll('"', '\\"')}"}}`,
    whole.slice(0, -dice.below(8) - 1),
    `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`,
    `{"jsonrpc":"2.0","id":${id},"result":{}}`,
  ]);
}

function answersTo(dice: Dice, id: unknown): readonly string[] {
  const own = JSON.stringify(id) ?? "null";
  const result = (of: string, what: string): string => `{"jsonrpc":"2.0","id":${of},"result":${what}}`;
  return dice.pick<readonly string[]>([
    [result(own, `{"content":[]}`)],
    [result(own, `{"content":[]}`), result(own, `{"content":[1]}`)],
    [],
    [result("77", `{"content":[]}`)],
    ["Loading…", result(own, `{"a":1,"a":2}`)],
    [result(own, `{"resultType":"task","taskId":"t"}`)],
    [result(own, `{"task":{"taskId":"t","status":"working"}}`)],
    [`{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"t","status":"completed","result":{}}}`],
    [result(own, `{"resultType":"input_required","requestState":"s"}`)],
    [`{"jsonrpc":"2.0","id":${own},"error":{"code":-1,"message":"no"}}`],
    [result(own, `{"text":"\\ud800","deep":${"[".repeat(1_200)}${"]".repeat(1_200)}}`)],
  ]);
}
