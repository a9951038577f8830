/** `affiant policy init`, `test` and `eval`, as processes. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { affiant } from "./run.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const server = join(import.meta.dirname, "../adapters/mcp/officialStdioServer.ts");
const openapi = `openapi: 3.1.0
info: { title: Books, version: "1" }
paths:
  /books/{id}:
    parameters: [{ name: id, in: path, schema: { type: integer } }]
    delete: { operationId: deleteBook, summary: "Ends\\n}; permit (principal, action, resource);" }
    put:
      operationId: putBook
      requestBody: { content: { application/json: { schema: { $ref: "#/components/schemas/Book" } } } }
components: { schemas: { Book: { properties: { in: { type: string }, "page-count": { type: integer }, price: { type: number } } } } }
`;
describe("affiant policy init, test, eval", () => {
  const folder = tempFolders();

  async function init(kind: string, ...source: string[]) {
    const out = join(await folder(), "policy");
    const made = await affiant(["policy", "init", "--from", kind, "--out", out, "--json", ...source]);
    expect(made.stderr).to.equal("");
    const tested = await affiant(["policy", "test", out, "--json"]);
    expect(tested.code, tested.stdout).to.equal(0);
    const schema = await readFile(join(out, "schema.cedarschema"), "utf8");
    return { out, made: made.json() as { acts: string[]; leftOut: string[] }, schema };
  }

  it("writes a policy from a running MCP server, whose own examples hold", async () => {
    const { made, schema } = await init("mcp", "--", process.execPath, "--no-warnings", server);
    expect(made.acts).to.deep.equal(["echo", "pay"]);
    expect(made.leftOut).to.deep.equal(["pay: cents"]);
    expect(schema).to.contain("message?: String");
  });

  it("writes one from an OpenAPI description, forbids what destroys, and believes no description", async () => {
    const file = join(await folder(), "api.yaml");
    await writeFile(file, openapi);
    const { out, made, schema } = await init("openapi", file);
    expect(made).to.deep.include({ acts: ["putBook", "deleteBook"], leftOut: ["putBook: price"] });
    expect(schema)
      .to.contain("page_count?: Long")
      .and.to.contain("in_?: String")
      .and.not.to.match(/^\s*permit/m);
    const act = join(out, "act.json");
    await writeFile(act, JSON.stringify({ act: "deleteBook", input: { id: 7 } }));
    const judged = await affiant(["policy", "eval", out, act, "--json"]);
    expect(judged.code).to.equal(1);
    expect(judged.json()).to.deep.include({ outcome: "violates", facts: { id: 7 }, absent: [] });
  });

  it("writes one from zod schemas", async () => {
    const file = join(import.meta.dirname, "zodTools.fixture.ts");
    const { made, schema } = await init("zod", file);
    expect([...made.acts].sort()).to.deep.equal(["pay", "refund"]);
    expect(made.leftOut).to.deep.equal([]);
    expect(schema).to.contain("cents?: Long").and.to.contain("tags?: Set<String>").and.to.contain("to_name?: String");
  });

  it("names an example whose verdict is another with its line, and a rule that it does not have", async () => {
    const file = join(await folder(), "api.yaml");
    await writeFile(file, openapi);
    const { out } = await init("openapi", file);
    const examples = join(out, "examples.yaml");
    await writeFile(
      examples,
      `- { act: putBook, expect: conforms }\n- { name: gone, act: deleteBook, expect: conforms }\n`,
    );
    const failed = await affiant(["policy", "test", out]);
    expect(failed.code).to.equal(1);
    expect(failed.stdout)
      .to.contain("examples.yaml, line 2: gone: violates, not conforms")
      .and.to.contain("destroys-1");
    await writeFile(examples, `- { act: putBook, expect: conforms, rules: [nothing] }\n`);
    const wrong = await affiant(["policy", "test", out, "--json"]);
    expect(wrong.code).to.equal(2);
    expect(wrong.stderr).to.contain("line 1, column 3").and.to.contain("nothing");
    await writeFile(examples, `- { act: putBook, expect: maybe }\n`);
    expect((await affiant(["policy", "test", out])).stderr).to.contain("expect");
  });

  it("writes over no policy, and makes none of what tells of no tool", async () => {
    const file = join(await folder(), "tools.json");
    await writeFile(file, `{"tools":[{"name":"read","inputSchema":{}}]}`);
    const { out } = await init("mcp", file);
    const again = await affiant(["policy", "init", "--from", "mcp", "--out", out, file]);
    expect(again).to.include({ code: 2 });
    expect(again.stderr).to.contain("holds a policy already");
    await writeFile(file, `{"rows":[]}`);
    expect((await affiant(["policy", "init", "--from", "mcp", "--out", `${out}2`, file])).stderr).to.contain(
      "ERR_INPUT_FILE",
    );
  });
});
