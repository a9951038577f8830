import type { Agent } from "../../agent/agent.ts";
import { ChainRevocations } from "../../agent/calls/chainRevocations.ts";
import { CachedRevocations } from "../../agent/calls/revocations.ts";
import { ChainProvider } from "../../agent/chain/chainProvider.ts";
import { loadPolicyBundle } from "../../agent/policy/loadBundle.ts";
import { allGates, contractGate, type Gate, policyGate, revocationGate } from "../../adapters/mcp/gate.ts";
import { formatKeyDid } from "../../protocol/did/key.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { compilePolicy } from "../../protocol/policy/compile.ts";
import { readContractFile } from "../contract/contractFiles.ts";
import { ownerOf } from "../contract/ownerOf.ts";
import { type Environment, requireDeployment, requireRpcUrl } from "../environment.ts";

export interface GateFlags {
  readonly policy?: string;
  readonly contract?: string;
  readonly owner?: string;
  readonly maxRevocationAge: string;
}

const nowSec = (): number => Math.floor(Date.now() / 1000);

/** What judges calls, as the command line says. A policy is committed. */
export async function gatesOf(
  agent: Agent,
  flags: GateFlags,
  environment: Environment,
): Promise<{ gate: Gate; contractCid?: string }> {
  const gates: Gate[] = [];
  if (flags.policy !== undefined) {
    const bundle = await loadPolicyBundle(flags.policy);
    await agent.commitPolicy(bundle);
    gates.push(policyGate(compilePolicy(bundle), agent.did));
  }
  if (flags.contract === undefined) return { gate: allGates(gates) };
  const chain = readContractFile(flags.contract);
  if (flags.owner === undefined) {
    throw new AffiantError(
      "ERR_INPUT_CONFIG",
      "--contract needs --owner: whose tools they are, the contract cannot say",
    );
  }
  const owner = await ownerOf(flags.owner, environment.dataDir);
  gates.push(contractGate({ chain, owner, holder: formatKeyDid(agent.signer.publicKey), nowSec }));
  const maxAgeSec = readSeconds(flags.maxRevocationAge);
  gates.push(revocationGate(chain, revocationsOf(environment, maxAgeSec), nowSec));
  return { gate: allGates(gates), contractCid: chain.at(-1)?.envelope.cid };
}

/** One connection for as long as the gateway runs; it ends with the process. */
function revocationsOf(environment: Environment, maxAgeSec: number): CachedRevocations {
  const { chainId, contracts } = requireDeployment(environment);
  const provider = new ChainProvider({ url: requireRpcUrl(environment), chainId });
  const source = new ChainRevocations(provider, contracts.contractRegistry.address, BigInt(chainId));
  return new CachedRevocations(source, maxAgeSec);
}

function readSeconds(text: string): number {
  if (/^[0-9]{1,6}$/.test(text)) return Number(text);
  throw new AffiantError("ERR_INPUT_CONFIG", `--max-revocation-age is a whole number of seconds, not "${text}"`);
}
