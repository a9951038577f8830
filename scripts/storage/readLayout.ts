import { readFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, relative, sep } from "node:path";

const root = join(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);

/** One member of a struct: where it lies, counted from the struct's own beginning, and its type. */
export interface StorageMember {
  readonly label: string;
  readonly slot: string;
  readonly offset: number;
  readonly type: string;
}

/** Every struct that a registry keeps, by name; those that begin at an ERC-7201 namespace are named after it. */
export type StorageLayout = Readonly<Record<string, readonly StorageMember[]>>;

interface SolcType {
  readonly label: string;
  readonly members?: readonly StorageMember[];
}

interface SolcOutput {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[];
  readonly contracts: Readonly<
    Record<
      string,
      Record<string, { readonly storageLayout: { storage: StorageMember[]; types: Record<string, SolcType> | null } }>
    >
  >;
}

/**
 * The layout of what lies behind the proxies, by the compiler. It reports only variables, and namespaced storage has none;
 * so a contract with one variable of each namespace's struct is compiled along.
 * @throws Error with the compiler's words
 */
export async function readStorageLayout(folder = join(root, "contracts")): Promise<StorageLayout> {
  const sources = await readSources(folder);
  const namespaces = Object.entries(sources).flatMap(([path, text]) => namespacesOf(path, text));
  const probe = namespaces.map(({ path, contract, struct }, i) => {
    const imported = `import {${contract} as Owner${i}} from "${path}";`;
    return `${imported}\ncontract Probe${i} { Owner${i}.${struct} kept; }`;
  });
  const output = compile({ ...sources, "probe.sol": `pragma solidity ^0.8.28;\n${probe.join("\n")}\n` });
  const layout: Record<string, readonly StorageMember[]> = {};
  for (const [i, { name }] of namespaces.entries()) {
    const found = output.contracts["probe.sol"]?.[`Probe${i}`]?.storageLayout;
    const types = found?.types ?? {};
    const top = types[found?.storage[0]?.type ?? ""];
    if (!top?.members) throw new Error(`the compiler says nothing of ${name}`);
    layout[name] = membersOf(top.members, types);
    for (const type of Object.values(types)) {
      if (type !== top && type.members) layout[type.label] = membersOf(type.members, types);
    }
  }
  return Object.fromEntries(Object.entries(layout).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function membersOf(members: readonly StorageMember[], types: Readonly<Record<string, SolcType>>): StorageMember[] {
  return members.map(({ label, slot, offset, type }) => ({ label, slot, offset, type: types[type]?.label ?? type }));
}

interface Namespace {
  readonly name: string;
  readonly path: string;
  readonly contract: string;
  readonly struct: string;
}

/** The structs that a source marks with `@custom:storage-location erc7201:…`. */
export function namespacesOf(path: string, source: string): readonly Namespace[] {
  const found = source.matchAll(/@custom:storage-location (erc7201:[A-Za-z0-9_.]+)\s+struct ([A-Za-z0-9_]+)/g);
  const contract = /^\s*(?:abstract )?contract ([A-Za-z0-9_]+)/m.exec(source)?.[1];
  return [...found].map(([, name = "", struct = ""]) => {
    if (!contract) throw new Error(`${path} keeps ${name} outside of a contract`);
    return { name, path, contract, struct };
  });
}

async function readSources(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".sol"));
  const read = names.map(async (name) => {
    const path = join(folder, name);
    return [`contracts/${relative(folder, path).replaceAll(sep, "/")}`, await readFile(path, "utf8")] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

function compile(sources: Readonly<Record<string, string>>): SolcOutput {
  const solc = require("solc") as {
    compile(input: string, callbacks: { import(path: string): { contents: string } | { error: string } }): string;
  };
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(Object.entries(sources).map(([path, content]) => [path, { content }])),
    settings: { evmVersion: "cancun", outputSelection: { "*": { "*": ["storageLayout"] } } },
  };
  const importFile = (path: string) => {
    try {
      return { contents: readFileSync(require.resolve(path), "utf8") };
    } catch {
      return { error: `${path} is not installed` };
    }
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importFile })) as SolcOutput;
  const faults = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (faults.length > 0) throw new Error(faults.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return output;
}
