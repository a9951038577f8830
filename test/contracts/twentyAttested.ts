import { expect } from "chai";

import {
  type AttestationResult,
  type AttestationStatus,
  attestationStatuses,
} from "../../protocol/attestation/types.ts";
import { type AttestationWorld, attestationWorld, walletOf } from "../helpers/world/attestationWorld.ts";

/** What the registry says of an agent. */
export interface Standing {
  status: bigint;
  version: bigint;
  expiresAtBlock: bigint;
  recordIndex: bigint;
}

export const addressOf = (index: number): string => walletOf(index).address;

/**
 * An AttestationRegistry of twenty attested agents, the same at the start of each test of a `describe`, and what tests do
 * with it. Agents are named by index. Call inside `describe`; the world is there once its tests run.
 */
export function twentyAttested() {
  let world: AttestationWorld;
  let restore: () => Promise<void>;

  before(async () => {
    world = await attestationWorld({ agents: 20 });
    const snapshot = await world.networkHelpers.takeSnapshot();
    restore = () => snapshot.restore();
  });
  beforeEach(() => restore());

  const status = async (index: number): Promise<AttestationStatus | undefined> => {
    return attestationStatuses[Number((await world.read<Standing>("statusOf", addressOf(index))).status)];
  };
  const isTrusted = (index: number) => world.read<boolean>("isTrusted", addressOf(index));
  const record = (target: number, said: readonly (readonly [string, AttestationResult])[]) => {
    return world.record(addressOf(target), said);
  };
  /** The verifiers in turn, those at `liars` saying something else than the others. */
  const said = (
    verifiers: string[],
    from: number,
    count: number,
    result: AttestationResult,
    other: AttestationResult = result,
    liars: number[] = [],
  ) =>
    verifiers.slice(from, from + count).map((verifier, i) => [verifier, liars.includes(i) ? other : result] as const);
  const reverts = (sent: Promise<unknown>, error: string, ...args: unknown[]) => {
    return expect(sent)
      .to.be.revertedWithCustomError(world.registry, error)
      .withArgs(...args);
  };
  /** Everything recorded as passed, but for those left out; then the round is closed if all are. */
  const passAll = async (except: number[] = []) => {
    for (let i = 0; i < 20; i++) if (!except.includes(i)) await world.recordPanel(addressOf(i));
  };
  /** The verifiers of an agent, but for some. */
  const without = async (index: number, excluded: readonly number[]): Promise<string[]> => {
    const { verifiers } = await world.panel(addressOf(index));
    return verifiers.filter((verifier) => !excluded.map(addressOf).includes(verifier));
  };
  const convict = async (index: number) => {
    const { verifiers } = await world.panel(addressOf(index));
    await record(index, said(verifiers, 0, 1, "fail"));
    await record(index, said(verifiers, 3, 4, "fail"));
  };

  return {
    get world() {
      return world;
    },
    status,
    isTrusted,
    record,
    said,
    reverts,
    passAll,
    without,
    convict,
  };
}
