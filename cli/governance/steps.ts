import type { Command } from "commander";
import { getAddress, isAddress } from "ethers";

import type { Governance } from "../../auditor/governance/governance.ts";
import { readGovernance } from "../../auditor/governance/readGovernance.ts";
import { chainRpcAt } from "../../orchestrator/deploy/chainRpc.ts";
import { defaultUpgraderDelaySec } from "../../orchestrator/deploy/deployToNetwork.ts";
import { assertChainId } from "../../orchestrator/deploy/onChain.ts";
import {
  freezeSteps,
  type GovernanceStep,
  handoverSteps,
  upgradeableNamed,
  type Upgrader,
  upgradeSteps,
} from "../../orchestrator/governance/steps.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { governanceRoles } from "../../protocol/governance/roles.ts";
import { command, type CommonFlags, run } from "../command.ts";
import { type Environment, requireDeployment, requireRpcUrl } from "../environment.ts";
import type { Outcome } from "../output.ts";

interface Flags extends CommonFlags {
  readonly by?: string;
  readonly from?: string;
  readonly to?: string;
  readonly adminDelay?: string;
}

/** `affiant governance upgrade`: the transactions of an upgrade, for those who sign them. */
export function governanceUpgradeCommand(): Command {
  return command("upgrade", "The transactions that announce and make an upgrade. Sends nothing.", "chain", [
    "affiant governance upgrade agentRegistry 0x<new implementation> --deployment deployments/11155111.json",
  ])
    .argument("<contract>", "as the deployment file names it")
    .argument("<implementation>", "address of the new code, deployed already")
    .option("--by <address>", "the upgrader (default: the only one)")
    .action(
      run<Flags, [string, string]>(async ({ environment }, { by }, contract, implementation) => {
        const { deployment, governance, ask } = await look(environment);
        const target = address("the implementation", implementation);
        if ((await ask("eth_getCode", target, "latest")) === "0x") {
          throw new AffiantError("ERR_INPUT_CONFIG", `there is no code at ${target}`);
        }
        return outcome(upgradeSteps(deployment, upgradeableNamed(contract), target, upgraderOf(governance, by)));
      }),
    );
}

/** `affiant governance freeze`: the transactions after which a contract's code cannot be replaced any more. */
export function governanceFreezeCommand(): Command {
  return command("freeze", "The transactions that give up a contract's upgrades for good. Sends nothing.", "chain", [
    "affiant governance freeze policyRegistry --deployment deployments/11155111.json",
  ])
    .argument("<contract>", "as the deployment file names it")
    .option("--by <address>", "the upgrader (default: the only one)")
    .action(
      run<Flags, [string]>(async ({ environment }, { by }, contract) => {
        const { deployment, governance } = await look(environment);
        return outcome(freezeSteps(deployment, upgradeableNamed(contract), upgraderOf(governance, by)));
      }),
    );
}

/** `affiant governance handover`: the transactions that give every role of one account to a multisig. */
export function governanceHandoverCommand(): Command {
  return command("handover", "The transactions that hand every role to a multisig. Sends nothing.", "chain", [
    "affiant governance handover --to 0x<multisig> --deployment deployments/11155111.json",
  ])
    .requiredOption("--to <address>", "the multisig")
    .option("--from <address>", "who holds the roles now (default: the deployer)")
    .option("--admin-delay <seconds>", "between what the new admin announces and does", `${defaultUpgraderDelaySec}`)
    .action(
      run<Flags, []>(async ({ environment }, { from, to, adminDelay }) => {
        const { deployment, governance, ask } = await look(environment);
        const target = address("--to", to ?? "");
        if ((await ask("eth_getCode", target, "latest")) === "0x") {
          throw new AffiantError("ERR_INPUT_CONFIG", `${target} is no contract: a handover is to a multisig`);
        }
        const holder = address("--from", from ?? deployment.deployer ?? "");
        const held = governance.roles.filter(({ members }) => members.some(({ account }) => account === holder));
        if (!held.some(({ id }) => id === "0")) {
          throw new AffiantError("ERR_INPUT_CONFIG", `${holder} is not admin: it has nothing to hand over`);
        }
        const upgraders = held.find(({ id }) => id === `${governanceRoles.upgrader.id}`)?.members ?? [];
        const kept = upgraders.find(({ account }) => account === holder)?.delaySec;
        return outcome(
          handoverSteps(deployment, {
            from: holder,
            to: target,
            held: held.map(({ id }) => BigInt(id)),
            adminDelaySec: Number(adminDelay),
            upgraderDelaySec: kept || defaultUpgraderDelaySec,
          }),
        );
      }),
    );
}

async function look(environment: Environment) {
  const deployment: Deployment = requireDeployment(environment);
  const rpc = chainRpcAt(requireRpcUrl(environment), { attempts: 4 });
  await assertChainId(rpc, BigInt(deployment.chainId), "the deployment");
  const ask = (method: string, ...params: readonly unknown[]) => rpc.request({ method, params });
  return { deployment, ask, governance: await readGovernance(ask, deployment) };
}

function upgraderOf({ roles }: Governance, by: string | undefined): Upgrader {
  const members = roles.find(({ id }) => id === `${governanceRoles.upgrader.id}`)?.members ?? [];
  const named = by === undefined ? members : members.filter(({ account }) => account === address("--by", by));
  const [only, second] = named;
  if (only && !second) return only;
  const what = by === undefined ? `there are ${members.length} upgraders` : `${by} is no upgrader`;
  throw new AffiantError("ERR_INPUT_CONFIG", what, { hint: "Give --by, one of whom `affiant governance show` names" });
}

function address(what: string, value: string): string {
  if (!isAddress(value)) throw new AffiantError("ERR_INPUT_CONFIG", `${what} is not an address`);
  return getAddress(value);
}

function outcome(steps: readonly GovernanceStep[]): Outcome {
  const lines = steps.flatMap(({ who, when, what, to, data }, index) => [
    `${index + 1}. ${what}`,
    `   who:  ${who}`,
    `   when: ${when}`,
    `   to:   ${to}`,
    `   data: ${data}`,
    "",
  ]);
  return { data: { steps }, lines: [...lines, "Then look: affiant governance show"] };
}
