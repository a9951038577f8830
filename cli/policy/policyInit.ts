import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { type Command, Option } from "commander";
import { parse } from "yaml";

import { actNameOfTool } from "../../adapters/acts/actName.ts";
import { startingPolicy } from "../../agent/policy/init/startingPolicy.ts";
import { type DescribedTool, toolsOfMcp, toolsOfOpenApi } from "../../agent/policy/init/toolSchemas.ts";
import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { columns } from "../output.ts";

interface Flags extends CommonFlags {
  readonly from: "mcp" | "openapi" | "zod";
  readonly out: string;
  readonly name?: string;
}

export function policyInitCommand(): Command {
  return command(
    "init",
    "Write a policy to start from: the Cedar schema of an agent's tools, their facts, rules, and an example for each. From an MCP " +
      "server (its command after --, its URL, or a file of its tools/list), an OpenAPI description, or a module that exports zod schemas " +
      "by the names of the tools; the module is run.",
    "local",
    [
      "affiant policy init --from mcp --out policy -- node server.js",
      "affiant policy init --from openapi --out policy openapi.yaml",
      "affiant policy init --from zod --out policy tools.ts",
    ],
  )
    .argument("<source...>", "a file, a URL of an MCP server, or its command after --")
    .addOption(
      new Option("--from <kind>", "what the source is").choices(["mcp", "openapi", "zod"]).makeOptionMandatory(),
    )
    .requiredOption("--out <folder>", "where to write it; must not hold a policy yet")
    .option("--name <name>", "the policy's name (default: the folder's)")
    .action(
      run<Flags, [readonly string[]]>(async (_session, { from, out, name = basename(resolve(out)) }, source) => {
        if (existsSync(join(out, "bundle.yaml"))) {
          throw new AffiantError("ERR_INPUT_FILE", `${out} holds a policy already`);
        }
        const tools = await readers[from](source);
        if (tools.length === 0) throw new AffiantError("ERR_INPUT_FILE", `${source.join(" ")} tells of no tool`);
        const called = name
          .toLowerCase()
          .replaceAll(/[^a-z0-9.-]+/g, "-")
          .replace(/^[.-]+/, "")
          .slice(0, 64);
        const { files, leftOut } = startingPolicy(called === "" ? "policy" : called, tools, actNameOfTool);
        await mkdir(out, { recursive: true });
        for (const [file, text] of Object.entries(files)) await writeFile(join(out, file), text, { flag: "wx" });
        // What was written is read back: a policy to start from must be one.
        await loadPolicyBundle(out);
        return {
          data: { folder: out, acts: tools.map((tool) => actNameOfTool(tool.name)), leftOut },
          lines: [
            ...columns([
              ["policy", out],
              ["acts", tools.length],
            ]),
            ...(leftOut.length === 0 ? [] : ["no fact holds these as they are; write your own where a rule needs one"]),
            ...leftOut.map((one) => `  ${one}`),
            "",
            `Next: affiant policy test ${out}`,
          ],
        };
      }),
    );
}

type Read = (source: readonly string[]) => Promise<readonly DescribedTool[]>;

const readers: Readonly<Record<Flags["from"], Read>> = {
  mcp: async (source) => {
    const [first = "", ...args] = source;
    if (/^https?:/.test(first)) return askServer(new StreamableHTTPClientTransport(new URL(first)));
    if (args.length > 0 || !existsSync(first) || !/\.(json|ya?ml)$/i.test(first)) {
      return askServer(new StdioClientTransport({ command: first, args, stderr: "inherit" }));
    }
    return toolsOfMcp(await readYaml(first)) ?? refuse(`${first} is no list of tools`);
  },
  openapi: async ([file = ""]) =>
    toolsOfOpenApi(await readYaml(file)) ?? refuse(`${file} is no description in OpenAPI 3`),
  zod: async ([file = ""]) => toolsOfModule(resolve(file)),
};

async function askServer(transport: Parameters<Client["connect"]>[0]) {
  const client = new Client({ name: "affiant policy init", version: "1" }, { versionNegotiation: { mode: "auto" } });
  try {
    await client.connect(transport);
    return toolsOfMcp(await client.listTools()) ?? [];
  } catch (cause) {
    throw new AffiantError("ERR_UNAVAILABLE_MCP", "the server does not tell of its tools", { cause });
  } finally {
    await client.close();
  }
}

async function readYaml(file: string): Promise<unknown> {
  try {
    return parse(await readFile(file, "utf8"), { schema: "core" }) as unknown;
  } catch (cause) {
    return refuse(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

interface ZodModule {
  readonly toJSONSchema?: (schema: unknown, options: object) => unknown;
}

/** Exported schemas, by the names of their exports; a default export or an object of schemas may hold them as well. */
async function toolsOfModule(file: string): Promise<readonly DescribedTool[]> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    return refuse(`${file} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  const named = Object.entries(exported).flatMap(([name, value]) =>
    isSchema(value) || typeof value !== "object" || value === null ? [[name, value] as const] : Object.entries(value),
  );
  const schemas = named.filter(([, value]) => isSchema(value));
  const candidates = [await importFrom(file, "zod"), await importFrom(file, "zod/v4")];
  const zod = candidates.find((one) => one?.toJSONSchema !== undefined);
  return schemas.map(([name, schema]) => {
    if (zod?.toJSONSchema === undefined)
      return refuse("the zod beside the module writes no JSON Schema: it takes version 4");
    return { name, inputSchema: zod.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
  });
}

/** zod 3 and 4 mark their schemas so (Standard Schema). */
function isSchema(value: unknown): boolean {
  return (value as { "~standard"?: { vendor?: unknown } } | null | undefined)?.["~standard"]?.vendor === "zod";
}

async function importFrom(file: string, name: string): Promise<ZodModule | undefined> {
  try {
    const module = (await import(pathToFileURL(createRequire(file).resolve(name)).href)) as ZodModule & {
      z?: ZodModule;
    };
    return module.toJSONSchema === undefined ? module.z : module;
  } catch {
    return undefined;
  }
}

function refuse(message: string): never {
  throw new AffiantError("ERR_INPUT_FILE", message);
}
