import type { Command } from "commander";

import type { Found } from "../../directory/discovery/catalog.ts";
import type { AnsweredBlock } from "../../directory/queries/reader.ts";
import { guardedFetch } from "../../host/fetch/guardedFetch.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { command, type CommonFlags, run } from "../command.ts";
import type { Environment } from "../environment.ts";
import { table } from "../output.ts";

interface FindFlags extends CommonFlags {
  readonly directory?: string;
  readonly capability?: string;
  readonly tag?: string;
  readonly organisation?: string;
  readonly tier?: string;
  readonly region?: string;
  readonly currency?: string;
  readonly maxPrice?: string;
  readonly trusted?: boolean;
  readonly limit?: string;
}

export function findCommand(): Command {
  return command(
    "find",
    "Find agents by what they can do. Cards are their owners' word; who they are and whether they are trusted is the chain's.",
    "local",
    [
      'affiant find "refund in EUR"',
      "affiant find --capability payment.refund --trusted",
      "affiant find refund --tier tpm --json",
    ],
  )
    .argument("[words]", "what it should be able to do")
    .option("--directory <url>", "the directory (AFFIANT_DIRECTORY_URL, default: what npm start left)")
    .option("--capability <name>", "declared on chain, such as payment.refund")
    .option("--tag <tag>", "of a skill")
    .option("--organisation <name>", "who provides it, as the card says")
    .option("--tier <tier>", "software, tpm or tee")
    .option("--region <region>", "as the card says")
    .option("--currency <code>", "of its price, as the card says")
    .option("--max-price <amount>", "as the card says; agents that name no price are left out")
    .option("--trusted", "only those that are attested now")
    .option("--limit <number>", "how many (default 10)")
    .action(
      run<FindFlags, [string | undefined]>(async ({ environment }, flags, words) => {
        const { block, data } = await search(directoryUrl(environment, flags), flags, words);
        return { data: { block, agents: data }, lines: shown(block, data) };
      }),
    );
}

function directoryUrl({ directoryUrl: left }: Environment, { directory }: FindFlags): string {
  const url = directory ?? left;
  if (url !== undefined) return url.replace(/\/+$/, "");
  throw new AffiantError("ERR_INPUT_CONFIG", "no directory is known", {
    hint: "Give --directory, or run npm start or affiant directory serve.",
  });
}

async function search(
  base: string,
  flags: FindFlags,
  words: string | undefined,
): Promise<{ readonly block: AnsweredBlock; readonly data: readonly Found[] }> {
  const { capability, tag, organisation, tier, region, currency, maxPrice, trusted, limit } = flags;
  const asked = { q: words, capability, tag, organisation, tier, region, currency, maxPrice, limit };
  const query = new URLSearchParams(trusted ? { trusted: "true" } : {});
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) query.set(name, value);
  const limits = { timeoutMs: 30_000, maxBytes: 8 << 20, allowPrivate: true };
  const answer = await guardedFetch(`${base}/v1/search?${query.toString()}`, limits).catch((cause: unknown) => {
    throw new AffiantError("ERR_UNAVAILABLE_DIRECTORY", `the directory at ${base} cannot be reached`, { cause });
  });
  const body = JSON.parse(answer.body.toString("utf8")) as { detail?: string } & Awaited<ReturnType<typeof search>>;
  if (!answer.ok)
    throw new AffiantError("ERR_INPUT_MALFORMED", `the directory refuses: ${body.detail ?? answer.status}`);
  return body;
}

function shown(block: AnsweredBlock, found: readonly Found[]): string[] {
  if (found.length === 0) return [`nobody, as of block ${block.asOf} (${block.finality})`];
  const rows = found.map(({ score, facts, chain }) => [
    String(score),
    facts.name,
    chain.did,
    `${chain.trust.status}${chain.trust.tier === null ? "" : ` (${chain.trust.tier})`}`,
    (chain.card?.capabilities ?? []).join(" "),
  ]);
  return [
    ...table(["fits", "name", "agent", "attestation", "capabilities"], rows),
    `as of block ${block.asOf} (${block.finality})`,
  ];
}
