import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Contract, type EventLog, JsonRpcProvider } from "ethers";

import type { Pipeline } from "../../../orchestrator/descriptor/pipeline.ts";
import { groupNameOf } from "../../../orchestrator/fleet/programs.ts";
import type { Endpoints } from "../../../orchestrator/start/endpoints.ts";
import { type Incumbent, Records } from "../../../orchestrator/state/records.ts";
import { StateFile, stateFileIn } from "../../../orchestrator/state/stateFile.ts";
import { parseDeployment } from "../../../protocol/deployment.ts";
import { groupIdOf } from "../../../protocol/escrow/ids.ts";
import { iAgentRegistryAbi } from "../../../protocol/generated/abi/IAgentRegistry.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";

/** What has to be so in the end, whatever was killed on the way. @returns what is not, in words */
export async function faultsOf(pipeline: Pipeline, dataDir: string): Promise<readonly string[]> {
  const { rpcUrl, deploymentPath } = JSON.parse(readFileSync(join(dataDir, "endpoints.json"), "utf8")) as Endpoints;
  const { contracts } = parseDeployment(readFileSync(deploymentPath, "utf8"));
  const provider = new JsonRpcProvider(rpcUrl, undefined, { staticNetwork: true });
  const state = new StateFile(stateFileIn(dataDir));
  try {
    const history = new Records(state).history();
    const at = (name: keyof typeof contracts, abi: ConstructorParameters<typeof Contract>[1]) =>
      new Contract(contracts[name].address, abi, provider);
    const attestation = at("attestationRegistry", iAttestationRegistryAbi);
    return [
      ...placesOf(pipeline, history),
      ...(await enrolments(attestation, history)),
      ...(await registrations(at("agentRegistry", iAgentRegistryAbi), history)),
      ...(await groups(pipeline, at("keyEscrow", keyEscrowAbi), history)),
    ];
  } finally {
    state.close();
    provider.destroy();
  }
}

function placesOf({ agents }: Pipeline, history: readonly Incumbent[]): string[] {
  return agents.flatMap(({ name }) => {
    const holders = history.filter(({ agent }) => agent === name);
    const [only] = holders;
    if (holders.length !== 1) return [`${name} had ${holders.length} identities`];
    return only?.state === "attested" ? [] : [`${name} is ${only?.state ?? "nobody"}`];
  });
}

async function eventsOf(contract: Contract, name: string): Promise<readonly EventLog[]> {
  const filter = contract.filters[name];
  return filter ? ((await contract.queryFilter(filter(), 0)) as EventLog[]) : [];
}

async function enrolments(registry: Contract, history: readonly Incumbent[]): Promise<string[]> {
  const faults: string[] = [];
  const enrolled = (await eventsOf(registry, "AgentEnrolled")).map(({ args }) => String(args[0]).toLowerCase());
  for (const { folder, address = "" } of history) {
    const times = enrolled.filter((one) => one === address.toLowerCase()).length;
    if (times !== 1) faults.push(`${folder} was enrolled ${times} times`);
    const trusted = (await registry.getFunction("isTrusted").staticCall(address)) as boolean;
    if (!trusted) faults.push(`${folder} is not trusted on chain`);
  }
  const strangers = enrolled.filter((one) => !history.some(({ address }) => address?.toLowerCase() === one));
  return [...faults, ...strangers.map((one) => `${one} is enrolled, and nobody knows it`)];
}

/** The orchestrator is an agent as well; beside it and the pipeline's there is nobody. */
async function registrations(registry: Contract, history: readonly Incumbent[]): Promise<string[]> {
  const registered = await eventsOf(registry, "AgentRegistered");
  const wanted = history.length + 1;
  return registered.length === wanted ? [] : [`${registered.length} identities are registered instead of ${wanted}`];
}

async function groups(pipeline: Pipeline, escrow: Contract, history: readonly Incumbent[]): Promise<string[]> {
  const faults: string[] = [];
  for (const group of pipeline.groups) {
    const name = groupNameOf(pipeline, group.name);
    const id = groupIdOf(name);
    const entitled = history
      .filter(({ agent }) => group.members.includes(agent))
      .map(({ address = "" }) => address.toLowerCase());
    const [last, current] = (await escrow.getFunction("viewOf").staticCall(id)) as [bigint, boolean];
    if (!current) faults.push(`${name} has no current epoch`);
    for (let epoch = 1n; epoch <= last; epoch++) {
      const holders = (await escrow.getFunction("membersOfEpoch").staticCall(id, epoch)) as readonly string[];
      const strangers = [...holders].filter((one) => !entitled.includes(one.toLowerCase()));
      if (strangers.length > 0) faults.push(`${name}'s epoch ${epoch} was given to ${strangers.join(", ")}`);
      if (epoch === last && holders.length !== entitled.length) {
        faults.push(`${name}'s key is held by ${holders.length} of ${entitled.length}`);
      }
    }
  }
  return faults;
}
