import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { toHex } from "../../../protocol/encoding/hex.ts";
import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";
import { deaths, type Death, type PublisherSettings } from "./publisherProcess.ts";
import type { Outcome, Scenario } from "./scenario.ts";

/** anvil's first account, which holds the orchestrator's role here. */
const orchestratorKey = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/** A publisher that rotates is killed at each step; another process takes over with nothing but the chain and its key. */
export const publisherDeaths: readonly Scenario[] = deaths.map((death) => ({
  name: `publisher dies ${death}`,
  run: (world) => publisherDies(world, death),
}));

async function publisherDies(world: EscrowWorld, death: Death): Promise<Outcome> {
  const { system } = world;
  const [a, b] = world.members as [WorldMember, WorldMember];
  const before = await world.lastEpoch();
  const killed = (await runPublisher(world, death, before)) === null;
  const between = await world.lastEpoch();
  const exit = await runPublisher(world, "none", before);
  system.chain.deployer.reset(); // they sent from the same account
  const after = await world.lastEpoch();
  const said = await world.say(a, b, death);
  // One new epoch, whoever of the two published it, and its key is there to be opened.
  const holds = killed && exit === 0 && after === before + 1n && said.epoch === after;
  const how = `epoch ${before}, ${between} after its death, ${after} after the next run (exit ${exit})`;
  return { holds, detail: `${killed ? "killed" : "NOT killed"}; ${how}; members talk under ${said.epoch}` };
}

/** @returns the exit code, null if it was killed */
async function runPublisher(world: EscrowWorld, death: Death, leave: bigint): Promise<number | null> {
  const { system, group } = world;
  const settings: PublisherSettings = {
    rpcUrl: system.chain.url,
    relayerUrl: world.relayer.url,
    deploymentPath: join(world.home.dir, "deployment.json"),
    account: orchestratorKey,
    publisherPrivateKey: toHex(world.publisherPrivateKey),
    group: group.group,
    members: world.wanted,
    leave: leave.toString(),
    wrappers: Object.fromEntries(system.agents.map(({ account, server }) => [account.address, server?.url ?? ""])),
    death,
  };
  const program = join(import.meta.dirname, "publisherProcess.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code;
}
