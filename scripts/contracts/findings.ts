import { type AstNode, isNode, walk } from "../mutation/mutants/ast.ts";
import type { CallGraph, Effects } from "./callGraph.ts";

/** Something that a reviewer has to have looked at. */
export interface Finding {
  readonly rule: Rule;
  /** `Contract.function`, or the contract alone. */
  readonly place: string;
  readonly detail: string;
}

export const rules = {
  "open-to-all": "changes state, and neither asks who calls nor checks a signature",
  "hands-over-control": "calls code that may call back or change this contract's state",
  "reads-environment": "depends on what a block producer or a caller chooses",
  "silent-write": "changes state without an event",
  "initializer-unguarded": "`initialize` can be called twice, or on the implementation itself",
  "unnamespaced-storage": "keeps a variable outside of its ERC-7201 namespace, which an upgrade may overlay",
  "packed-dynamic": "hashes two values of variable length side by side, so that different ones can collide",
} as const;
export type Rule = keyof typeof rules;

/** Findings of contracts that can be deployed: what the usual static analysers ask, by the compiler's own tree. */
export function findingsIn(graph: CallGraph, isOurs: (ast: AstNode) => boolean): readonly Finding[] {
  return graph.deployable(isOurs).flatMap((contract) => {
    const name = contract.name ?? "";
    const ofWrites = graph.writesOf(contract).flatMap((write) => {
      const place = `${name}.${write.name !== "" ? write.name : write.kind}`;
      return ofWrite(place, graph.effectsOf(write, contract));
    });
    return [...ofWrites, ...ofUpgrades(contract, graph), ...ofHashes(contract, graph)];
  });
}

function ofWrite(place: string, effects: Effects): readonly Finding[] {
  const found: Finding[] = [];
  if (!effects.asksWhoCalls && !effects.checksSignature) found.push({ rule: "open-to-all", place, detail: "" });
  if (!effects.emits) found.push({ rule: "silent-write", place, detail: "" });
  for (const detail of effects.leaves) found.push({ rule: "hands-over-control", place, detail });
  for (const detail of effects.environment) found.push({ rule: "reads-environment", place, detail });
  return found;
}

/** Only contracts with `initialize` live behind a proxy. */
function ofUpgrades(contract: AstNode, graph: CallGraph): readonly Finding[] {
  const initialize = graph.writesOf(contract).find(({ name }) => name === "initialize");
  if (!initialize) return [];
  const name = contract.name ?? "";
  const found: Finding[] = [];
  const isOnce = (initialize["modifiers"] as readonly AstNode[]).some(
    ({ modifierName }) => (modifierName as AstNode).name === "initializer",
  );
  const constructors = graph
    .basesOf(contract)
    .flatMap((base) => childrenOf(base).filter(({ kind }) => kind === "constructor"));
  if (!isOnce || !constructors.some((constructor) => calls(constructor, "_disableInitializers"))) {
    found.push({ rule: "initializer-unguarded", place: `${name}.initialize`, detail: "" });
  }
  for (const variable of graph.basesOf(contract).flatMap(childrenOf)) {
    const isKept = variable.nodeType === "VariableDeclaration" && variable["mutability"] === "mutable";
    if (isKept) found.push({ rule: "unnamespaced-storage", place: name, detail: variable.name ?? "" });
  }
  return found;
}

function ofHashes(contract: AstNode, graph: CallGraph): readonly Finding[] {
  const found: Finding[] = [];
  for (const base of graph.basesOf(contract)) {
    walk(base, (node) => {
      const called = node.nodeType === "FunctionCall" ? node["expression"] : undefined;
      if (!isNode(called) || called["memberName"] !== "encodePacked") return;
      const dynamic = (node["arguments"] as readonly AstNode[]).filter(({ typeDescriptions }) =>
        /^t_(bytes|string)_|^t_array.*dyn/.test((typeDescriptions as { typeIdentifier: string }).typeIdentifier),
      );
      if (dynamic.length > 1)
        found.push({ rule: "packed-dynamic", place: contract.name ?? "", detail: base.name ?? "" });
    });
  }
  return found;
}

function childrenOf(contract: AstNode): readonly AstNode[] {
  return contract["nodes"] as readonly AstNode[];
}

function calls(within: AstNode, name: string): boolean {
  let found = false;
  walk(within, (node) => {
    const called = node.nodeType === "FunctionCall" ? node["expression"] : undefined;
    if (isNode(called) && called.name === name) found = true;
  });
  return found;
}
