import { type AstNode, isNode, walk } from "../mutation/mutants/ast.ts";

/** What a function does, itself or by what it calls in its own contract. */
export interface Effects {
  /** It looks at who calls. */
  readonly asksWhoCalls: boolean;
  /** It checks a signature. */
  readonly checksSignature: boolean;
  readonly emits: boolean;
  /** Calls into other code that may change state: `delegatecall`, or `IRegistry.write`. */
  readonly leaves: readonly string[];
  /** What it reads of the block or the transaction, such as `block.timestamp`. */
  readonly environment: readonly string[];
}

/** Every function and modifier of a compilation, and who calls whom. */
export class CallGraph {
  readonly #byId = new Map<number, AstNode>();

  /** @param asts analysed, of all sources that were compiled together */
  constructor(asts: Iterable<AstNode>) {
    for (const ast of asts) walk(ast, (node) => void this.#byId.set(node["id"] as number, node));
  }

  /** The contracts that can be deployed, of these sources. */
  deployable(isOurs: (ast: AstNode) => boolean): readonly AstNode[] {
    return [...this.#byId.values()].filter(
      (node) =>
        node.nodeType === "ContractDefinition" &&
        node["contractKind"] === "contract" &&
        !node["abstract"] &&
        isOurs(node),
    );
  }

  /** Functions that outsiders can call and that may change state, those of bases among them, overridden ones not. */
  writesOf(contract: AstNode): readonly AstNode[] {
    const found = new Map<string, AstNode>();
    for (const node of this.#functionsOf(contract)) {
      const isOpen = ["external", "public"].includes(node["visibility"] as string) && node.kind !== "constructor";
      const key = `${node.name ?? ""}/${parameterCount(node)}/${node.kind ?? ""}`;
      if (isOpen && !found.has(key)) found.set(key, node);
    }
    return [...found.values()].filter((node) => !["view", "pure"].includes(node["stateMutability"] as string));
  }

  effectsOf(definition: AstNode, contract: AstNode): Effects {
    const seen = new Set<AstNode>();
    const [leaves, environment] = [new Set<string>(), new Set<string>()];
    const flags = { asksWhoCalls: false, checksSignature: false, emits: false };
    const enter = (within: AstNode): void => {
      if (seen.has(within)) return;
      seen.add(within);
      walk(within, (node) => {
        if (node.nodeType === "EmitStatement") flags.emits = true;
        const read = environmentRead(node);
        if (read === "msg.sender") flags.asksWhoCalls = true;
        else if (read !== undefined) environment.add(read);
        const left = leaving(node);
        if (left !== undefined) leaves.add(left);
        for (const called of this.#calledBy(node, contract)) {
          if (/^(isValid|recover|tryRecover|isValidSignatureNow)/.test(called.name ?? "")) flags.checksSignature = true;
          enter(called);
        }
      });
    };
    enter(definition);
    return { ...flags, leaves: [...leaves].sort(), environment: [...environment].sort() };
  }

  /** The definitions behind a call or a modifier: for a virtual one, what the contract makes of it. */
  #calledBy(node: AstNode, contract: AstNode): readonly AstNode[] {
    const named =
      node.nodeType === "FunctionCall"
        ? node["expression"]
        : node.nodeType === "ModifierInvocation"
          ? node["modifierName"]
          : undefined;
    if (!isNode(named) || /^t_function_(external|bare)/.test(typeOf(named))) return [];
    const definition = this.#byId.get(named["referencedDeclaration"] as number);
    if (!definition || !["FunctionDefinition", "ModifierDefinition"].includes(definition.nodeType)) return [];
    const isSuper = isNode(named["expression"]) && named["expression"].name === "super";
    const own = this.#functionsOf(contract).find(
      (other) => other.name === definition.name && parameterCount(other) === parameterCount(definition),
    );
    return definition["virtual"] && own && !isSuper ? [own] : [definition];
  }

  /** The contract itself and its bases, the most derived first. */
  basesOf(contract: AstNode): readonly AstNode[] {
    const ids = contract["linearizedBaseContracts"] as readonly number[];
    return ids.map((id) => this.#byId.get(id)).filter((base) => base !== undefined);
  }

  #functionsOf(contract: AstNode): readonly AstNode[] {
    return this.basesOf(contract).flatMap((base) =>
      (base["nodes"] as readonly AstNode[]).filter(
        ({ nodeType, implemented }) => nodeType === "FunctionDefinition" && implemented === true,
      ),
    );
  }
}

function parameterCount(definition: AstNode): number {
  return ((definition["parameters"] as AstNode)["parameters"] as readonly unknown[]).length;
}

function typeOf(node: AstNode): string {
  return (node["typeDescriptions"] as { typeIdentifier?: string } | undefined)?.typeIdentifier ?? "";
}

function environmentRead(node: AstNode): string | undefined {
  const base = node["expression"];
  if (node.nodeType === "MemberAccess" && isNode(base) && /^t_magic_(block|message|transaction)/.test(typeOf(base))) {
    const name = `${base.name ?? ""}.${String(node["memberName"])}`;
    return ["msg.data", "msg.sig", "block.number"].includes(name) ? undefined : name;
  }
  const called = node.nodeType === "FunctionCall" ? node["expression"] : undefined;
  return isNode(called) && ["blockhash", "gasleft", "selfdestruct"].includes(called.name ?? "")
    ? called.name
    : undefined;
}

/** A call that hands control to other code, unless that code can only read. */
function leaving(node: AstNode): string | undefined {
  if (node.nodeType === "YulFunctionCall") {
    const { name = "" } = node["functionName"] as AstNode;
    return ["call", "callcode", "delegatecall", "create", "create2", "selfdestruct"].includes(name) ? name : undefined;
  }
  const called = node.nodeType === "FunctionCall" ? node["expression"] : undefined;
  if (!isNode(called)) return undefined;
  if (called.nodeType === "NewExpression" && /^t_function_creation/.test(typeOf(called))) return "new";
  const [, kind, mutability] = /^t_function_(external|bare[a-z]+)_([a-z]+)/.exec(typeOf(called)) ?? [];
  if (kind === undefined || mutability === "view" || mutability === "pure") return undefined;
  return String(called["memberName"] ?? called.name ?? kind);
}
