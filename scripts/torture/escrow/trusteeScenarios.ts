import { randomBytes } from "node:crypto";

import { Interface, type Wallet } from "ethers";

import type { Delivery } from "../../../agent/escrow/receiveKey.ts";
import { dealShares, type Dealt } from "../../../orchestrator/escrow/dealShares.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { combine, isShareOf, publicPointOf, type Share } from "../../../protocol/escrow/feldman.ts";
import { recoveryRequestId } from "../../../protocol/escrow/ids.ts";
import { sealedHashOf } from "../../../protocol/escrow/sealedKey.ts";
import {
  openShare,
  type OpenShareInput,
  proveBadShare,
  sealShare,
  verifyBadShare,
} from "../../../protocol/escrow/sealedShare.ts";
import { sealedTree } from "../../../protocol/escrow/sealedTree.ts";
import { keyEscrowAbi } from "../../../protocol/generated/abi/KeyEscrow.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";
import { codeOf, type Outcome, type Scenario } from "./scenario.ts";
import { mined } from "../../../orchestrator/chain/mined.ts";

const threshold = 3;
const holders = 5;
const escrowInterface = new Interface(keyEscrowAbi);

export const trusteeScenarios: readonly Scenario[] = [
  { name: "t - 1 colluding trustees, with what they hold", run: tooFewShares },
  { name: "t - 1 colluding trustees, on the chain", run: tooFewApprovals },
  { name: "one flipped bit in a share", run: flippedShare },
  { name: "one flipped bit in a sealed share", run: flippedSealedShare },
];

interface Trustees {
  readonly dealt: Dealt;
  /** What each one opens, in the order of the contract's list. */
  readonly openings: readonly OpenShareInput[];
  readonly shares: readonly Share[];
  readonly wallets: readonly Wallet[];
}

async function trusteesOf(world: EscrowWorld): Promise<Trustees> {
  const { group, random } = world;
  const wallets = await Promise.all(Array.from({ length: holders }, () => world.stranger()));
  const keys = new Map(wallets.map(({ address }) => [address, random(32)]));
  const dealt = await dealShares({
    group,
    generation: 1n,
    trustees: [...keys].map(([address, key]) => ({ address, encryptionKey: encryptionKeyOf(key) })),
    threshold,
    dealerPrivateKey: world.publisherPrivateKey,
    random,
  });
  const openings = dealt.trustees.map((trustee, i) => ({
    seat: { group, generation: 1n, trustee, index: i + 1, commitments: dealt.commitments },
    sealed: deliveryOf(dealt, trustee).sealed,
    recipientPrivateKey: keys.get(trustee) ?? new Uint8Array(),
    senderKey: encryptionKeyOf(world.publisherPrivateKey),
  }));
  return { dealt, openings, shares: await Promise.all(openings.map(openShare)), wallets };
}

/** Two shares of three lie on a line for every secret there is; the line through them alone meets another one. */
async function tooFewShares(world: EscrowWorld): Promise<Outcome> {
  const { dealt, shares } = await trusteesOf(world);
  const { commitments } = dealt;
  const few = shares.slice(0, threshold - 1);
  const refused = await codeOf(Promise.resolve().then(() => combine(few, commitments)));
  // As if two were enough: what they would take for the secret is not what was committed to.
  const [one, two] = few as [Share, Share];
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const guess = (((2n * one.value - two.value) % order) + order) % order;
  const wrong = toHex(publicPointOf(guess)) !== toHex(commitments[0] ?? new Uint8Array());
  let accepted = 0;
  for (let i = 0; i < 100; i++) {
    const value = BigInt(toHex(randomBytes(32))) % order;
    if (isShareOf({ index: threshold, value }, commitments)) accepted++;
  }
  const true_ =
    toHex(publicPointOf(combine(shares.slice(0, threshold), commitments))) ===
    toHex(commitments[0] ?? new Uint8Array());
  const detail = `combine: ${refused}; the line through them meets ${wrong ? "another secret" : "THE SECRET"}; made-up third shares that pass: ${accepted} of 100; three shares give ${true_ ? "the secret" : "NOT the secret"}`;
  return { holds: refused === "ERR_INPUT_SHARE" && wrong && accepted === 0 && true_, detail };
}

/** They approve a recovery, wait as long as they like, and one approves twice. */
async function tooFewApprovals(world: EscrowWorld): Promise<Outcome> {
  const { group, escrow } = world;
  const [a] = world.members as [WorldMember];
  const { dealt, wallets } = await trusteesOf(world);
  const { trustees, commitments, sharesRoot, recoveryKey } = dealt;
  const set = [group.group, trustees, commitments.map(toHex), sharesRoot, recoveryKey, threshold, 1];
  await mined(escrow.getFunction("setTrustees")(...set));
  const before = await world.lastEpoch();
  world.keeper.demandRotation(before);
  await world.keeper.step();
  const epoch = before + 1n;
  const recipientKey = toHex(encryptionKeyOf(world.random(32)));
  await world.requestRecovery(a, epoch, recipientKey);
  const requestId = recoveryRequestId(group.group, 1n, epoch, a.address, recipientKey);
  const few = wallets.slice(0, threshold - 1);
  for (const trustee of few) await mined(world.as(trustee).getFunction("approveRecovery")(requestId));
  await world.system.chain.mine(50);
  const [last] = few as [Wallet];
  const revert = async (name: string): Promise<string> =>
    world
      .as(last)
      .getFunction(name)
      .staticCall(requestId)
      .then(
        () => "no error",
        (error: unknown) => revertName(error),
      );
  const [released, twice] = [await revert("releaseRecovery"), await revert("approveRecovery")];
  const detail = `${few.length} approvals of ${threshold}, 50 blocks later: release ${released}, a second approval ${twice}`;
  return { holds: released === "WrongRecoveryState" && twice === "NotPendingTrustee", detail };
}

async function flippedShare(world: EscrowWorld): Promise<Outcome> {
  const { dealt, openings, shares } = await trusteesOf(world);
  const [share] = shares as [Share];
  const [opening] = openings as [OpenShareInput];
  let caught = 0;
  for (let bit = 0n; bit < 253n; bit++) {
    if (!isShareOf({ ...share, value: share.value ^ (1n << bit) }, dealt.commitments)) caught++;
  }
  // A dealer that seals such a share: its holder finds out when it opens it, and can prove it to anyone.
  const { seat, recipientPrivateKey } = opening;
  const bad = { ...share, value: share.value ^ 1n };
  const sealed = await sealShare({
    seat,
    share: bad,
    recipientKey: encryptionKeyOf(recipientPrivateKey),
    senderPrivateKey: world.publisherPrivateKey,
    ephemeralSeed: world.random(32),
  });
  const leaf = { holder: seat.trustee, sealedHash: sealedHashOf(sealed) };
  const tree = sealedTree([leaf]);
  const lied = { ...opening, sealed };
  const opened = await codeOf(openShare(lied));
  const proof = await proveBadShare(lied, tree.proofOf(leaf));
  const proven = proof !== undefined && (await verifyBadShare(proof, seat, tree.root));
  const { sealed: good, merkleProof } = deliveryOf(dealt, seat.trustee);
  const slander = (await proveBadShare({ ...opening, sealed: good }, merkleProof)) !== undefined;
  const detail = `caught ${caught} of 253 by its holder alone; sealed by the dealer: ${opened}, proven to others: ${proven}; of a good share there is ${slander ? "A PROOF TOO" : "no such proof"}`;
  return { holds: caught === 253 && opened === "ERR_PROOF_SHARE" && proven && !slander, detail };
}

/** Whoever carries a sealed share turns a bit over: no bit of it is unguarded. */
async function flippedSealedShare(world: EscrowWorld): Promise<Outcome> {
  const { openings } = await trusteesOf(world);
  const [opening] = openings as [OpenShareInput];
  const codes = new Map<string, number>();
  const bits = opening.sealed.length * 8;
  for (let bit = 0; bit < bits; bit++) {
    const sealed = opening.sealed.slice();
    sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const code = await codeOf(openShare({ ...opening, sealed }));
    codes.set(code, (codes.get(code) ?? 0) + 1);
  }
  const counted = [...codes].map(([code, times]) => `${code} ${times}`).join(", ");
  const known = [...codes.keys()].every((code) => code.startsWith("ERR_PROOF_") || code.startsWith("ERR_INPUT_"));
  return { holds: known, detail: `${bits} bits: ${counted}` };
}

function deliveryOf(dealt: Dealt, trustee: string): Delivery {
  const delivery = dealt.shares.get(trustee.toLowerCase());
  if (!delivery) throw new Error(`no share was dealt to ${trustee}`);
  return delivery;
}

function revertName(error: unknown): string {
  const { data } = error as { data?: unknown };
  return (typeof data === "string" && escrowInterface.parseError(data)?.name) || String(error);
}
