import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { expect } from "chai";

import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import { keyCommitmentOf, matchesCommitment } from "../../../protocol/escrow/epochKey.ts";
import { deal } from "../../../protocol/escrow/feldman.ts";
import { encryptionKeyOf } from "../../../protocol/hpke/hpke.ts";
import { groupIdOf } from "../../../protocol/escrow/ids.ts";
import { proveMisdelivery, verifyMisdelivery } from "../../../protocol/escrow/misdelivery.ts";
import { openKey, sealedHashOf, sealedKeyLength, sealKey } from "../../../protocol/escrow/sealedKey.ts";
import { openShare, proveBadShare, sealShare, verifyBadShare } from "../../../protocol/escrow/sealedShare.ts";
import { isUnderRoot, sealedTree } from "../../../protocol/escrow/sealedTree.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";

const fill = (n: number) => new Uint8Array(32).fill(n);
const address = (n: number) => `0x${n.toString(16).padStart(40, "0")}`;
const [publisher, member] = [fill(1), fill(2)];
const group = { chainId: 31337n, escrow: address(0xe5), group: groupIdOf("shop") };
const epoch = { ...group, epoch: 3n };
const secret = { key: fill(3), salt: fill(4) };
const keyCommitment = keyCommitmentOf(epoch, secret);
const place = { epoch, member: address(7), keyCommitment };
const seal = (held = secret) =>
  sealKey({
    ...place,
    secret: held,
    memberKey: encryptionKeyOf(member),
    publisherPrivateKey: publisher,
    ephemeralSeed: fill(5),
  });
const opening = (sealed: Uint8Array) => ({
  ...place,
  sealed,
  memberPrivateKey: member,
  publisherKey: encryptionKeyOf(publisher),
});

describe("sealed keys", () => {
  it("open for the member, to the key committed to", async () => {
    const sealed = await seal();
    expect(sealed.length).to.equal(sealedKeyLength).and.to.equal(113);
    expect(matchesCommitment(epoch, await openKey(opening(sealed)), keyCommitment)).to.equal(true);
  });

  const elsewhere: readonly (readonly [string, Partial<ReturnType<typeof opening>>])[] = [
    ["chain", { epoch: { ...epoch, chainId: 1n } }],
    ["contract", { epoch: { ...epoch, escrow: address(0xe6) } }],
    ["group", { epoch: { ...epoch, group: groupIdOf("other") } }],
    ["epoch", { epoch: { ...epoch, epoch: 4n } }],
    ["member", { member: address(8) }],
    ["commitment", { keyCommitment: toHex(fill(9)) }],
    ["publisher", { publisherKey: encryptionKeyOf(fill(9)) }],
  ];
  for (const [what, change] of elsewhere) {
    it(`do not open as those of another ${what}`, async () => {
      const sealed = await seal();
      expect(await rejectionCode(openKey({ ...opening(sealed), ...change }))).to.equal("ERR_PROOF_SEALED_KEY");
    });
  }

  it("have one length and one version", async () => {
    const sealed = await seal();
    expect(thrownCode(() => openKey(opening(sealed.slice(1))))).to.equal("ERR_INPUT_SEALED_KEY");
    expect(thrownCode(() => openKey(opening(sealed.map((b, i) => (i === 0 ? 2 : b)))))).to.equal(
      "ERR_INPUT_SEALED_KEY",
    );
  });

  it("do not show whether a key came back: the salt hides it", () => {
    expect(keyCommitmentOf(epoch, { key: secret.key, salt: fill(6) })).to.not.equal(keyCommitment);
  });
});

describe("the tree of sealed keys", () => {
  const leaves = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ holder: address(i + 1), sealedHash: toHex(fill(i + 1)) }));

  for (const count of [1, 2, 3, 5, 8, 33]) {
    it(`has the leaves of @openzeppelin/merkle-tree, and proofs by its rule, for ${count}`, () => {
      const set = leaves(count);
      const tree = sealedTree(set);
      for (const leaf of set) {
        const proof = tree.proofOf(leaf);
        expect(isUnderRoot(tree.root, leaf, proof)).to.equal(true);
        const verdict = StandardMerkleTree.verify(
          tree.root,
          ["address", "bytes32"],
          [leaf.holder, leaf.sealedHash],
          [...proof],
        );
        expect(verdict).to.equal(true);
      }
    });
  }

  it("holds no leaf for another holder, hash or root", () => {
    const [leaf, other] = leaves(5) as [{ holder: string; sealedHash: Hex }, { holder: string; sealedHash: Hex }];
    const tree = sealedTree(leaves(5));
    const proof = tree.proofOf(leaf);
    expect(isUnderRoot(tree.root, { ...leaf, holder: other.holder }, proof)).to.equal(false);
    expect(isUnderRoot(tree.root, { ...leaf, sealedHash: other.sealedHash }, proof)).to.equal(false);
    expect(isUnderRoot(toHex(fill(9)), leaf, proof)).to.equal(false);
    expect(thrownCode(() => tree.proofOf({ ...leaf, sealedHash: other.sealedHash }))).to.equal("ERR_INPUT_SEALED_KEY");
  });

  it("has each holder once", () => {
    const [leaf] = leaves(1);
    expect(thrownCode(() => sealedTree([leaf!, { ...leaf!, sealedHash: toHex(fill(9)) }]))).to.equal(
      "ERR_INPUT_SEALED_KEY",
    );
  });
});

describe("proof of misdelivery", () => {
  const treeOf = (sealed: Uint8Array) => {
    const leaf = { holder: place.member, sealedHash: sealedHashOf(sealed) };
    const tree = sealedTree([leaf, { holder: address(8), sealedHash: toHex(fill(8)) }]);
    return { committed: { membersRoot: tree.root, keyCommitment }, merkleProof: tree.proofOf(leaf) };
  };

  it("shows that another key was sealed, and not the member's private key", async () => {
    const sealed = await seal({ ...secret, key: fill(0x66) });
    const { committed, merkleProof } = treeOf(sealed);
    const proof = (await proveMisdelivery(opening(sealed), merkleProof))!;
    expect(await verifyMisdelivery(proof, committed)).to.equal("holds");
    expect(JSON.stringify(proof)).to.not.contain(toHex(member).slice(2));
  });

  it("cannot be made of a good key", async () => {
    const sealed = await seal();
    expect(await proveMisdelivery(opening(sealed), treeOf(sealed).merkleProof)).to.equal(undefined);
  });

  it("of a good key, made by a liar, is seen through", async () => {
    const bad = await seal({ ...secret, key: fill(0x66) });
    const good = await seal();
    const proof = (await proveMisdelivery(opening(bad), treeOf(bad).merkleProof))!;
    const { committed, merkleProof } = treeOf(good);
    // The same ephemeral seed gave both the same shared secret: the liar even shows the true one.
    expect(await verifyMisdelivery({ ...proof, sealed: toHex(good), merkleProof }, committed)).to.equal(
      "matches-commitment",
    );
    const invented = { ...proof, sealed: toHex(good), merkleProof, sharedSecret: toHex(fill(0x55)) };
    expect(await verifyMisdelivery(invented, committed)).to.equal("does-not-open");
  });

  it("of a sealed key that the publisher did not commit to is worth nothing", async () => {
    const sealed = await seal({ ...secret, key: fill(0x66) });
    const { committed, merkleProof } = treeOf(sealed);
    const proof = (await proveMisdelivery(opening(sealed), merkleProof))!;
    expect(await verifyMisdelivery(proof, { ...committed, membersRoot: toHex(fill(1)) })).to.equal("not-under-root");
  });
});

describe("sealed shares", () => {
  const dealing = deal(99n, [98n], 3);
  const seat = { group, generation: 1n, trustee: address(21), index: 2, commitments: dealing.commitments };
  const sealOf = (value: bigint) =>
    sealShare({
      seat,
      share: { index: 2, value },
      recipientKey: encryptionKeyOf(member),
      senderPrivateKey: publisher,
      ephemeralSeed: fill(5),
    });
  const open = (sealed: Uint8Array) => ({
    seat,
    sealed,
    recipientPrivateKey: member,
    senderKey: encryptionKeyOf(publisher),
  });
  const treeOf = (sealed: Uint8Array) => {
    const leaf = { holder: seat.trustee, sealedHash: sealedHashOf(sealed) };
    const tree = sealedTree([leaf]);
    return { root: tree.root, merkleProof: tree.proofOf(leaf) };
  };
  const value = dealing.shares[1]!.value;

  it("open for the trustee and fit the commitments", async () => {
    expect(await openShare(open(await sealOf(value)))).to.deep.equal({ index: 2, value });
  });

  it("with one flipped bit are refused, and that is proven to others", async () => {
    const sealed = await sealOf(value ^ 1n);
    expect(await rejectionCode(openShare(open(sealed)))).to.equal("ERR_PROOF_SHARE");
    const { root, merkleProof } = treeOf(sealed);
    const proof = (await proveBadShare(open(sealed), merkleProof))!;
    expect(await verifyBadShare(proof, seat, root)).to.equal(true);
    expect(await verifyBadShare(proof, seat, toHex(fill(3)))).to.equal(false);
  });

  it("that are good cannot be called bad", async () => {
    const sealed = await sealOf(value);
    const { root, merkleProof } = treeOf(sealed);
    expect(await proveBadShare(open(sealed), merkleProof)).to.equal(undefined);
    const forged = { sealed: toHex(sealed), merkleProof, sharedSecret: toHex(fill(1)) };
    expect(await verifyBadShare(forged, seat, root)).to.equal(false);
  });
});
