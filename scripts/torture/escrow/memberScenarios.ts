import type { JsonRpcProvider } from "ethers";

import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";
import { rotateAfterTampering } from "./rotation.ts";
import { codeOf, type Outcome, type Scenario } from "./scenario.ts";

const nothing = new Uint8Array(1);

export const memberScenarios: readonly Scenario[] = [
  { name: "member offline through two rotations", run: sleepsThroughTwo },
  { name: "stale chain view: the endpoint does not answer", run: endpointAway },
  { name: "stale chain view: the endpoint stands still", run: endpointStands },
  { name: "member removed by the orchestrator", run: removed },
];

/** The last of all: it costs the group a member. */
export const conviction: Scenario = { name: "member convicted while opening its key", run: convictedWhileOpening };

async function sleepsThroughTwo(world: EscrowWorld): Promise<Outcome> {
  const [a, b] = world.members as [WorldMember, WorldMember];
  const { epoch } = await b.group.currentEpoch();
  const early = await a.group.seal(b.address, nothing);
  for (let i = 0n; i < 2n; i++) {
    world.keeper.demandRotation(epoch + i);
    await world.keeper.step();
  }
  const said = await world.say(a, b, "awake");
  const old = await codeOf(b.group.open(early));
  const holds = said.epoch === epoch + 2n && old === "ERR_AUTH_EPOCH_STALE";
  return { holds, detail: `had ${epoch}, talks under ${said.epoch}; what was sent to it under ${epoch}: ${old}` };
}

/** What was known a moment ago counts for nothing. */
async function endpointAway(world: EscrowWorld): Promise<Outcome> {
  const [a, b] = world.members as [WorldMember, WorldMember];
  const message = await a.group.seal(b.address, nothing);
  await b.group.currentEpoch();
  const { provider } = world.system.chain;
  const [sealing, opening] = await instead(
    provider,
    () => Promise.reject(new Error("the endpoint is away")),
    async () => [await codeOf(b.group.seal(a.address, nothing)), await codeOf(b.group.open(message))] as const,
  );
  const after = await codeOf(b.group.open(message));
  const closed = sealing === "ERR_UNAVAILABLE_CHAIN_VIEW" && opening === "ERR_UNAVAILABLE_CHAIN_VIEW";
  const detail = `seal ${sealing}, open ${opening}; with the chain back: ${after}`;
  return { holds: closed && after === "no error", detail };
}

/** An endpoint that answers, but from a block of the past: a message from another member gives it away. */
async function endpointStands(world: EscrowWorld): Promise<Outcome> {
  const [a, b] = world.members as [WorldMember, WorldMember];
  const { provider } = world.system.chain;
  await b.group.currentEpoch();
  const stoodAt = await world.system.reader.blockNumber();
  await world.system.chain.mine(11); // one more than members allow for by default
  const message = await a.group.seal(b.address, nothing);
  const send = provider.send.bind(provider);
  const block = `0x${stoodAt.toString(16)}`;
  const past = (method: string, parameters: unknown[] | Record<string, unknown>): Promise<unknown> => {
    if (method === "eth_blockNumber") return Promise.resolve(block);
    const then = method === "eth_call" && Array.isArray(parameters) ? [parameters[0], block] : parameters;
    return send(method, then);
  };
  const opening = await instead(provider, past, () => codeOf(b.group.open(message)));
  const after = await codeOf(b.group.open(message));
  const detail = `open ${opening}; with a live endpoint: ${after}`;
  return { holds: opening === "ERR_UNAVAILABLE_CHAIN_VIEW" && after === "no error", detail };
}

/** Who goes loses the epoch in that block, and the rest have the next one. */
async function removed(world: EscrowWorld): Promise<Outcome> {
  const [a, b, last] = world.members as [WorldMember, WorldMember, WorldMember];
  const before = await world.lastEpoch();
  const early = await last.group.seal(a.address, nothing);
  world.wanted = [a.address, b.address];
  try {
    const step = await codeOf(world.keeper.step());
    if (step !== "no error") return { holds: false, detail: `the keeper could not take it out: ${step}` };
    const { epoch } = await world.say(a, b, "without it");
    const [talks, heard] = [await codeOf(last.group.seal(a.address, nothing)), await codeOf(a.group.open(early))];
    const holds = epoch === before + 1n && talks === "ERR_UNAVAILABLE_KEY" && heard === "ERR_AUTH_EPOCH_STALE";
    return { holds, detail: `epoch ${before} -> ${epoch}; it gets ${talks}, what it sent before ${heard}` };
  } finally {
    world.wanted = [a.address, b.address, last.address];
    await world.keeper.step();
  }
}

/**
 * The member holds its sealed key in its hands and opens it only after its conviction: the key that comes out is of no use
 * any more, and the next one is not for it.
 */
async function convictedWhileOpening(world: EscrowWorld): Promise<Outcome> {
  const { system } = world;
  const [a, b, last] = world.members as [WorldMember, WorldMember, WorldMember];
  const before = await world.lastEpoch();
  const early = await last.group.seal(a.address, nothing);
  let mayOpen: () => void = () => undefined;
  let hasFetched: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (mayOpen = resolve));
  const fetched = new Promise<void>((resolve) => (hasFetched = resolve));
  const again = world.join(last.agent, {
    recipientKeys: async () => {
      hasFetched();
      await gate;
      return world.recipientKeysOf(last.agent);
    },
  });
  const opening = codeOf(again.group.currentEpoch());
  await fetched;
  const rotation = await rotateAfterTampering(world, last.address);
  await system.stepUntil(async () => (await system.status(last.agent)) === "convicted", 400);
  mayOpen();
  const opened = await opening;
  const talks = await codeOf(again.group.seal(a.address, nothing));
  const heard = await codeOf(a.group.open(early));
  const { epoch } = await world.say(a, b, "without it");
  const held = await world.holdersOf(epoch);
  const holds =
    rotation.blocks <= 3 &&
    epoch > before &&
    talks === "ERR_UNAVAILABLE_KEY" &&
    heard === "ERR_AUTH_EPOCH_STALE" &&
    !held.includes(last.address);
  const cutOff = `opening: ${opened}; sending: ${talks}; what it sent before: ${heard}`;
  const next = `epoch ${epoch} without it ${rotation.blocks} block(s) after the quarantine, in use after ${Math.round(rotation.inUseMs)} ms`;
  return { holds, detail: `${cutOff}; ${next}` };
}

/** Has a provider answer otherwise for as long as something runs. */
async function instead<T>(
  provider: JsonRpcProvider,
  send: (method: string, parameters: unknown[] | Record<string, unknown>) => Promise<unknown>,
  run: () => Promise<T>,
): Promise<T> {
  const own = provider.send;
  provider.send = send;
  try {
    return await run();
  } finally {
    provider.send = own;
  }
}
