import { getAddress, type LogDescription, toBeHex } from "ethers";

import { type DeployedContractName, type Deployment, deployedContractNames } from "../../protocol/deployment.ts";
import {
  adminRoleId,
  type GovernanceRole,
  governanceRoleNames,
  governanceRoles,
  publicRoleId,
  type RoleFunctions,
  selectorOf,
  upgradeableContracts,
} from "../../protocol/governance/roles.ts";
import type { Governance, GovernanceEvent, GovernedContract, PendingOperation, RoleState } from "./governance.ts";
import { accessManagerInterface, callInWords, governedInterface } from "./governanceAbi.ts";
import { circuitsIn } from "./circuits.ts";
import { warningsOf } from "./warnings.ts";

/** Asks a node by JSON-RPC. */
export type Ask = (method: string, ...params: readonly unknown[]) => Promise<unknown>;

export interface ReadOptions {
  /** Blocks asked for at once; endpoints limit it. */
  readonly logRange?: number;
}

const everyRole: readonly GovernanceRole[] = governanceRoleNames.map((name) => governanceRoles[name]);

/**
 * Reads who may do what from the chain alone: events name the accounts, functions and announcements there are, and the
 * manager itself answers, at one block, what each of them is worth now.
 */
export async function readGovernance(ask: Ask, deployment: Deployment, options: ReadOptions = {}): Promise<Governance> {
  const block = (await ask("eth_getBlockByNumber", "latest", false)) as { number: string; timestamp: string };
  const [blockNumber, blockSec] = [Number(block.number), Number(block.timestamp)];
  const events = await readEvents(ask, deployment, blockNumber, options.logRange ?? 10_000);
  const reader = new ManagerReader(ask, deployment, blockNumber);
  const roles = await reader.roles(events);
  const contracts = await Promise.all(upgradeableContracts.map((name) => reader.contract(name, events)));
  const state = {
    chainId: deployment.chainId,
    blockNumber,
    blockSec,
    roles,
    pending: await reader.pending(events, blockSec),
    contracts,
    circuits: circuitsIn(events),
  };
  return { ...state, warnings: [...warningsOf(state, deployment), ...(await reader.otherAuthorities())] };
}

async function readEvents(ask: Ask, { contracts }: Deployment, to: number, range: number) {
  const address = ["accessManager", "verifierRegistry", ...upgradeableContracts].map(
    (name) => contracts[name as DeployedContractName].address,
  );
  const events: GovernanceEvent[] = [];
  for (let from = contracts.accessManager.blockNumber; from <= to; from += range) {
    const [fromBlock, toBlock] = [from, Math.min(to, from + range - 1)].map((block) => toHexQuantity(block));
    const logs = (await ask("eth_getLogs", { address, fromBlock, toBlock })) as {
      address: string;
      blockNumber: string;
      topics: string[];
      data: string;
    }[];
    for (const { topics, data, ...where } of logs) {
      const isManager = getAddress(where.address) === contracts.accessManager.address;
      const log = (isManager ? accessManagerInterface : governedInterface).parseLog({ topics, data });
      if (log) events.push({ address: getAddress(where.address), blockNumber: Number(where.blockNumber), log });
    }
  }
  return events;
}

class ManagerReader {
  readonly #ask: Ask;
  readonly #deployment: Deployment;
  readonly #block: string;

  constructor(ask: Ask, deployment: Deployment, blockNumber: number) {
    this.#ask = ask;
    this.#deployment = deployment;
    this.#block = toHexQuantity(blockNumber);
  }

  async roles(events: readonly GovernanceEvent[]): Promise<readonly RoleState[]> {
    const ids = new Set([adminRoleId, ...everyRole.map(({ id }) => id)]);
    const accounts = new Map<bigint, Set<string>>();
    for (const { log } of events) {
      if (log.name === "TargetFunctionRoleUpdated") ids.add(log.args["roleId"] as bigint);
      if (log.name !== "RoleGranted") continue;
      const id = log.args["roleId"] as bigint;
      ids.add(id);
      accounts.set(id, (accounts.get(id) ?? new Set()).add(log.args["account"] as string));
    }
    const functions = await this.#functions(events);
    return await Promise.all(
      [...ids]
        .sort((a, b) => (a < b ? -1 : 1))
        .map(async (id) => {
          const known = everyRole.find((role) => role.id === id);
          const members = await Promise.all([...(accounts.get(id) ?? [])].map((account) => this.#member(id, account)));
          return {
            id: `${id}`,
            name: id === adminRoleId ? "admin" : id === publicRoleId ? "everybody" : (known?.label ?? `role ${id}`),
            words:
              id === adminRoleId
                ? "grants and takes every role, and says which function belongs to which"
                : (known?.words ?? "(not a role of this deployment's plan)"),
            members: members.filter((member) => member !== undefined),
            guardian: String(await this.#view("getRoleGuardian", id)),
            admin: String(await this.#view("getRoleAdmin", id)),
            grantDelaySec: Number(await this.#view("getRoleGrantDelay", id)),
            functions: functions.filter(({ role }) => role === id).map(({ role: _, ...named }) => named),
          };
        }),
    );
  }

  async #member(role: bigint, account: string) {
    const access = accessManagerInterface.decodeFunctionResult(
      "getAccess",
      await this.#call("getAccess", role, account),
    );
    const [sinceSec, delaySec, pendingSec, effectSec] = access.map(Number) as [number, number, number, number];
    if (sinceSec === 0) return undefined;
    const pending = effectSec === 0 ? {} : { pendingDelay: { delaySec: pendingSec, fromSec: effectSec } };
    return { account: getAddress(account), sinceSec, delaySec, ...pending };
  }

  /** Every function of the plan and every one that an event names, with the role that it belongs to now. */
  async #functions(events: readonly GovernanceEvent[]) {
    const asked = new Map<string, { contract: string; target: string; selector: string; function: string }>();
    for (const { functions } of everyRole) {
      for (const [contract, signatures] of Object.entries(functions as RoleFunctions)) {
        for (const signature of signatures) {
          const target = this.#deployment.contracts[contract as DeployedContractName].address;
          const selector = selectorOf(signature);
          asked.set(target + selector, { contract, target, selector, function: signature });
        }
      }
    }
    for (const { log } of events.filter((event) => event.log.name === "TargetFunctionRoleUpdated")) {
      const [target, selector] = [getAddress(log.args["target"] as string), log.args["selector"] as string];
      const key = target + selector;
      if (!asked.has(key)) asked.set(key, { contract: this.#nameOf(target), target, selector, function: selector });
    }
    return await Promise.all(
      [...asked.values()].map(async ({ contract, target, selector, function: name }) => ({
        contract,
        function: name,
        role: BigInt(String(await this.#view("getTargetFunctionRole", target, selector))),
      })),
    );
  }

  async pending(events: readonly GovernanceEvent[], nowSec: number): Promise<readonly PendingOperation[]> {
    const open = new Map<string, LogDescription>();
    for (const { log } of events) {
      if (log.name === "OperationScheduled") open.set(log.args["operationId"] as string, log);
      if (log.name === "OperationExecuted" || log.name === "OperationCanceled") {
        open.delete(log.args["operationId"] as string);
      }
    }
    const expiration = Number(await this.#view("expiration"));
    return [...open].map(([id, { args }]) => {
      const readyAtSec = Number(args["schedule"]);
      const expiresAtSec = readyAtSec + expiration;
      return {
        id,
        caller: getAddress(args["caller"] as string),
        target: this.#nameOf(getAddress(args["target"] as string)),
        call: callInWords(args["data"] as string),
        readyAtSec,
        expiresAtSec,
        state: nowSec >= expiresAtSec ? "expired" : nowSec >= readyAtSec ? "ready" : "waiting",
      };
    });
  }

  async contract(contract: DeployedContractName, events: readonly GovernanceEvent[]): Promise<GovernedContract> {
    const { address } = this.#deployment.contracts[contract];
    const own = events.filter((event) => event.address === address);
    const upgraded = own.filter(({ log }) => log.name === "Upgraded");
    return {
      contract,
      implementation: getAddress(String(upgraded.at(-1)?.log.args["implementation"])),
      setAtBlocks: upgraded.map(({ blockNumber }) => blockNumber),
      frozen: own.some(({ log }) => log.name === "UpgradesFrozen"),
      closed: Boolean(await this.#view("isTargetClosed", address)),
    };
  }

  /** A contract that listens to another manager is governed by rules that are not shown here. */
  async otherAuthorities(): Promise<readonly string[]> {
    const { accessManager } = this.#deployment.contracts;
    const governed = deployedContractNames.filter((name) => name !== "accessManager" && name !== "logAnchor");
    const answers = await Promise.all(
      governed.map(async (name) => {
        const to = this.#deployment.contracts[name].address;
        const answer = (await this.#ask("eth_call", { to, data: selectorOf("authority()") }, this.#block)) as string;
        return { name, authority: getAddress(`0x${answer.slice(-40)}`) };
      }),
    );
    return answers
      .filter(({ authority }) => authority !== accessManager.address)
      .map(({ name, authority }) => `${name} is governed by ${authority}, not by the manager of this deployment`);
  }

  #nameOf(address: string): string {
    return deployedContractNames.find((name) => this.#deployment.contracts[name].address === address) ?? address;
  }

  async #call(name: string, ...args: readonly unknown[]): Promise<string> {
    const data = accessManagerInterface.encodeFunctionData(name, args);
    const to = this.#deployment.contracts.accessManager.address;
    return (await this.#ask("eth_call", { to, data }, this.#block)) as string;
  }

  async #view(name: string, ...args: readonly unknown[]): Promise<unknown> {
    return accessManagerInterface.decodeFunctionResult(name, await this.#call(name, ...args))[0] as unknown;
  }
}

function toHexQuantity(value: number): string {
  return value === 0 ? "0x0" : toBeHex(value).replace(/^0x0+/, "0x");
}
