import { type Ancestors, type AstNode, SourceText, walk } from "./ast.ts";
import type { Edit } from "./edits.ts";
import type { Mutant } from "./mutant.ts";
import { solidityEdits } from "./solidityEdits.ts";
import { yulEdits } from "./yulEdits.ts";

/**
 * Every mutant of a source, in the order of the text: one operator, condition, statement, modifier or literal is another.
 * @param file as the compiler knows it. @param ast of that source, analysed (`stopAfter` would leave out what modifiers are)
 */
export function mutantsOf(file: string, text: string, ast: AstNode): readonly Mutant[] {
  const source = new SourceText(file, text);
  const found: { edit: Edit; place: string }[] = [];
  walk(ast, (node, ancestors) => {
    if (isDeclarationOnly(ancestors)) return;
    const edits = node.nodeType.startsWith("Yul") ? yulEdits(node, source) : solidityEdits(node, ancestors, source);
    for (const edit of edits) found.push({ edit, place: placeOf(ancestors) });
  });
  return found
    .sort((a, b) => a.edit.start - b.edit.start || a.edit.end - b.edit.end)
    .map(({ edit, place }) => ({
      file,
      line: source.lineOf(edit.start),
      place,
      kind: edit.kind,
      change: changeOf(source, edit),
      text: source.replaced(edit.start, edit.end, edit.by),
    }));
}

/** What an interface, an event or an error declares is another format, not another behaviour: it would not compile. */
function isDeclarationOnly(ancestors: Ancestors): boolean {
  return ancestors.some(
    (node) =>
      (node.nodeType === "ContractDefinition" && node["contractKind"] === "interface") ||
      ["EventDefinition", "ErrorDefinition", "ArrayTypeName"].includes(node.nodeType),
  );
}

function placeOf(ancestors: Ancestors): string {
  const contract = ancestors.find(({ nodeType }) => nodeType === "ContractDefinition");
  const inside = ancestors.find(({ nodeType }) => ["FunctionDefinition", "ModifierDefinition"].includes(nodeType));
  const name = inside && (inside.name !== "" ? inside.name : inside.kind);
  return [contract?.name, name].filter((part) => part !== undefined).join(".");
}

function changeOf(source: SourceText, { start, end, by }: Edit): string {
  const { before, after } = source.aroundOnItsLines(start, end);
  const original = source.slice(start, end).trim() || "∅";
  return `${before}⟦${original} → ${by.trim() || "∅"}⟧${after}`.replace(/\s+/g, " ").trim();
}
