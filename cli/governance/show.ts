import type { Command } from "commander";

import type { Governance, RoleState } from "../../auditor/governance/governance.ts";
import { readGovernance } from "../../auditor/governance/readGovernance.ts";
import { chainRpcAt } from "../../orchestrator/deploy/chainRpc.ts";
import { assertChainId } from "../../orchestrator/deploy/onChain.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { requireDeployment, requireRpcUrl } from "../environment.ts";

interface Flags extends CommonFlags {
  readonly logRange: string;
}

/** `affiant governance show`: who can do what, from when on, and what is announced; from the chain alone. */
export function governanceShowCommand(): Command {
  return command("show", "Who can do what with the contracts, when, and what is announced: from the chain.", "chain", [
    "affiant governance show --rpc https://… --deployment deployments/11155111.json",
    "affiant governance show --json",
  ])
    .option("--log-range <blocks>", "blocks asked for at once; some endpoints allow few", "10000")
    .action(
      run<Flags, []>(async ({ environment }, { logRange }) => {
        const deployment = requireDeployment(environment);
        const rpc = chainRpcAt(requireRpcUrl(environment), { attempts: 4 });
        await assertChainId(rpc, BigInt(deployment.chainId), "the deployment");
        const ask = (method: string, ...params: readonly unknown[]) => rpc.request({ method, params });
        const governance = await readGovernance(ask, deployment, { logRange: Math.max(1, Number(logRange) || 10_000) });
        return { data: governance, lines: governanceInWords(governance) };
      }),
    );
}

export function governanceInWords(governance: Governance): string[] {
  const { chainId, blockNumber, blockSec, roles, pending, contracts, circuits, warnings } = governance;
  return [
    `Chain ${chainId} at block ${blockNumber} (${dateOf(blockSec)})`,
    "",
    "Who can do what",
    ...roles.flatMap((role) => roleInWords(role, roles, blockSec)),
    "",
    "What is announced",
    ...(pending.length === 0 ? ["  nothing"] : []),
    ...pending.map(({ call, target, caller, state, readyAtSec, expiresAtSec }) => {
      const when = {
        waiting: `cannot be done before ${dateOf(readyAtSec)}`,
        ready: `can be done now, until ${dateOf(expiresAtSec)}`,
        expired: `was not done by ${dateOf(expiresAtSec)}, and has to be announced anew`,
      }[state];
      return `  ${target}.${call}, by ${caller}: ${when}`;
    }),
    "",
    "Code",
    ...contracts.map(({ contract, implementation, setAtBlocks, frozen, closed }) => {
      const how = frozen ? "frozen for good" : "can be replaced by the upgrader";
      return `  ${contract} runs ${implementation} since block ${setAtBlocks.at(-1)}: ${how}${closed ? ", CLOSED" : ""}`;
    }),
    "  logAnchor and the verifiers cannot be replaced by anyone",
    ...circuits.map(({ circuitId, verifier, announced }) => {
      const next = announced ? `; ${announced.verifier} may follow from ${dateOf(announced.fromSec)}` : "";
      return `  circuit ${circuitId.slice(0, 10)}… is judged by ${verifier ?? "nobody: it was stopped"}${next}`;
    }),
    "",
    "Nobody here can write in an agent's name: no role opens such a function (docs/threat-model.md).",
    ...(warnings.length === 0 ? [] : ["", "Take note", ...warnings.map((warning) => `  ! ${warning}`)]),
  ];
}

function roleInWords(role: RoleState, roles: readonly RoleState[], nowSec: number): string[] {
  const nameOf = (id: string): string => roles.find((other) => other.id === id)?.name ?? `role ${id}`;
  const opens = role.functions.map((opened) => `      ${opened.contract}.${opened.function}`);
  const who = role.members.map(({ account, delaySec, sinceSec, pendingDelay }) => {
    const from = sinceSec > nowSec ? `, from ${dateOf(sinceSec)} on` : "";
    const then = pendingDelay
      ? `; from ${dateOf(pendingDelay.fromSec)} on after ${durationOf(pendingDelay.delaySec)}`
      : "";
    return `    ${account} ${delaySec === 0 ? "at once" : `${durationOf(delaySec)} after announcing it`}${from}${then}`;
  });
  return [
    `  ${role.name} (role ${role.id}): ${role.words}`,
    ...(who.length === 0 ? ["    nobody"] : who),
    `    given and taken by ${nameOf(role.admin)}; announced acts can be cancelled by ${nameOf(role.guardian)}`,
    ...opens,
  ];
}

function dateOf(sec: number): string {
  return `${new Date(sec * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function durationOf(sec: number): string {
  const units = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const;
  const [size, name] = units.find(([unit]) => sec >= unit && sec % unit === 0) ?? [1, "second"];
  const count = sec / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
