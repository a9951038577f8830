import type { Command } from "commander";

import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";

import { ipldToJson } from "../../protocol/ucan/ipldJson.ts";
import { formatScope } from "../../protocol/ucan/shorthand.ts";
import { delegationInWords } from "../../protocol/ucan/words.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { readContractFile } from "./contractFiles.ts";

export function contractShowCommand(): Command {
  return command("show", "Say in words what a contract allows. Nothing is verified.", "local", [
    "affiant contract show charge.json",
  ])
    .argument("<file>", "a contract")
    .action(
      run<CommonFlags, [string]>((_, __, file) => {
        const chain = readContractFile(file);
        return Promise.resolve({ data: chain.map(dataOf), lines: chain.flatMap((link, i) => linesOf(link, i + 1)) });
      }),
    );
}

/** A link of a contract's chain, for programs. */
export function dataOf(link: Delegation): { readonly [key: string]: unknown } {
  const policy = link.policy.map(({ source }) => ipldToJson(source));
  return {
    cid: link.envelope.cid,
    contractId: contractIdOf(link),
    issuer: link.issuer,
    issuerAgent: link.issuerAgent ?? null,
    audience: link.audience,
    subject: link.subject,
    command: link.command,
    policy,
    scope: formatScope({ command: link.command, policy }) ?? null,
    notBeforeSec: link.notBeforeSec ?? null,
    expiresAtSec: link.expiresAtSec,
  };
}

function linesOf(link: Delegation, number: number): readonly string[] {
  return [`${number}. ${delegationInWords(link)}`, `   ${link.envelope.cid}`];
}
