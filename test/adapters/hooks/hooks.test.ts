import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer as createSocketServer, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { claudeCodeWarning, hookProgram, hookSettings, mergedSettings } from "../../../adapters/hooks/hookSettings.ts";
import { thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { type LocalService, localService } from "../service/localService.ts";

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command as coding agents run their hooks: by a shell, the payload on standard input. */
async function shell(command: string, payload: unknown, env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const child = spawn("/bin/sh", ["-c", command], { env });
  child.stdin.on("error", () => undefined).end(typeof payload === "string" ? payload : JSON.stringify(payload));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, stdout, stderr };
}

// Fields as the coding agents' references have them.
const common = { session_id: "s-1", transcript_path: "/t.jsonl", cwd: "/work", permission_mode: "default" };
const bash = { tool_name: "Bash", tool_input: { command: "ls", description: "list" } };
const pre = (more: object) => ({ ...common, hook_event_name: "PreToolUse", ...bash, tool_use_id: "toolu_1", ...more });
const post = (more: object) => ({
  ...common,
  hook_event_name: "PostToolUse",
  ...bash,
  tool_use_id: "toolu_1",
  tool_response: { stdout: "a\n", stderr: "", interrupted: false },
  ...more,
});

describe("adapters/hooks: coding agents", () => {
  const folder = tempFolders();
  let at: LocalService;
  beforeEach(async () => (at = await localService(await folder())));
  afterEach(() => at.close());

  const commandFor = (event: string, tool: Parameters<typeof hookSettings>[0] = "claude-code", socket = at.socket) =>
    hookSettings(tool, socket)[event]?.[0]?.hooks[0]?.command ?? "exit 99";
  const hook = (payload: { hook_event_name: string }, tool: Parameters<typeof hookSettings>[0] = "claude-code") =>
    shell(commandFor(payload.hook_event_name, tool), payload);

  it("claims a shell call before, and enters it after", async () => {
    expect(await hook(pre({}))).to.deep.equal({ code: 0, stdout: "", stderr: "" });
    expect(at.local.entries()).to.deep.equal([]);
    expect((await hook(post({}))).code).to.equal(0);
    const [entry] = at.local.entries();
    expect(entry).to.deep.include({ act: "Bash", kind: "act", thread: "s-1", input: bash.tool_input });
    expect(entry?.output).to.deep.equal({ stdout: "a\n", stderr: "", interrupted: false });
    expect(at.local.agent.journal.byIdempotencyKey("toolu_1")?.seq).to.equal(0);
  });

  it("blocks what the policy forbids with exit code 2 and the reason, and enters the refusal", async () => {
    const ran = await hook(pre({ tool_name: "wipe", tool_input: {} }));
    expect(ran.code).to.equal(2);
    expect(ran.stderr).to.contain("Never wipe").and.to.contain("ERR_AUTH_POLICY");
    expect(at.local.entries().map(({ kind }) => kind)).to.deep.equal(["refusal"]);
  });

  it("gives a call of MCP, of a subagent, a failed one and one that was denied their outcomes", async () => {
    const mcp = { tool_name: "mcp__mail__send", tool_input: { to: "ada" }, tool_use_id: "m" };
    const sub = { agent_id: "a-1", agent_type: "Explore", tool_use_id: "sub" };
    const [failed, denied] = [{ tool_use_id: "f" }, { tool_use_id: "d" }];
    for (const more of [mcp, sub, failed, denied]) expect((await hook(pre(more))).code).to.equal(0);
    await hook(post({ ...mcp, tool_response: "sent" }));
    await hook(post(sub));
    await hook({ ...pre(failed), hook_event_name: "PostToolUseFailure", ...{ error: "exit 1", is_interrupt: false } });
    await hook({ ...pre(denied), hook_event_name: "PermissionDenied", ...{ reason: "too risky" } });
    expect(at.local.entries().map(({ act, output }) => [act, output])).to.deep.equal([
      ["mcp__mail__send", "sent"],
      ["Bash", { stdout: "a\n", stderr: "", interrupted: false }],
      ["Bash", { error: "exit 1" }],
      ["Bash", { notDone: "permission was denied", reason: "too risky" }],
    ]);
    expect(at.local.entries()[1]?.context).to.deep.include({ subagent: "a-1" });
  });

  it("enters a call as unknown whose outcome does not come before its turn, its subagent or its session ends", async () => {
    const ends = [
      ["turn", {}, { hook_event_name: "Stop" }],
      ["subagent", { agent_id: "a" }, { hook_event_name: "SubagentStop", agent_id: "a" }],
      ["session", { agent_id: "b" }, { hook_event_name: "SessionEnd" }],
    ] as const;
    for (const [of, more, end] of ends) {
      await hook(pre({ ...more, tool_use_id: of }));
      expect((await hook({ ...common, ...end })).code).to.equal(0);
      expect(at.local.entries().at(-1)?.output).to.deep.equal({
        outcome: "unknown",
        why: `no outcome came before the ${of} ended`,
      });
    }
    // Of another session nothing ends.
    await hook(pre({ session_id: "s-2", tool_use_id: "other" }));
    await hook({ ...common, ...{ hook_event_name: "SessionEnd" } });
    expect(at.service.openActs.size).to.equal(1);
  });

  it("says what was done where that is not what was judged", async () => {
    await hook(pre({}));
    await hook(post({ tool_input: { command: "ls -a" } }));
    expect(at.local.entries()[0]?.context).to.deep.include({ executedInput: { command: "ls -a" } });
  });

  it("enters a call that nobody asked about before, and lets no call be made twice", async () => {
    await hook(post({}));
    expect(at.local.entries()[0]?.context).to.deep.include({ unclaimed: true });
    expect((await hook(pre({}))).stderr).to.contain("ERR_CONFLICT_REPLAY");
  });

  it("does the same for Codex, and for Gemini CLI, which gives its calls no id", async () => {
    const codex = { model: "gpt-5", turn_id: "t-1", tool_input: { command: "ls" } };
    expect((await hook(pre(codex), "codex")).code).to.equal(0);
    expect((await hook(post({ ...codex, tool_response: "a\n" }), "codex")).code).to.equal(0);
    const gemini = { ...common, timestamp: "2026-11-30T00:00:00Z", tool_name: "run_shell_command" };
    const call = { tool_input: { command: "ls" } };
    const before = { ...gemini, ...call, hook_event_name: "BeforeTool" };
    expect(await hook(before, "gemini-cli")).to.deep.equal({ code: 0, stdout: "{}\n", stderr: "" });
    await hook(before, "gemini-cli");
    for (const llmContent of ["one", "two"]) {
      await hook(
        { ...gemini, ...call, hook_event_name: "AfterTool", ...{ tool_response: { llmContent } } },
        "gemini-cli",
      );
    }
    expect(at.local.entries().map(({ act, output }) => [act, output])).to.deep.equal([
      ["Bash", "a\n"],
      ["run_shell_command", { llmContent: "one" }],
      ["run_shell_command", { llmContent: "two" }],
    ]);
  });

  describe("when something fails, the call is blocked", () => {
    const servers: Server[] = [];
    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
    });

    /** A service that answers each request with these bytes, and then hangs up if it is to. */
    async function answering(bytes: string, end = true): Promise<string> {
      const socket = join(await folder(), "s");
      const server = createSocketServer((connection) => {
        connection.on("error", () => undefined);
        connection.once("data", () => (end ? connection.end(bytes) : connection.write(bytes)));
      });
      servers.push(server);
      await once(server.listen(socket), "listening");
      return socket;
    }
    const ok = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

    const cases: readonly (readonly [name: string, socket: () => Promise<string>])[] = [
      ["the service is down", () => Promise.resolve("/nowhere/s")],
      ["the service dies within its answer", () => answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nal")],
      ["the service hangs up", () => answering("")],
      ["the answer is empty", () => answering(ok(""))],
      ["the answer says more than allow", () => answering(ok("allow all\n"))],
      ["the answer is a problem", () => answering(ok('{"code":"ERR_INTERNAL_UNEXPECTED"}'))],
      ["the answer is no HTTP", () => answering("allow\n")],
    ];
    for (const [name, socket] of cases) {
      it(name, async () => {
        const where = await socket();
        const ran = await shell(commandFor("PreToolUse", "claude-code", where), pre({}));
        expect(ran.code).to.equal(2);
        expect(ran.stderr).to.contain("affiant: ");
        // At the end of a turn a 2 would keep the turn going.
        expect((await shell(commandFor("Stop", "claude-code", where), common)).code).to.equal(0);
      });
    }

    it("the service is slow: the hook gives up before the coding agent does", async () => {
      const socket = await answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", false);
      const command = commandFor("PreToolUse", "claude-code", socket).replace(" 10 ||", " 1 ||");
      expect((await shell(command, pre({}))).code).to.equal(2);
      const [handler] = hookSettings("claude-code", socket)["PreToolUse"]?.[0]?.hooks ?? [];
      expect(handler).to.deep.include({ timeout: 30, onFailure: "block" });
    });

    it("the hook is told to end", async () => {
      const socket = await answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n", false);
      // The shell's own kill, once curl waits for the answer.
      const command = commandFor("PreToolUse", "claude-code", socket).replace("|| exit", "& wait $!; exit");
      expect((await shell(command.replace(" 10 &", " 1 &"), pre({}))).code).to.equal(2);
    });

    it("the hook's program is gone, or curl is", async () => {
      const gone = hookSettings("claude-code", at.socket, "/nowhere/affiant-hook.sh")["PreToolUse"]?.[0]?.hooks[0];
      expect((await shell(gone?.command ?? "", pre({}))).code).to.equal(2);
      const ran = await shell(commandFor("PreToolUse"), pre({}), { PATH: "/nowhere" });
      expect(ran.code).to.equal(2);
    });

    it("the payload is none", async () => {
      for (const payload of [
        "",
        "{",
        "[]",
        pre({ session_id: 7 }),
        pre({ tool_input: "ls" }),
        pre({ hook_event_name: "Other" }),
      ]) {
        expect((await shell(commandFor("PreToolUse"), payload)).code, JSON.stringify(payload)).to.equal(2);
      }
      expect(at.local.entries()).to.deep.equal([]);
    });
  });

  describe("settings", () => {
    it("go beside what is there, and take the place of their own", () => {
      const theirs = {
        model: "opus",
        hooks: { PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command: "lint" }] }] },
      };
      const once_ = mergedSettings(JSON.stringify(theirs), hookSettings("claude-code", "/a/s"));
      const twice = JSON.parse(mergedSettings(once_, hookSettings("claude-code", "/b/s"))) as typeof theirs;
      expect(twice.model).to.equal("opus");
      expect(twice.hooks.PreToolUse.map(({ hooks }) => hooks[0]?.command)).to.deep.equal([
        "lint",
        `'${hookProgram}' claude-code '/b/s' call 10 || exit 2`,
      ]);
    });

    it("leave a file alone that is no settings file", () => {
      for (const text of ["{", '{"hooks":[]}', "[1]"]) {
        expect(
          thrownCode(() => mergedSettings(text, hookSettings("codex", "/s"))),
          text,
        ).to.equal("ERR_INPUT_FILE");
      }
    });

    it("warn of versions of Claude Code that let a call through whose hook is killed", () => {
      expect(claudeCodeWarning("2.1.295 (Claude Code)")).to.equal(undefined);
      expect(claudeCodeWarning("3.0.0")).to.equal(undefined);
      expect(claudeCodeWarning("2.1.294 (Claude Code)")).to.contain("2.1.294");
      expect(claudeCodeWarning("1.9.999")).to.contain("1.9.999");
      expect(claudeCodeWarning("")).to.contain("could not be read");
    });
  });
});
