import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment } from "./environment.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { progress } from "./progress.ts";
import type { Agent } from "../agent/agent.ts";
import { createAgentKeys } from "../agent/keys/keystore.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
import { readTranscripts } from "../adapters/transcript/readTranscripts.ts";
import type { ImportedAct, TranscriptWarning } from "../adapters/transcript/types.ts";
import { AffiantError, isAffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly policy?: string;
  readonly allOrNothing?: boolean;
}

interface FileCensus {
  readonly conversations: number;
  readonly acts: number;
  readonly warnings: readonly TranscriptWarning[];
  /** Conversations and lines that cannot be read. */
  readonly problems: readonly AffiantError[];
}

const linesShown = 10;

export function logImportCommand(): Command {
  return command(
    "import",
    "Put the tool calls of recorded conversations on record, whatever tool wrote them (adapters/transcript/README.md lists " +
      "the shapes): a JSON array, one conversation, or JSON Lines. Makes, registers and commits what is missing. " +
      "Importing again adds nothing; an import that was interrupted goes on where it stopped. What cannot be read is " +
      "named, and the rest is imported; the exit code is then 1.",
    "all",
    [
      "affiant log import trajectories.json --agent support --policy examples/airline/policy",
      "affiant log import more.jsonl --agent support        # the policy in force stays",
    ],
  )
    .argument("<file>")
    .requiredOption("--agent <name>", "whose acts they are; made if there is none of this name")
    .option("--all-or-nothing", "import nothing where one conversation cannot be read")
    .option("--policy <folder>", "the policy to judge them by; committed unless it is in force")
    .action(
      run<Flags, [string]>(async ({ environment, json }, flags, file) => {
        // Read to the end first: what cannot be read is known before anything is signed.
        const census = await takeCensus(file);
        const [first] = census.problems;
        if (first !== undefined && (flags.allOrNothing === true || census.conversations === 0))
          throw inFile(file, first);
        const bundle = flags.policy === undefined ? undefined : await loadPolicyBundle(flags.policy);
        const created = await createIfMissing(environment, flags.agent);
        return withAgent(environment, flags.agent, async (agent) => {
          const registered = (await agent.register()).added;
          if (bundle) await agent.commitPolicy(bundle);
          const { added, known } = await importActs(agent, file, census.acts, json);
          const { conversations, warnings, problems } = census;
          const unread = problems.map(({ message }) => message);
          return {
            ok: problems.length === 0,
            data: {
              agent: agent.did,
              created,
              registered,
              conversations,
              added,
              known,
              warnings,
              unread,
              head: agent.head,
            },
            lines: [
              ...columns([
                ["agent", `${flags.agent}${created ? " (made now)" : ""}`],
                ["DID", agent.did],
                ["conversations", conversations],
                ["not readable", unread.length === 0 ? undefined : unread.length],
                ["entries added", added],
                ["on record already", known],
              ]),
              ...(census.acts === 0 ? ["", "There is no tool call with a result in it: nothing was entered."] : []),
              ...listed("Not imported", unread),
              ...listed("Remarks on the file", warnings.map(describeWarning)),
              "",
              `Next: affiant log export ${flags.agent} --out evidence.jsonl`,
              `      affiant audit evidence.jsonl${environment.rpcUrl ? ` --rpc ${environment.rpcUrl}` : ""}`,
            ],
          };
        });
      }),
    );
}

async function takeCensus(file: string): Promise<FileCensus> {
  let conversations = 0;
  let acts = 0;
  const warnings: TranscriptWarning[] = [];
  const problems: AffiantError[] = [];
  for await (const conversation of readTranscripts(file, { onProblem: (problem) => problems.push(problem) })) {
    conversations += 1;
    acts += conversation.acts.length;
    warnings.push(...conversation.warnings);
  }
  return { conversations, acts, warnings, problems };
}

async function createIfMissing({ dataDir, passphrase, deploymentPath, ...rest }: Environment, name: string) {
  const { chainId } = requireDeployment({ dataDir, passphrase, deploymentPath, ...rest });
  try {
    await createAgentKeys({ dataDir, name, chainId, passphrase });
    return true;
  } catch (error) {
    if (isAffiantError(error, "ERR_CONFLICT_AGENT_EXISTS")) return false;
    throw error;
  }
}

async function importActs(agent: Agent, file: string, total: number, json: boolean) {
  const bar = progress("importing", total, json);
  let added = 0;
  let known = 0;
  try {
    for await (const recorded of agent.recordEach(actsOf(file))) {
      if (recorded.added) added += 1;
      else known += 1;
      bar.to(added + known);
    }
  } finally {
    bar.stop();
  }
  return { added, known };
}

async function* actsOf(file: string): AsyncGenerator<ImportedAct> {
  for await (const { acts } of readTranscripts(file, { onProblem: () => undefined })) yield* acts;
}

function inFile(file: string, problem: AffiantError): AffiantError {
  return new AffiantError("ERR_INPUT_FILE", `${file}: ${problem.message}`, { cause: problem });
}

function describeWarning({ conversation, message, text }: TranscriptWarning): string {
  return `conversation ${conversation}${message === undefined ? "" : `, message ${message}`}: ${text}`;
}

function listed(heading: string, all: readonly string[]): string[] {
  if (all.length === 0) return [];
  const rest = all.length - linesShown;
  return [
    "",
    `${heading} (${all.length})`,
    ...all.slice(0, linesShown).map((line) => `  ${line}`),
    ...(rest > 0 ? [`  and ${rest} more (--json)`] : []),
  ];
}
