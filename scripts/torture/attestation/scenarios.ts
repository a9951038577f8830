import { type Contract, Interface } from "ethers";

import { secretCommitment } from "../../../protocol/attestation/seed.ts";
import { iAttestationRegistryAbi } from "../../../protocol/generated/abi/IAttestationRegistry.ts";
import type { System } from "./system.ts";

/** What becomes of an attack on the rounds themselves. */
export interface Caught {
  readonly caught: boolean;
  /** What caught it, as the chain or the service say. */
  readonly by: string;
}

export interface Scenario {
  readonly name: string;
  readonly run: (system: System) => Promise<Caught>;
}

const abi = new Interface(iAttestationRegistryAbi);
const lost = { send: () => Promise.reject(new Error("the process ended")) };

export const scenarios: readonly Scenario[] = [
  { name: "a service that does not reveal the secret of a round", run: unrevealed },
  { name: "a second round opened while one is open", run: secondRound },
  { name: "verdicts of the round before, handed in again", run: oldVerdicts },
  { name: "a reorg between draw and record", run: reorg },
];

/** The service sees the draw it would get and stays silent: anyone puts that on record, and another round comes. */
async function unrevealed(system: System): Promise<Caught> {
  const number = await openNext(system);
  const { drawUntil } = (await system.reader.round()) ?? { drawUntil: 0 };
  await system.chain.mine(drawUntil + 1 - (await system.reader.blockNumber()));
  await system.stepUntil(() => system.roundIs("closed", number + 1), 400);
  const voided = await system.registry.queryFilter("RoundVoided", 0);
  const ours = voided.filter((event) => "args" in event && Number(event.args["round"]) === number);
  const alerted = system.alerts.some(({ kind, round }) => kind === "round-void" && round === number);
  return { caught: ours.length === 1 && alerted, by: `event RoundVoided for round ${number}, alert round-void` };
}

async function secondRound(system: System): Promise<Caught> {
  const number = await openNext(system);
  const from = await serviceOf(system);
  const by = await refusalOf(system.registry, "openRound", [secretCommitment(`0x${"01".repeat(32)}`)], from);
  await system.stepUntil(() => system.roundIs("closed", number), 400);
  return { caught: by === "RoundStillOpen", by: `the contract: ${by}` };
}

/** Verdicts that were good once: for their own round it is over, and for the next one they are not signed. */
async function oldVerdicts(system: System): Promise<Caught> {
  const records = await system.registry.queryFilter("AttestationRecorded", 0);
  const last = records.filter((event) => "args" in event && event.args["round"] > 0n).at(-1);
  const old = abi.parseTransaction({ data: (await last?.getTransaction())?.data ?? "0x" });
  const number = await openNext(system);
  await system.stepUntil(() => system.roundIs("drawn", number), 400);
  const [round, target, verdicts] = old?.args.toArray(true) ?? [];
  const same = await refusalOf(system.registry, "recordVerdicts", [round, target, verdicts]);
  const moved = await refusalOf(system.registry, "recordVerdicts", [number, target, verdicts]);
  await system.stepUntil(() => system.roundIs("closed", number), 400);
  // Whoever stands first on the new panel: either none of the old verifiers, or one whose signature is for another draw.
  const caught = same === "WrongRound" && ["InvalidSignature", "VerdictMissing", "NotOnPanel"].includes(moved);
  return { caught, by: `the contract: ${same} as it was, ${moved} under the new round's number` };
}

/** All verdicts are in, and then the block that was drawn from is gone. */
async function reorg(system: System): Promise<Caught> {
  const number = await openNext(system);
  const before = await system.chain.rpc("evm_snapshot");
  await system.stepUntil(() => system.roundIs("drawn", number), 400);
  const seed = (await system.reader.round())?.seed;
  system.restartService({ sender: lost });
  await system.service.step();
  await system.chain.rpc("evm_revert", before);
  await system.chain.rpc("evm_increaseTime", 60);
  system.restartService();
  await system.stepUntil(() => system.roundIs("closed", number), 400);
  const round = await system.reader.round();
  const caught = round?.seed !== seed && round?.settled === round?.size;
  return { caught, by: `another seed: all ${round?.size} agents were judged anew, by the verifiers of the new draw` };
}

async function openNext(system: System): Promise<number> {
  const number = ((await system.reader.round())?.number ?? 0) + 1;
  await system.stepUntil(() => system.roundIs("opened", number), 400);
  return number;
}

async function serviceOf(system: System): Promise<string> {
  const [event] = await system.registry.queryFilter("RoundOpened", 0);
  return event && "args" in event ? String(event.args["openedBy"]) : "";
}

/** The name of the error with which the contract would refuse a call; empty if it would not. */
async function refusalOf(registry: Contract, name: string, args: readonly unknown[], from?: string): Promise<string> {
  try {
    await registry.getFunction(name).staticCall(...args, ...(from === undefined ? [] : [{ from }]));
    return "";
  } catch (error) {
    const { data } = error as { data?: string };
    return (data && (abi.parseError(data)?.name ?? data.slice(0, 10))) || String(error);
  }
}
