import type { Command } from "commander";

import { ChainProvider } from "../../agent/chain/chainProvider.ts";
import { ChainRevocations } from "../../agent/calls/chainRevocations.ts";
import type { ContractLink, RevocationFinding } from "../../agent/calls/revocations.ts";
import { toHex } from "../../protocol/encoding/hex.ts";

import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import { keyOfDid } from "../../protocol/ucan/isSigned.ts";
import { faultsOfChain } from "../../protocol/ucan/verifyChain.ts";
import { delegationInWords } from "../../protocol/ucan/words.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { readContractFile } from "./contractFiles.ts";
import { ownerOf } from "./ownerOf.ts";
import { requireDeployment, requireRpcUrl, type Environment } from "../environment.ts";

interface Flags extends CommonFlags {
  readonly owner: string;
  readonly offline?: boolean;
}

export function contractVerifyCommand(): Command {
  return command(
    "verify",
    "Check a contract: owner, signatures, chain, times, and on chain whether it was revoked.",
    "all",
    [
      "affiant contract verify charge.json --owner payment",
      "affiant contract verify charge.json --owner did:key:z6Mk… --offline",
    ],
  )
    .argument("<file>", "a contract")
    .requiredOption("--owner <did:key>", "whose right it is to be: a key, or the name of an agent here")
    .option("--offline", "do not ask the chain; revocation then stays unknown")
    .action(
      run<Flags, [string]>(async ({ environment }, { owner, offline }, file) => {
        const chain = readContractFile(file);
        const rightful = await ownerOf(owner, environment.dataDir);
        const faults: { link: number; code: string; detail: string }[] = [
          ...faultsOfChain(chain, rightful, Math.floor(Date.now() / 1000)),
        ];
        const finding = offline ? undefined : await readChain(environment, chain, faults);
        const ok = faults.length === 0;
        return {
          ok,
          data: { holds: ok, faults, revocation: finding ?? null },
          lines: [
            ...chain.map((link, i) => `${i + 1}. ${delegationInWords(link)}`),
            "",
            ...faults.map(({ link, code, detail }) => `FAILS  link ${link + 1}: ${detail}  [${code}]`),
            ...(ok
              ? [`HOLDS  ${finding ? `not revoked as of block ${finding.blockNumber}` : "revocation not checked"}`]
              : []),
          ],
        };
      }),
    );
}

async function readChain(
  environment: Environment,
  chain: readonly Delegation[],
  faults: { link: number; code: string; detail: string }[],
): Promise<RevocationFinding | undefined> {
  const links: ContractLink[] = [];
  for (const [link, delegation] of chain.entries()) {
    if (!delegation.issuerAgent) {
      const detail = "names no account that could revoke it (meta.agent)";
      faults.push({ link, code: "ERR_AUTH_CONTRACT_CHAIN", detail });
      return undefined;
    }
    const key = keyOfDid(delegation.issuer);
    if (!key) return undefined; // its signature is a fault already
    const issuerKey = toHex(key);
    links.push({ contractId: contractIdOf(delegation), issuerAgent: delegation.issuerAgent, issuerKey });
  }
  const { chainId, contracts } = requireDeployment(environment);
  const provider = new ChainProvider({ url: requireRpcUrl(environment), chainId });
  try {
    const source = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
    const finding = await source.read(links);
    if (finding.unboundLink !== undefined) {
      const detail = "its key is not, or no longer, a signing key of the account it names";
      faults.push({ link: finding.unboundLink, code: "ERR_AUTH_CONTRACT_CHAIN", detail });
    }
    if (finding.revoked) {
      const { link, by, blockNumber } = finding.revoked;
      faults.push({ link, code: "ERR_AUTH_CONTRACT_REVOKED", detail: `revoked by ${by} in block ${blockNumber}` });
    }
    return finding;
  } finally {
    provider.destroy();
  }
}
