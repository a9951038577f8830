import { unpackRecord } from "../../../protocol/attestation/record.ts";
import { candidateCount } from "../../../protocol/attestation/panel.ts";
import { attestationWorld } from "../../../test/helpers/world/attestationWorld.ts";
import { delayed, isBadOf } from "./playRounds.ts";
import { type Call, type Played, playTarget, roundLength, silenceDelay } from "./playTarget.ts";
import type { Strategy } from "./strategies.ts";

export interface Replayed {
  readonly rounds: number;
  readonly targets: number;
  /** What differed: none, if the model may be believed. */
  readonly differences: readonly string[];
}

/** Plays rounds on the deployed contracts, draw included, call by call in the blocks of the model, and compares. */
export async function replay(
  size: number,
  plan: readonly Strategy[],
  share: number,
  random: () => number,
): Promise<Replayed> {
  const world = await attestationWorld({ agents: size });
  const lengths = { drawDelay: 2, drawWindow: 100, silenceDelay, roundLength: roundLength + 10, trustLength: 7200 };
  await world.send(world.deployer, "setSchedule", { ...lengths, revealDepth: 2 });
  const snapshot = await world.networkHelpers.takeSnapshot();
  const differences: string[] = [];
  const addresses = world.wallets.map(({ address }) => address);
  for (const [number, strategy] of plan.entries()) {
    await snapshot.restore();
    // Another block hash, and so another draw, each time.
    await world.mine(1 + number);
    const bad = new Set(addresses.filter((_, i) => isBadOf(size, share)[i]));
    const round = await world.openAndDraw();
    const { silentFrom } = await world.read<{ silentFrom: bigint }>("roundAt", round);
    const drawnAt = Number(silentFrom) - silenceDelay;
    const games = new Map<string, { readonly played: Played; readonly verifiers: readonly string[] }>();
    for (const address of addresses) {
      const { verifiers } = await world.panel(address);
      const drawn = verifiers.map((one) => ({ isBad: bad.has(one), isDelayed: random() < delayed }));
      const played = playTarget({ isBad: bad.has(address), drawn, candidates: candidateCount(size) }, strategy);
      games.set(address, { played, verifiers });
    }
    await sendAll(drawnAt, round, games);
    differences.push(...(await compare(strategy, number, round, drawnAt, games)));
  }
  return { rounds: plan.length, targets: plan.length * size, differences };

  async function sendAll(drawnAt: number, round: number, games: ReadonlyMap<string, Game>): Promise<void> {
    const { provider } = world.ethers;
    const due = [...games].flatMap(([target, { played, verifiers }]) => {
      return played.calls.map((call) => ({ target, call, verifiers }));
    });
    due.sort((a, b) => a.call.block - b.call.block);
    await provider.send("evm_setAutomine", [false]);
    let nonce = await world.anyone.getNonce();
    for (let i = 0; i < due.length;) {
      const { block } = (due[i] as { call: Call }).call;
      const now = await provider.getBlockNumber();
      if (drawnAt + block - 1 > now) await world.mine(drawnAt + block - 1 - now);
      const sent: { readonly target: string; readonly call: Call; readonly hash: string }[] = [];
      for (; i < due.length && due[i]?.call.block === block; i++) {
        const { target, call, verifiers } = due[i] as (typeof due)[number];
        const said = call.said.map(([seat, result]) => [verifiers[seat] as string, result] as const);
        const all = call.service ? [...said, [world.service.address, call.service] as const] : said;
        const verdicts = await world.verdicts(target, all);
        const record = world.registry.getFunction("recordVerdicts");
        const { hash } = await record(round, target, verdicts, { gasLimit: 1_000_000, nonce: nonce++ });
        sent.push({ target, call, hash });
      }
      await world.mine(1);
      for (const { target, call, hash } of sent) {
        const status = (await provider.getTransactionReceipt(hash))?.status;
        if (status !== (call.isRefused ? 0 : 1)) differences.push(`${target}, block ${call.block}: status ${status}`);
      }
    }
    await provider.send("evm_setAutomine", [true]);
  }

  async function compare(
    { name }: Strategy,
    number: number,
    round: number,
    drawnAt: number,
    games: ReadonlyMap<string, Game>,
  ): Promise<string[]> {
    const found: string[] = [];
    const struck = new Set<string>();
    for (const [address, { played, verifiers }] of games) {
      const { recordIndex } = await world.read<{ recordIndex: bigint }>("statusOf", address);
      const records = await world.read<[readonly bigint[], readonly bigint[]]>("history", address, 0, 4);
      const ofRound = records[1].map(unpackRecord).find((one) => one.round === round && one.kind !== "silenced");
      const end = ofRound?.kind ?? "open";
      if (end !== played.end)
        found.push(`${name}, round ${number}, ${address} (record ${recordIndex}): ${end}, not ${played.end}`);
      for (const seat of played.struck) struck.add(verifiers[seat] as string);
    }
    const events = await world.registry.queryFilter("VerifierStruck", drawnAt);
    const onChain = events
      .map((event) => String((event as unknown as { args: { verifier: string } }).args.verifier))
      .sort();
    const expected = [...struck].sort();
    if (onChain.join() !== expected.join())
      found.push(`${name}, round ${number}: struck ${onChain.join()}, not ${expected.join()}`);
    return found;
  }
}

interface Game {
  readonly played: Played;
  readonly verifiers: readonly string[];
}
