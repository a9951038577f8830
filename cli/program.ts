import { readFileSync } from "node:fs";

import { Command } from "commander";

import { group, withExamples } from "./command.ts";
import { exitCodes } from "./output.ts";

/** A command, loaded when it is asked for: one command's dependencies are a second of start-up to all the others. */
type Loader = () => Promise<Command>;

/** A command that only holds others. */
interface Branch {
  readonly about: string;
  readonly commands: Tree;
}

interface Tree {
  readonly [name: string]: Loader | Branch;
}

/** Every command, in the order in which the help lists them. */
const tree: Tree = {
  agent: {
    about: "Make agents and look at them.",
    commands: {
      create: async () => (await import("./agentCreate.ts")).agentCreateCommand(),
      show: async () => (await import("./agentShow.ts")).agentShowCommand(),
      list: async () => (await import("./agentList.ts")).agentListCommand(),
      recover: async () => (await import("./agentRecover.ts")).agentRecoverCommand(),
      prove: async () => (await import("./agentProve.ts")).agentProveCommand(),
      card: {
        about: "What an agent tells others about itself.",
        commands: { publish: async () => (await import("./agentCardPublish.ts")).agentCardPublishCommand() },
      },
    },
  },
  policy: {
    about: "What agents commit to before they act.",
    commands: {
      init: async () => (await import("./policy/policyInit.ts")).policyInitCommand(),
      check: async () => (await import("./policyCheck.ts")).policyCheckCommand(),
      test: async () => (await import("./policy/policyTest.ts")).policyTestCommand(),
      eval: async () => (await import("./policy/policyEval.ts")).policyEvalCommand(),
      commit: async () => (await import("./policyCommit.ts")).policyCommitCommand(),
      show: async () => (await import("./policyShow.ts")).policyShowCommand(),
    },
  },
  log: {
    about: "Put acts on record, and take them out as evidence.",
    commands: {
      append: async () => (await import("./logAppend.ts")).logAppendCommand(),
      import: async () => (await import("./logImport.ts")).logImportCommand(),
      export: async () => (await import("./logExport.ts")).logExportCommand(),
      fsck: async () => (await import("./logFsck.ts")).logFsckCommand(),
    },
  },
  audit: async () => (await import("./audit.ts")).auditCommand(),
  view: async () => (await import("./view.ts")).viewCommand(),
  contract: {
    about: "Grant other agents rights, scoped and for a time.",
    commands: {
      issue: async () => (await import("./contract/contractIssue.ts")).contractIssueCommand(),
      show: async () => (await import("./contract/contractShow.ts")).contractShowCommand(),
      verify: async () => (await import("./contract/contractVerify.ts")).contractVerifyCommand(),
      revoke: async () => (await import("./contract/contractRevoke.ts")).contractRevokeCommand(),
    },
  },
  find: async () => (await import("./directory/find.ts")).findCommand(),
  directory: {
    about: "Find agents, and read what the chain says of them without asking it row by row.",
    commands: {
      serve: async () => (await import("./directory/directory.ts")).directoryServeCommand(),
      verify: async () => (await import("./directory/directory.ts")).directoryVerifyCommand(),
      snapshot: async () => (await import("./directory/directory.ts")).directorySnapshotCommand(),
    },
  },
  attestation: {
    about: "Have agents verified by agents.",
    commands: {
      serve: async () => (await import("./attestation/serve.ts")).serveCommand(),
      ticket: async () => (await import("./attestation/ticket.ts")).ticketCommand(),
    },
  },
  access: {
    about: "Log agents in, and let others rely on it.",
    commands: {
      serve: async () => (await import("./access/serve.ts")).accessServeCommand(),
      login: async () => (await import("./access/login.ts")).accessLoginCommand(),
      token: async () => (await import("./access/login.ts")).accessTokenCommand(),
      introspect: async () => (await import("./access/introspect.ts")).accessIntrospectCommand(),
    },
  },
  measure: async () => (await import("./attestation/measure.ts")).measureCommandLine(),
  wrap: async () => (await import("./attestation/wrap.ts")).wrapCommand(),
  "serve-agent": async () => (await import("./serveAgent.ts")).serveAgentCommand(),
  hook: async () => (await import("./hook.ts")).hookCommand(),
  "mcp-proxy": async () => (await import("./mcpProxy.ts")).mcpProxyCommand(),
  ceremony: async () => (await import("./ceremony.ts")).ceremonyCommand(),
  deploy: async () => (await import("./deploy/deploy.ts")).deployCommand(),
  governance: {
    about: "See and prepare what may be done with the contracts.",
    commands: {
      show: async () => (await import("./governance/show.ts")).governanceShowCommand(),
      upgrade: async () => (await import("./governance/steps.ts")).governanceUpgradeCommand(),
      freeze: async () => (await import("./governance/steps.ts")).governanceFreezeCommand(),
      handover: async () => (await import("./governance/steps.ts")).governanceHandoverCommand(),
    },
  },
  plan: async () => (await import("./pipeline/plan.ts")).planCommand(),
  up: async () => (await import("./pipeline/up.ts")).upCommand(),
  status: async () => (await import("./status.ts")).statusCommand(),
  events: async () => (await import("./pipeline/events.ts")).eventsCommand(),
  down: async () => (await import("./pipeline/down.ts")).downCommand(),
  relayer: async () => (await import("./relayer/relayer.ts")).relayerCommand(),
  dashboard: async () => (await import("./dashboard/dashboard.ts")).dashboardCommand(),
  doctor: async () => (await import("./doctor/doctor.ts")).doctorCommand(),
  completion: async () => (await import("./completionCommand.ts")).completionCommand(),
};

/** The outer commands, by who they are for. What stands in none is listed last. */
const audiences: Readonly<Record<string, readonly string[]>> = {
  "For agents and their developers:": [
    "agent",
    "find",
    "policy",
    "log",
    "contract",
    "mcp-proxy",
    "serve-agent",
    "hook",
  ],
  "For auditors:": ["audit", "view"],
  "For who runs a pipeline:": ["plan", "up", "status", "events", "down", "measure", "wrap", "dashboard", "doctor"],
  "For who runs the services, and the contracts:": [
    "relayer",
    "directory",
    "attestation",
    "access",
    "deploy",
    "governance",
    "ceremony",
  ],
};

/**
 * The command line for these arguments: the command that they name alone, or all where they name none, so that help and
 * suggestions know every one.
 */
export async function affiantProgram(words: readonly string[] = []): Promise<Command> {
  const program = new Command("affiant")
    .description("Agents on record: identities, policies, signed acts, and verdicts that anyone can check.")
    .version(version())
    // Flags after an inner command's name are the inner command's, also where the outer one has the same: `relayer`.
    .enablePositionalOptions();
  const commands = new Map((await load(tree, words)).map((command) => [command.name(), command]));
  for (const [heading, names] of Object.entries(audiences)) {
    for (const name of names) {
      const command = commands.get(name)?.helpGroup(heading);
      if (command) program.addCommand(command);
      commands.delete(name);
    }
  }
  for (const command of commands.values()) program.addCommand(command);
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

async function load(of: Tree, [first, ...rest]: readonly string[]): Promise<readonly Command[]> {
  const named = Object.entries(of).filter(([name]) => name === first);
  const wanted = named.length > 0 ? named : Object.entries(of);
  return Promise.all(
    wanted.map(async ([name, node]) =>
      typeof node === "function" ? node() : group(name, node.about, await load(node.commands, rest)),
    ),
  );
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
