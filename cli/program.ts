import { readFileSync } from "node:fs";

import { Command } from "commander";

import { agentCreateCommand } from "./agentCreate.ts";
import { agentListCommand } from "./agentList.ts";
import { group, withExamples } from "./command.ts";
import { contractIssueCommand } from "./contract/contractIssue.ts";
import { contractShowCommand } from "./contract/contractShow.ts";
import { contractVerifyCommand } from "./contract/contractVerify.ts";
import { exitCodes } from "./output.ts";

/** The whole command line. */
export function affiantProgram(): Command {
  const program = new Command("affiant")
    .description("Agents on record: identities, policies, signed acts, and verdicts that anyone can check.")
    .version(version())
    .addCommand(group("agent", "Make agents and look at them.", [agentCreateCommand(), agentListCommand()]));
  program.addCommand(
    group("contract", "Grant other agents rights, scoped and for a time.", [
      contractIssueCommand(),
      contractShowCommand(),
      contractVerifyCommand(),
    ]),
  );
  program.addHelpText(
    "after",
    "\nExit codes: 0 it went well, 1 it failed or a verdict fails, 2 the command line or an input is wrong.",
  );
  withExamples(program, ["affiant agent create support"]);
  return strict(program);
}

/** Wrong usage ends with exit code 2 everywhere, and names the help. */
function strict(command: Command): Command {
  command.showHelpAfterError("(see --help)").exitOverride(({ exitCode }) => {
    process.exit(exitCode === 0 ? exitCodes.ok : exitCodes.usage);
  });
  for (const inner of command.commands) strict(inner as Command);
  return command;
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
