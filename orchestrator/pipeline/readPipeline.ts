import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { type Document, LineCounter, parseDocument } from "yaml";

import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Pipeline, type PipelineAgent } from "./pipeline.ts";

type Path = readonly (string | number)[];

const namePattern = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Reads a pipeline descriptor strictly; paths in it are relative to its folder.
 * @throws AffiantError ERR_INPUT_PIPELINE naming file, line and field
 */
export function readPipeline(path: string): Pipeline {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_PIPELINE", `the pipeline descriptor ${path} cannot be read`, { cause });
  }
  return new Reader(path, text).read();
}

class Reader {
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true });
    const [error] = this.#document.errors;
    if (error) this.#fail(error.linePos?.[0].line, error.message.split("\n")[0]?.replace(/ at line \d+.*$/, "") ?? "");
  }

  read(): Pipeline {
    this.#keys([], ["format", "name", "agents"]);
    if (this.#value(["format"]) !== "affiant-pipeline/1") this.#failAt(["format"], "is not affiant-pipeline/1");
    const agents = this.#value(["agents"]);
    if (!Array.isArray(agents) || agents.length === 0) this.#failAt(["agents"], "is not a list of at least one agent");
    const read = (agents as unknown[]).map((_, index) => this.#agent(index));
    read.forEach(({ name }, index) => {
      if (read.findIndex((other) => other.name === name) !== index) {
        this.#failAt(["agents", index, "name"], `is taken by an agent before it: ${name}`);
      }
    });
    return { format: "affiant-pipeline/1", name: this.#name(["name"]), agents: read };
  }

  #agent(index: number): PipelineAgent {
    const at = (key: string): Path => ["agents", index, key];
    this.#keys(["agents", index], ["name", "role", "program", "policy"]);
    const role = this.#value(at("role"));
    if (typeof role !== "string" || role.length === 0 || role.length > 120) {
      this.#failAt(at("role"), "is not a text of 1 to 120 characters");
    }
    return {
      name: this.#name(at("name")),
      role: role as string,
      program: this.#path(at("program"), ""),
      policy: this.#path(at("policy"), "bundle.yaml"),
    };
  }

  #name(path: Path): string {
    const value = this.#value(path);
    if (typeof value !== "string" || !namePattern.test(value)) {
      this.#failAt(path, "is not a name of 1 to 32 of a-z 0-9 -, beginning with a letter");
    }
    return value as string;
  }

  #path(path: Path, mustContain: string): string {
    const value = this.#value(path);
    if (typeof value !== "string" || value === "") this.#failAt(path, "is not a path");
    const absolute = resolve(dirname(this.#file), value as string);
    if (!existsSync(join(absolute, mustContain))) this.#failAt(path, `names nothing that is there: ${absolute}`);
    return absolute;
  }

  #keys(path: Path, keys: readonly string[]): void {
    const value = this.#value(path);
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.#failAt(path, "is not a mapping");
    for (const key of keys) if (!Object.hasOwn(value as object, key)) this.#failAt(path, `lacks ${key}`);
    const unknown = Object.keys(value as object).find((key) => !keys.includes(key));
    if (unknown !== undefined) this.#failAt([...path, unknown], "is not a known field");
  }

  #value(path: Path): unknown {
    const node = this.#document.getIn(path);
    return typeof node === "object" && node !== null && "toJSON" in node
      ? (node as { toJSON: () => unknown }).toJSON()
      : node;
  }

  #failAt(path: Path, problem: string): never {
    const node = this.#document.getIn(path, true) as { range?: readonly number[] } | undefined;
    const offset = node?.range?.[0];
    const where = path.length === 0 ? "the descriptor" : path.join(".");
    this.#fail(offset === undefined ? undefined : this.#lines.linePos(offset).line, `${where} ${problem}`);
  }

  #fail(line: number | undefined, problem: string): never {
    throw new AffiantError("ERR_INPUT_PIPELINE", `${this.#file}${line === undefined ? "" : `:${line}`}: ${problem}`, {
      details: line === undefined ? {} : { line },
    });
  }
}
