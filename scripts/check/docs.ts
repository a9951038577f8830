/**
 * Runs every command of the guides, as a reader would, in a copy of this repository: `npm run check:docs [-- FILE …]`.
 * What is not run is listed with its reason (`scripts/docs/plan.ts`). Ports are free ones instead of the documented.
 */
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fillPlaceholders } from "../docs/placeholders.ts";
import { treatments } from "../docs/plan.ts";
import { type GuideCommand, readCommands } from "../docs/readCommands.ts";
import { Sandbox } from "../docs/sandbox.ts";

const root = join(import.meta.dirname, "../..");

async function guides(): Promise<readonly string[]> {
  const inFolder = async (folder: string): Promise<string[]> =>
    (await readdir(join(root, folder))).filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name}`);
  const examples = (await readdir(join(root, "examples"))).map((name) => `examples/${name}/README.md`);
  // README first: what it brings up is there for the others.
  return [
    "README.md",
    "CONTRIBUTING.md",
    ...(await inFolder("docs")).sort(),
    ...(await inFolder("docs/guides")).sort(),
    ...examples.sort(),
  ];
}

/** The history that a reader would bring. */
const conversation = [
  { role: "user", content: "What is my membership?" },
  {
    role: "assistant",
    content: null,
    tool_calls: [
      {
        id: "c1",
        type: "function",
        function: { name: "get_user_details", arguments: '{"user_id":"ada_lovelace_1815"}' },
      },
    ],
  },
  { role: "tool", tool_call_id: "c1", name: "get_user_details", content: '{"membership":"gold","payment_methods":{}}' },
  { role: "assistant", content: "You are a gold member." },
];

/** A copy without what git ignores, except what was built. */
async function copyRepository(to: string): Promise<void> {
  const left = new Set(["node_modules", ".git", "data", "coverage"]);
  for (const name of await readdir(root)) {
    if (!left.has(name)) await cp(join(root, name), join(to, name), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(to, "node_modules"));
  await writeFile(join(to, "transcripts.json"), JSON.stringify([conversation]));
}

async function runCommand(sandbox: Sandbox, command: GuideCommand): Promise<"ran" | "elsewhere"> {
  const treatment = treatments.find(({ match }) => match.test(command.text));
  if (treatment?.elsewhere !== undefined) {
    console.log(`  -  ${command.text.split("\n")[0]}   (${treatment.elsewhere})`);
    return "elsewhere";
  }
  const text = await fillPlaceholders(command, sandbox);
  if (treatment?.readyAt) await sandbox.serve(command.text, text, treatment.readyAt);
  else await sandbox.run(text, treatment?.exitCode ?? 0);
  console.log(`  ✔  ${command.text.split("\n")[0]}`);
  return "ran";
}

const named = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), "affiant-guides-"));
const sandbox = new Sandbox(folder);
const count = { ran: 0, elsewhere: 0 };
try {
  await copyRepository(folder);
  // Most guides speak of a system that is up in another terminal.
  await runCommand(sandbox, { file: "README.md", line: 0, text: "npm start" });
  for (const file of await guides()) {
    const commands = readCommands(file, await readFile(join(root, file), "utf8").catch(() => ""));
    if (commands.length === 0 || (named.length > 0 && !named.includes(file))) continue;
    console.log(file);
    for (const command of commands) {
      try {
        count[await runCommand(sandbox, command)] += 1;
      } catch (error) {
        console.error(
          `${file}:${command.line}: ${command.text}\n${error instanceof Error ? error.message : String(error)}`,
        );
        process.exitCode = 1;
      }
    }
  }
} finally {
  await sandbox.close();
  await rm(folder, { recursive: true, force: true });
}
console.log(`guides: ${count.ran} commands ran, ${count.elsewhere} run elsewhere`);
