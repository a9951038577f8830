/** A tool, as whoever describes it to a model does. */
export interface DescribedTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of its arguments. */
  readonly inputSchema?: unknown;
  /** Its own word that it destroys something, or changes nothing. */
  readonly isDestructive?: boolean;
  readonly isReadOnly?: boolean;
}

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The answer to MCP's `tools/list`, the message that it came in, or the list itself. Undefined for anything else. */
export function toolsOfMcp(value: unknown): readonly DescribedTool[] | undefined {
  const result = isObject(value) && isObject(value["result"]) ? value["result"] : value;
  const tools = isObject(result) ? result["tools"] : result;
  if (!Array.isArray(tools)) return undefined;
  return tools.flatMap((tool: unknown): DescribedTool[] => {
    if (!isObject(tool) || typeof tool["name"] !== "string") return [];
    const hints = isObject(tool["annotations"]) ? tool["annotations"] : {};
    return [
      {
        name: tool["name"],
        ...(typeof tool["description"] === "string" ? { description: tool["description"] } : {}),
        inputSchema: tool["inputSchema"],
        isDestructive: hints["destructiveHint"] === true,
        isReadOnly: hints["readOnlyHint"] === true,
      },
    ];
  });
}

const methods = ["get", "put", "post", "delete", "patch", "head", "options", "trace"];

/** Each operation of an OpenAPI 3 description: its `operationId`, its parameters, and the members of its JSON body. */
export function toolsOfOpenApi(document: unknown): readonly DescribedTool[] | undefined {
  if (!isObject(document) || typeof document["openapi"] !== "string" || !isObject(document["paths"])) return undefined;
  const resolve = (value: unknown): unknown => pointed(document, value, 16);
  return Object.entries(document["paths"]).flatMap(([path, item]) => {
    if (!isObject(item)) return [];
    return methods.flatMap((method): DescribedTool[] => {
      const operation = item[method];
      if (!isObject(operation)) return [];
      const listed = [item["parameters"], operation["parameters"]].flatMap((list) =>
        Array.isArray(list) ? (list as unknown[]) : [],
      );
      const parameters = listed.map(resolve).filter(isObject);
      const body = resolve(operation["requestBody"]);
      const content = isObject(body) && isObject(body["content"]) ? body["content"] : {};
      const json = Object.entries(content).find(([type]) => /^application\/(.+\+)?json\b/i.test(type))?.[1];
      const schema = resolve(isObject(json) ? json["schema"] : undefined);
      const own = isObject(schema) && isObject(schema["properties"]) ? schema["properties"] : {};
      const named = parameters.map((one) => [String(one["name"]), resolve(one["schema"])] as const);
      const members = [...named, ...Object.entries(own).map(([name, inner]) => [name, resolve(inner)] as const)];
      const id = operation["operationId"];
      const summary = operation["summary"] ?? operation["description"];
      return [
        {
          name: typeof id === "string" && id !== "" ? id : `${method}:${path}`,
          ...(typeof summary === "string" ? { description: summary } : {}),
          inputSchema: { type: "object", properties: Object.fromEntries(members) },
          isDestructive: method === "delete",
          isReadOnly: method === "get" || method === "head",
        },
      ];
    });
  });
}

/** A reference inside of the document, followed (RFC 6901). */
function pointed(document: JsonObject, value: unknown, steps: number): unknown {
  const ref = isObject(value) ? value["$ref"] : undefined;
  if (typeof ref !== "string" || !ref.startsWith("#/") || steps === 0) return value;
  let at: unknown = document;
  for (const step of ref.slice(2).split("/")) {
    const key = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
    at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return pointed(document, at, steps - 1);
}
