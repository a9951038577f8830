import { readFileSync } from "node:fs";

import { Command } from "commander";

import { agentCardPublishCommand } from "./agentCardPublish.ts";
import { agentCreateCommand } from "./agentCreate.ts";
import { agentListCommand } from "./agentList.ts";
import { agentProveCommand } from "./agentProve.ts";
import { agentRecoverCommand } from "./agentRecover.ts";
import { agentShowCommand } from "./agentShow.ts";
import { measureCommandLine } from "./attestation/measure.ts";
import { serveCommand } from "./attestation/serve.ts";
import { ticketCommand } from "./attestation/ticket.ts";
import { wrapCommand } from "./attestation/wrap.ts";
import { auditCommand } from "./audit.ts";
import { ceremonyCommand } from "./ceremony.ts";
import { group, withExamples } from "./command.ts";
import { contractIssueCommand } from "./contract/contractIssue.ts";
import { contractRevokeCommand } from "./contract/contractRevoke.ts";
import { contractShowCommand } from "./contract/contractShow.ts";
import { contractVerifyCommand } from "./contract/contractVerify.ts";
import { deployCommand } from "./deploy/deploy.ts";
import { governanceShowCommand } from "./governance/show.ts";
import { governanceFreezeCommand, governanceHandoverCommand, governanceUpgradeCommand } from "./governance/steps.ts";
import { logAppendCommand } from "./logAppend.ts";
import { logExportCommand } from "./logExport.ts";
import { logFsckCommand } from "./logFsck.ts";
import { logImportCommand } from "./logImport.ts";
import { exitCodes } from "./output.ts";
import { mcpProxyCommand } from "./mcpProxy.ts";
import { downCommand } from "./pipeline/down.ts";
import { eventsCommand } from "./pipeline/events.ts";
import { planCommand } from "./pipeline/plan.ts";
import { upCommand } from "./pipeline/up.ts";
import { policyCheckCommand } from "./policyCheck.ts";
import { policyCommitCommand } from "./policyCommit.ts";
import { policyShowCommand } from "./policyShow.ts";
import { relayerCommand } from "./relayer/relayer.ts";
import { statusCommand } from "./status.ts";

/** Every command, in the order in which the help lists them. */
const commands = (): readonly Command[] => [
  group("agent", "Make agents and look at them.", [
    agentCreateCommand(),
    agentShowCommand(),
    agentListCommand(),
    agentRecoverCommand(),
    agentProveCommand(),
    group("card", "What an agent tells others about itself.", [agentCardPublishCommand()]),
  ]),
  group("policy", "What agents commit to before they act.", [
    policyCheckCommand(),
    policyCommitCommand(),
    policyShowCommand(),
  ]),
  group("log", "Put acts on record, and take them out as evidence.", [
    logAppendCommand(),
    logImportCommand(),
    logExportCommand(),
    logFsckCommand(),
  ]),
  auditCommand(),
  group("contract", "Grant other agents rights, scoped and for a time.", [
    contractIssueCommand(),
    contractShowCommand(),
    contractVerifyCommand(),
    contractRevokeCommand(),
  ]),
  group("attestation", "Have agents verified by agents.", [serveCommand(), ticketCommand()]),
  measureCommandLine(),
  wrapCommand(),
  mcpProxyCommand(),
  ceremonyCommand(),
  deployCommand(),
  group("governance", "See and prepare what may be done with the contracts.", [
    governanceShowCommand(),
    governanceUpgradeCommand(),
    governanceFreezeCommand(),
    governanceHandoverCommand(),
  ]),
  planCommand(),
  upCommand(),
  statusCommand(),
  eventsCommand(),
  downCommand(),
  relayerCommand(),
];

/** The whole command line. */
export function affiantProgram(): Command {
  const program = new Command("affiant")
    .description("Agents on record: identities, policies, signed acts, and verdicts that anyone can check.")
    .version(version())
    // Flags after an inner command's name are the inner command's, also where the outer one has the same: `relayer`.
    .enablePositionalOptions();
  for (const command of commands()) program.addCommand(command);
  program.addHelpText(
    "after",
    "\nExit codes: 0 it went well, 1 it failed or a verdict fails, 2 the command line or an input is wrong.",
  );
  withExamples(program, [
    "affiant log import trajectories.json --agent support --policy examples/airline/policy",
    "affiant log export support --out evidence.jsonl",
    "affiant audit evidence.jsonl --rpc http://127.0.0.1:8545",
  ]);
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
