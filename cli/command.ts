import { Command, Option } from "commander";

import { type Environment, type EnvironmentFlags, readEnvironment } from "./environment.ts";
import { type Outcome, printError, printOutcome } from "./output.ts";

/** What every command is given beside its own arguments. */
export interface Session {
  readonly environment: Environment;
  readonly json: boolean;
}

export interface CommonFlags extends EnvironmentFlags {
  readonly json?: boolean;
}

type Connection = "local" | "relayer" | "chain" | "all";

/**
 * A command with what all have in common: `--json`, `--data-dir`, the flags for the connections it needs, and examples
 * below its help.
 */
export function command(name: string, about: string, needs: Connection, examples: readonly string[]): Command {
  const made = new Command(name).description(about);
  made.option("--json", "print the result as one JSON document");
  made.option("--data <folder>", "the data folder: agents, endpoints, services (AFFIANT_DATA_DIR, default ./data)");
  made.addOption(new Option("--data-dir <folder>", "the same, as it was called before").hideHelp());
  made.option("--profile <name>", "settings of that name in affiant.yaml (AFFIANT_PROFILE)");
  if (needs === "relayer" || needs === "all") {
    made.option("--relayer <url>", "the relayer (AFFIANT_RELAYER_URL, default: what npm start left)");
  }
  if (needs === "chain" || needs === "all") {
    made.option("--rpc <url>", "JSON-RPC endpoint of the chain (AFFIANT_RPC_URL, default: what npm start left)");
    made.option("--deployment <file>", "where the contracts are (AFFIANT_DEPLOYMENT, default: what npm start left)");
  }
  return withExamples(made, examples);
}

/** A command that only holds others. */
export function group(name: string, about: string, commands: readonly Command[]): Command {
  const made = new Command(name).description(about);
  for (const inner of commands) made.addCommand(inner);
  return made;
}

export function withExamples(made: Command, examples: readonly string[]): Command {
  return made.addHelpText("after", `\nExamples:\n${examples.map((line) => `  $ ${line}`).join("\n")}`);
}

/**
 * Makes an action of a function that computes an outcome: prints it, or the error, and sets the exit code (0 it went
 * well, 1 it failed or a verdict fails, 2 the input was wrong).
 * @param exitCodeOf where a command has finer codes for errors
 */
export function run<Flags extends CommonFlags, Arguments extends unknown[]>(
  work: (session: Session, flags: Flags, ...positional: Arguments) => Promise<Outcome>,
  exitCodeOf: (error: unknown) => number | undefined = () => undefined,
): (...received: unknown[]) => Promise<void> {
  return async (...received) => {
    // Commander passes the positional arguments, then the options, then the command.
    const flags = received.at(-2) as Flags;
    const json = flags.json ?? false;
    try {
      const environment = readEnvironment(flags);
      const outcome = await work({ environment, json }, flags, ...(received.slice(0, -2) as Arguments));
      printOutcome(outcome, json);
    } catch (error) {
      printError(error, json);
      process.exitCode = exitCodeOf(error) ?? process.exitCode;
    }
  };
}
