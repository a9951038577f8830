/**
 * The SDK's public surface as text, a line for each thing that users may rely on: a change of it is a decision that is
 * seen in review. `npm run generate` writes it to `snapshots/sdk-surface.txt`.
 */
import { join } from "node:path";

import ts from "typescript";

const root = join(import.meta.dirname, "../..");
// `index` and `browser` are all of these together.
const entries = ["agent", "ai", "auditor", "langchain", "mastra", "openai-agents", "protocol"];
const { NoTruncation, UseAliasDefinedOutsideCurrentScope, InTypeAlias } = ts.TypeFormatFlags;
const format = NoTruncation | UseAliasDefinedOutsideCurrentScope;
const { Alias, Class, Interface, TypeAlias, Optional } = ts.SymbolFlags;

export function sdkSurface(): string {
  const folder = join(root, "sdk");
  const file = ts.readConfigFile(join(folder, "tsconfig.json"), (path) => ts.sys.readFile(path)) as { config: unknown };
  const { fileNames, options } = ts.parseJsonConfigFileContent(file.config, ts.sys, folder);
  const program = ts.createProgram(fileNames, options);
  const checker = program.getTypeChecker();
  const lines = entries.flatMap((entry) => {
    const source = program.getSourceFile(join(folder, `${entry}.ts`));
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`sdk/${entry}.ts exports nothing`);
    const symbols = checker.getExportsOfModule(module).sort((a, b) => (a.name < b.name ? -1 : 1));
    return symbols.flatMap((symbol) => linesOf(entry, symbol, checker));
  });
  return `${lines.join("\n")}\n`;
}

function linesOf(entry: string, exported: ts.Symbol, checker: ts.TypeChecker): readonly string[] {
  const symbol = exported.flags & Alias ? checker.getAliasedSymbol(exported) : exported;
  const name = `${entry}: ${exported.name}`;
  if (symbol.flags & (Class | Interface)) {
    return [name, ...membersOf(symbol, checker).map((member) => `${name}.${member}`)];
  }
  if (symbol.flags & TypeAlias) {
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    if (isCode(type)) return [name, ...type.types.map((one) => `${name} ${checker.typeToString(one)}`).sort()];
    return [`${name} = ${textOf(type, checker, InTypeAlias)}`];
  }
  return [`${name}: ${textOf(checker.getTypeOfSymbol(symbol), checker)}`];
}

/** Unions of stable codes, which are listed once and else called by name. */
function isCode(type: ts.Type): type is ts.UnionType {
  return type.isUnion() && type.types.length > 20 && type.types.every((one) => one.isStringLiteral());
}

function textOf(type: ts.Type, checker: ts.TypeChecker, flags: ts.TypeFormatFlags = 0): string {
  const text = checker.typeToString(type, undefined, format | flags);
  return text.replaceAll(/"(ERR|AUDIT)_[A-Z_]+"(?: \| "\1_[A-Z_]+"){20,}/g, (_, kind) =>
    kind === "ERR" ? "ErrorCode" : "AuditCode",
  );
}

/** Public members of a class or interface. What a class takes from the language (Error's members) is not ours to pin. */
function membersOf(symbol: ts.Symbol, checker: ts.TypeChecker): readonly string[] {
  const isOurs = ({ name, declarations = [] }: ts.Symbol): boolean =>
    !name.startsWith("#") && declarations.some((declared) => !declared.getSourceFile().isDeclarationFile);
  const text = (member: ts.Symbol): string => {
    return `${member.name}${member.flags & Optional ? "?" : ""}: ${textOf(checker.getTypeOfSymbol(member), checker)}`;
  };
  const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties().filter(isOurs).map(text);
  if (!(symbol.flags & Class)) return members.sort();
  const itself = checker.getTypeOfSymbol(symbol);
  const constructors = itself
    .getConstructSignatures()
    .map(({ parameters }) => `new (${parameters.map(text).join(", ")})`);
  const statics = itself
    .getProperties()
    .filter(isOurs)
    .map((member) => `static ${text(member)}`);
  return [...constructors, ...statics, ...members].sort();
}
