import { expect } from "chai";
import { network } from "hardhat";

import { ChainEscrow } from "../../../agent/escrow/escrowReader.ts";
import { handOverShare, type HandedShare, recoverKey } from "../../../agent/escrow/recovery.ts";
import { type Dealt, dealShares } from "../../../orchestrator/escrow/dealShares.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import { recoveryRequestId } from "../../../protocol/escrow/ids.ts";
import { commitmentsHashOf, openShare, type ShareSeat } from "../../../protocol/escrow/sealedShare.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { escrowSystem, privateKeyOf } from "../../orchestrator/escrow/world.ts";

const { ethers, networkHelpers } = await network.create();
const [threshold, timelockBlocks] = [3, 10];
const recipient = new Uint8Array(32).fill(0x44);

describe("recovery of an epoch's key", () => {
  const folder = tempFolders();
  const start = async () => {
    const world = await escrowSystem(ethers, await folder());
    const trustees = world.others.slice(0, 5);
    const dealt: Dealt = await dealShares({
      group: world.groupAt,
      generation: 1n,
      trustees: trustees.map(({ address }) => ({ address, encryptionKey: encryptionKeyOf(privateKeyOf(address)) })),
      threshold,
      dealerPrivateKey: world.publisherPrivateKey,
      random: (length) => {
        const value = crypto.getRandomValues(new Uint8Array(length));
        world.drawn.push(value.slice());
        return value;
      },
    });
    await world.escrow.setTrustees(
      world.group,
      [...dealt.trustees],
      dealt.commitments.map(toHex),
      dealt.sharesRoot,
      dealt.recoveryKey,
      threshold,
      timelockBlocks,
    );
    await world.publisher().step();
    const agent = world.agents[0]!;
    const recipientKey = toHex(encryptionKeyOf(recipient));
    const requestId = recoveryRequestId(world.group, 1n, 1n, agent.address, recipientKey);
    const seatOf = (trustee: string): ShareSeat => ({
      group: world.groupAt,
      generation: 1n,
      trustee,
      index: dealt.trustees.indexOf(trustee) + 1,
      commitments: dealt.commitments,
    });
    const openOwn = (trustee: string) =>
      openShare({
        seat: seatOf(trustee),
        sealed: dealt.shares.get(trustee.toLowerCase())!.sealed,
        recipientPrivateKey: privateKeyOf(trustee),
        senderKey: encryptionKeyOf(world.publisherPrivateKey),
      });
    const requestOf = async () => {
      const { state, group, generation, recipientKey: key } = await world.escrow.recoveryOf(requestId);
      return { state, group: group as Hex, generation, recipientKey: key as Hex };
    };
    const handOver = async (trustee: string, flip = 0n): Promise<HandedShare> => {
      const seat = seatOf(trustee);
      const share = await openOwn(trustee);
      const sealed = await handOverShare({
        seat,
        share: { ...share, value: share.value ^ flip },
        request: await requestOf(),
        trusteePrivateKey: privateKeyOf(trustee),
        ephemeralSeed: crypto.getRandomValues(new Uint8Array(32)),
      });
      return { seat, sealed, trusteeKey: encryptionKeyOf(privateKeyOf(trustee)) };
    };
    const release = async () => {
      await world.escrow.connect(agent).requestRecovery(agent.address, world.group, 1, recipientKey);
      for (const trustee of trustees.slice(0, threshold)) {
        await world.escrow.connect(trustee).approveRecovery(requestId);
      }
      await networkHelpers.mine(timelockBlocks);
      await world.escrow.releaseRecovery(requestId);
    };
    const recover = async (shares: readonly HandedShare[]) => {
      const source = new ChainEscrow(ethers.provider, world.groupAt);
      const { keyCommitment } = await source.epoch(1n);
      const delivery = (await world.deliveries.for(world.escrowAt).fetch(1n, keyCommitment))!;
      return recoverKey({ group: world.groupAt, epoch: 1n, source, delivery, shares, recipientPrivateKey: recipient });
    };
    return { ...world, dealt, trustees: dealt.trustees, requestId, openOwn, requestOf, handOver, release, recover };
  };

  it("brings back the key that members hold, from any threshold of trustees, after release", async () => {
    const world = await start();
    await world.release();
    const shares = await Promise.all(world.trustees.slice(1, 4).map((trustee) => world.handOver(trustee)));
    const recovered = await world.recover(shares);
    const held = await world.member(world.agents[1]!.address).keys.keyOf(1n);
    expect(toHex(recovered.key)).to.equal(toHex(held.secret.key));
  });

  it("gives no share before the contract has released it", async () => {
    const world = await start();
    const trustee = world.trustees[0]!;
    expect(await rejectionCode(world.handOver(trustee))).to.equal("ERR_AUTH_NOT_ATTESTED");
    const seat = { group: world.groupAt, generation: 2n, trustee, index: 1, commitments: world.dealt.commitments };
    await world.release();
    const share = await world.openOwn(trustee);
    const request = await world.requestOf();
    const input = { seat, share, request, trusteePrivateKey: privateKeyOf(trustee), ephemeralSeed: recipient };
    expect(
      thrownCode(() => handOverShare(input)),
      "of another generation",
    ).to.equal("ERR_AUTH_NOT_ATTESTED");
  });

  it("is out of reach of one trustee less than the threshold", async () => {
    const world = await start();
    await world.release();
    const shares = await Promise.all(world.trustees.slice(0, threshold - 1).map((trustee) => world.handOver(trustee)));
    expect(await rejectionCode(world.recover(shares))).to.equal("ERR_INPUT_SHARE");
  });

  it("names a trustee who hands over a share with one flipped bit", async () => {
    const world = await start();
    await world.release();
    const [a, b, c] = world.trustees as [string, string, string];
    const shares = [await world.handOver(a), await world.handOver(b, 1n), await world.handOver(c)];
    const error: unknown = await world.recover(shares).catch((cause: unknown) => cause);
    expect(error).to.deep.include({ code: "ERR_PROOF_SHARE", details: { index: world.trustees.indexOf(b) + 1 } });
  });

  it("keeps on chain the hash of the commitments that were dealt, and the root of the sealed shares", async () => {
    const world = await start();
    const set = await world.escrow.trusteesOf(world.group, 1);
    expect(set.commitmentsHash).to.equal(commitmentsHashOf(world.dealt.commitments));
    for (const trustee of world.trustees) {
      const { sealed, merkleProof } = world.dealt.shares.get(trustee.toLowerCase())!;
      const hash = ethers.keccak256(sealed);
      expect(await world.escrow.verifySealedShare(world.group, 1, trustee, hash, [...merkleProof])).to.equal(true);
    }
  });
});
