import { attestationWorld, walletOf } from "../../../test/helpers/world/attestationWorld.ts";
import type { GasRow } from "./row.ts";

const target = 150_000;
/** The hash of a block is part of the draw, and the time is part of the hash: another draw walks the ring otherwise. */
const noise = 500;

/** What a round costs in a set of one size: the transaction that records a target's three verdicts, and the frame. */
export async function roundGas(agents: number): Promise<{ verdicts: number[]; frame: number; introduction: number }> {
  const world = await attestationWorld({ agents });
  // Here one transaction is one block: all targets have to be heard before the first seats close.
  const silenceDelay = 2 * agents + 100;
  const lengths = { drawDelay: 2, drawWindow: 100, silenceDelay, roundLength: silenceDelay + 1, trustLength: 100_000 };
  await world.send(world.deployer, "setSchedule", { ...lengths, revealDepth: 2 });
  const gas = async (sent: Promise<{ gasUsed: bigint }>): Promise<number> => Number((await sent).gasUsed);
  await world.register(walletOf(agents), agents);
  await world.enrol(walletOf(agents));
  const introduction = await gas(world.introduce(walletOf(agents).address));
  const measured = Math.min(agents, 12);
  let verdicts: number[] = [];
  let frame = 0;
  // The first round clears what introductions left behind; the second is as every later one.
  for (let round = 0; round < 2; round++) {
    const before = await world.ethers.provider.getBlockNumber();
    await world.openAndDraw();
    const all = round === 0 ? agents + 1 : measured;
    verdicts = [];
    for (let index = 0; index < all; index++) verdicts.push(await gas(world.recordPanel(walletOf(index).address)));
    await world.mine(lengths.roundLength + 1);
    await world.send(world.anyone, "closeRound");
    frame = await gasSince(world, before);
  }
  return { verdicts, frame, introduction };

  /** Of opening, drawing and closing: all transactions of the service's and of anyone's that are no verdicts. */
  async function gasSince({ ethers }: typeof world, block: number): Promise<number> {
    const head = await ethers.provider.getBlockNumber();
    let total = 0;
    for (let number = block + 1; number <= head; number++) {
      const found = await ethers.provider.getBlock(number);
      for (const hash of found?.transactions ?? []) {
        total += Number((await ethers.provider.getTransactionReceipt(hash))?.gasUsed ?? 0n);
      }
    }
    return total - verdicts.reduce((sum, one) => sum + one, 0);
  }
}

/** Attestation: verdicts at m = 3, everybody with an operator of its own, through the proxy. */
export async function measure(): Promise<readonly GasRow[]> {
  const [ten, hundred] = [await roundGas(10), await roundGas(100)];
  const mean = (values: readonly number[]): number => Math.round(values.reduce((a, b) => a + b, 0) / values.length);
  return [
    { name: "introduce an agent", gas: ten.introduction },
    { name: "a target's verdicts, 10 agents", gas: mean(ten.verdicts), target, noise },
    { name: "a target's verdicts, 100 agents", gas: mean(hundred.verdicts), target, noise },
    { name: "open, draw and close a round", gas: hundred.frame },
  ];
}
