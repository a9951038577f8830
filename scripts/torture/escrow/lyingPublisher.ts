import type { EpochDraft } from "../../../orchestrator/escrow/draftEpoch.ts";
import { keyCommitmentOf } from "../../../protocol/escrow/epochKey.ts";
import type { EscrowEpoch } from "../../../protocol/escrow/ids.ts";
import type { MisdeliveryProof } from "../../../protocol/escrow/misdelivery.ts";
import { sealedHashOf, sealKey } from "../../../protocol/escrow/sealedKey.ts";
import { sealedTree } from "../../../protocol/escrow/sealedTree.ts";
import type { EscrowWorld, WorldMember } from "./escrowWorld.ts";
import { codeOf, type Outcome, type Scenario } from "./scenario.ts";

/** It gives one member another key than it commits to, to talk to it alone, or to shut it out. */
export const lyingPublisher: Scenario = { name: "publisher gives one member another key", run: lies };

async function lies(world: EscrowWorld): Promise<Outcome> {
  const { keeper, escrow, group } = world;
  const [a, b] = world.members as [WorldMember, WorldMember];
  const epoch = { ...group, epoch: (await world.lastEpoch()) + 1n };
  await publishLie(world, epoch, b.address);
  const proofs: MisdeliveryProof[] = [];
  const victim = world.join(b.agent, { onMisdelivery: (proof) => void proofs.push(proof) });
  const seen = await codeOf(victim.group.currentEpoch());
  await victim.group.settled();
  const reported = await escrow.queryFilter(escrow.filters["MisdeliveryReported"]?.(group.group, epoch.epoch) ?? "*");
  const [proof] = proofs;
  if (!proof) return { holds: false, detail: `the member saw ${seen}, and has no proof` };
  const { sharedSecret } = proof;
  const last = sharedSecret.endsWith("0") ? "1" : "0";
  const slander = await keeper.dispute({
    ...proof,
    sharedSecret: `${sharedSecret.slice(0, -1)}${last}` as typeof sharedSecret,
  });
  const unmoved = (await keeper.step()) === undefined;
  const verdict = await keeper.dispute(proof);
  const next = await keeper.step();
  const said = await world.say(a, b, "after the lie");
  const holds =
    seen === "ERR_PROOF_KEY_COMMITMENT" &&
    reported.length === 1 &&
    slander !== "holds" &&
    unmoved &&
    verdict === "holds" &&
    next?.reason === "demanded" &&
    said.epoch === epoch.epoch + 1n;
  const words = `the member sees ${seen}, reports it on chain ${reported.length} time(s), proof: ${verdict}, the same with one digit changed: ${slander}`;
  return { holds, detail: `${words}; epoch ${epoch.epoch} -> ${said.epoch}` };
}

async function publishLie(world: EscrowWorld, epoch: EscrowEpoch, victim: string): Promise<void> {
  const { publisherPrivateKey, random } = world;
  const { chain, deliveries, encryptionKeyOf } = world.publisherParts();
  const secret = { key: random(32), salt: random(32) };
  const other = { key: random(32), salt: secret.salt };
  const keyCommitment = keyCommitmentOf(epoch, secret);
  const members = [...world.wanted].sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1));
  const sealed = await Promise.all(
    members.map(async (member) => {
      const memberKey = await encryptionKeyOf(member);
      if (!memberKey) throw new Error(`no attested key of ${member}`);
      const place = { epoch, member, memberKey, publisherPrivateKey, keyCommitment, ephemeralSeed: random(32) };
      const bytes = await sealKey({ ...place, secret: member === victim ? other : secret });
      return { leaf: { holder: member, sealedHash: sealedHashOf(bytes) }, bytes };
    }),
  );
  const tree = sealedTree(sealed.map(({ leaf }) => leaf));
  const draft: EpochDraft = {
    epoch,
    membersRoot: tree.root,
    keyCommitment,
    members,
    deliveries: new Map(
      sealed.map(({ leaf, bytes }) => [leaf.holder.toLowerCase(), { sealed: bytes, merkleProof: tree.proofOf(leaf) }]),
    ),
  };
  await deliveries.put({ ...draft, epoch: epoch.epoch });
  await chain.publish(draft);
}
