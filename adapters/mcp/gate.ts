import { judgeRevocation } from "../../agent/calls/judgeRevocation.ts";
import type { CachedRevocations } from "../../agent/calls/revocations.ts";
import type { KeyDid } from "../../protocol/did/key.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { Json } from "../../protocol/json/canonical.ts";
import type { CompiledPolicy } from "../../protocol/policy/compile.ts";
import { evaluateAct } from "../../protocol/policy/evaluate.ts";
import { ActHistory } from "../../protocol/policy/history.ts";
import type { PolicyAct, RuleFinding } from "../../protocol/policy/types.ts";
import type { Delegation } from "../../protocol/ucan/delegation.ts";
import { commandCovers } from "../../protocol/ucan/command.ts";
import { decodeIpld, encodeIpld, type Ipld } from "../../protocol/ucan/ipld.ts";
import { firstUnmetStatement, statementText } from "../../protocol/ucan/policy.ts";
import { StepBudget } from "../../protocol/ucan/stepBudget.ts";
import { faultsOfChain } from "../../protocol/ucan/verifyChain.ts";
import { actNameOfTool } from "../acts/actName.ts";
import type { ActGate, Refusal } from "../acts/actLedger.ts";

/** A tool call that a client wants to make. */
export interface ToolCall {
  readonly tool: string;
  readonly args: { readonly [name: string]: Json };
  /** Number of the call in its session, from 0. */
  readonly index: number;
  /** Names the session; the thread that the entry will claim. */
  readonly session?: string;
}

/** What the entry of a call says beside its arguments and result. */
export function contextOfCall({ tool, index }: ToolCall): { readonly [key: string]: Json } {
  return { tool, callIndex: index, protocol: "mcp" };
}

/** Says whether a call may be made. */
export type Gate = (call: ToolCall, before: readonly PolicyAct[]) => Promise<Refusal | undefined> | Refusal | undefined;

/** The gate of a ledger, by the gate of calls. */
export function ledgerGate(gate: Gate): ActGate {
  return async ({ input, index, thread, context }, before) => {
    const tool = String(context["tool"]);
    return gate({ tool, args: input as ToolCall["args"], index, session: thread }, before);
  };
}

/**
 * Refuses what the policy forbids, and what it cannot decide: a fact that nobody can read is no permission. A rule that
 * looks at the result is never decided before the call; a policy names the acts that are let through all the same
 * (`letThroughInDoubt`), and the auditor judges them when the result is there.
 *
 * What came before is sorted into threads as the policy names them; the calls of one session stand for the agent's own
 * word of it.
 */
export function policyGate(policy: CompiledPolicy, agentDid: string): Gate {
  const inDoubt = new Set(policy.bundle.letThroughInDoubt);
  return async (call, before) => {
    const { session, tool, args, index } = call;
    const thread = session === undefined ? {} : { thread: session };
    const act: PolicyAct = {
      act: actNameOfTool(tool),
      seq: index,
      input: args,
      context: contextOfCall(call),
      ...thread,
    };
    const history = new ActHistory();
    for (const earlier of before) history.add({ ...earlier, ...thread });
    const { findings } = await evaluateAct(policy, agentDid, act, await history.before(policy, act));
    const violated = findings.find(({ outcome }) => outcome === "violated");
    if (violated) return { code: "ERR_AUTH_POLICY", detail: inWords(violated) };
    const [open] = findings;
    if (open === undefined || inDoubt.has(act.act)) return undefined;
    return { code: "ERR_AUTH_POLICY", detail: `it cannot be decided whether this is kept: ${inWords(open)}` };
  };
}

function inWords({ rule, ruleId, detail }: RuleFinding): string {
  return `${rule} (${ruleId}; ${detail})`;
}

/** The command that stands for a tool in contracts: `/mcp/<tool>`, lower case, anything unusual as `-`. */
export function commandOfTool(tool: string): string {
  return `/mcp/${tool.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, "-")}`;
}

export interface GateContract {
  /** From the owner's own contract to the one made out to the holder. */
  readonly chain: readonly Delegation[];
  /** Whose tools they are. Told by who runs the gateway: a contract says of anybody that the right is theirs. */
  readonly owner: KeyDid;
  /** Who calls. */
  readonly holder: KeyDid;
  /** Unix seconds. */
  readonly nowSec: () => number;
}

/**
 * Refuses what the contract does not allow. The contract as such is verified here and now (owner, signatures, chain); its
 * commands, its policy on the arguments and its times are checked for each call.
 * @throws AffiantError ERR_AUTH_CONTRACT_SIGNATURE, ERR_AUTH_CONTRACT_CHAIN, ERR_AUTH_CONTRACT_TIME
 */
export function contractGate({ chain, owner, holder, nowSec }: GateContract): Gate {
  const [fault] = faultsOfChain(chain, owner, nowSec(), verifyNative);
  if (fault) throw new AffiantError(fault.code, `link ${fault.link + 1} of the contract: ${fault.detail}`);
  return ({ tool, args }) => {
    const command = commandOfTool(tool);
    if (chain.at(-1)?.audience !== holder) {
      return { code: "ERR_AUTH_CONTRACT_CHAIN", detail: "the contract is made out to somebody else" };
    }
    // As it would travel: what DAG-CBOR cannot say has no place under a contract either.
    const value = decodeIpld(encodeIpld(args as Ipld));
    const budget = new StepBudget();
    const now = nowSec();
    for (const link of chain) {
      if (!commandCovers(link.command, command)) {
        return { code: "ERR_AUTH_CONTRACT_SCOPE", detail: `${command} is not among ${link.command}` };
      }
      const unmet = firstUnmetStatement(link.policy, value, budget);
      if (unmet) {
        return { code: "ERR_AUTH_CONTRACT_SCOPE", detail: `the arguments do not satisfy ${statementText(unmet)}` };
      }
      if (
        (link.expiresAtSec !== null && now >= link.expiresAtSec) ||
        (link.notBeforeSec !== undefined && now < link.notBeforeSec)
      ) {
        return { code: "ERR_AUTH_CONTRACT_TIME", detail: "the contract is not valid at this time" };
      }
    }
    return undefined;
  };
}

/** Refuses while the chain says, or does not deny, that the contract was revoked. Answers are kept for a bounded time. */
export function revocationGate(
  chain: readonly Delegation[],
  revocations: CachedRevocations,
  nowSec: () => number,
): Gate {
  return async () => {
    const verdict = await judgeRevocation(chain, revocations, nowSec());
    return verdict.stands ? undefined : { code: verdict.code, detail: verdict.detail };
  };
}

/** The first refusal of several gates. */
export function allGates(gates: readonly Gate[]): Gate {
  return async (call, before) => {
    for (const gate of gates) {
      const refusal = await gate(call, before);
      if (refusal) return refusal;
    }
    return undefined;
  };
}
