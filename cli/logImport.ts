import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { type Environment, requireDeployment } from "./environment.ts";
import { withAgent } from "./openNamedAgent.ts";
import { columns } from "./output.ts";
import { progress } from "./progress.ts";
import type { Agent } from "../agent/agent.ts";
import { createAgentKeys } from "../agent/keys/keystore.ts";
import { loadPolicyBundle } from "../agent/policy/loadBundle.ts";
import { readTranscripts } from "../agent/transcript/readTranscripts.ts";
import type { ImportedAct, TranscriptWarning } from "../agent/transcript/types.ts";
import { isAffiantError } from "../protocol/errors/affiantError.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly policy?: string;
}

interface FileCensus {
  readonly conversations: number;
  readonly acts: number;
  readonly warnings: readonly TranscriptWarning[];
}

const warningsShown = 10;

export function logImportCommand(): Command {
  return command(
    "import",
    "Put the tool calls of recorded conversations on record: chat-completions transcripts as one JSON array, one " +
      "conversation, or JSON Lines. Makes, registers and commits what is missing. Importing again adds nothing; an " +
      "import that was interrupted goes on where it stopped.",
    "all",
    [
      "affiant log import trajectories.json --agent support --policy examples/airline/policy",
      "affiant log import more.jsonl --agent support        # the policy in force stays",
    ],
  )
    .argument("<file>")
    .requiredOption("--agent <name>", "whose acts they are; made if there is none of this name")
    .option("--policy <folder>", "the policy to judge them by; committed unless it is in force")
    .action(
      run<Flags, [string]>(async ({ environment, json }, flags, file) => {
        // Read to the end first: a file with an error in it is refused before anything of it is signed.
        const census = await takeCensus(file);
        const bundle = flags.policy === undefined ? undefined : await loadPolicyBundle(flags.policy);
        const created = await createIfMissing(environment, flags.agent);
        return withAgent(environment, flags.agent, async (agent) => {
          const registered = (await agent.register()).added;
          if (bundle) await agent.commitPolicy(bundle);
          const { added, known } = await importActs(agent, file, census.acts, json);
          const { conversations, warnings } = census;
          return {
            data: { agent: agent.did, created, registered, conversations, added, known, warnings, head: agent.head },
            lines: [
              ...columns([
                ["agent", `${flags.agent}${created ? " (made now)" : ""}`],
                ["DID", agent.did],
                ["conversations", conversations],
                ["entries added", added],
                ["on record already", known],
              ]),
              ...describeWarnings(warnings),
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
  for await (const conversation of readTranscripts(file)) {
    conversations += 1;
    acts += conversation.acts.length;
    warnings.push(...conversation.warnings);
  }
  return { conversations, acts, warnings };
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
  for await (const { acts } of readTranscripts(file)) yield* acts;
}

function describeWarnings(warnings: readonly TranscriptWarning[]): string[] {
  if (warnings.length === 0) return [];
  const shown = warnings.slice(0, warningsShown).map(({ conversation, message, text }) => {
    return `  conversation ${conversation}${message === undefined ? "" : `, message ${message}`}: ${text}`;
  });
  const rest = warnings.length - shown.length;
  return [
    "",
    `Remarks on the file (${warnings.length})`,
    ...shown,
    ...(rest > 0 ? [`  and ${rest} more (--json)`] : []),
  ];
}
