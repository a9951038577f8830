import { AbiCoder, keccak256 } from "ethers";
import { MerkleTree } from "merkletreejs";

import { fromHex, type Hex, isHex, toHex } from "../encoding/hex.ts";
import { AffiantError } from "../errors/affiantError.ts";

/** Whose sealed key or share it is, and the keccak256 of its bytes. */
export interface SealedLeaf {
  readonly holder: string;
  readonly sealedHash: Hex;
}

/** The set of sealed keys of an epoch, or of sealed shares of a generation. */
export interface SealedTree {
  readonly root: Hex;
  /** Siblings from the leaf up, as `MerkleProof.sol` reads them. */
  proofOf(leaf: SealedLeaf): readonly Hex[];
}

/**
 * OpenZeppelin's standard encoding: a leaf is hashed twice, so that no inner node passes for one; pairs are sorted, so
 * that a proof needs no directions. An odd node is carried up as it is, never doubled.
 * @throws AffiantError ERR_INPUT_SEALED_KEY if there are no leaves, or a holder stands twice
 */
export function sealedTree(leaves: readonly SealedLeaf[]): SealedTree {
  const holders = new Set(leaves.map(({ holder }) => holder.toLowerCase()));
  if (leaves.length === 0 || holders.size !== leaves.length) {
    throw new AffiantError("ERR_INPUT_SEALED_KEY", "a tree has leaves, and each holder once");
  }
  // merkletreejs mutates and hashes Buffers; plain copies go in, hex comes out.
  const hashes = leaves.map((leaf) => leafHashOf(leaf)).sort();
  const tree = new MerkleTree(hashes, (data: Uint8Array) => fromHex(keccak256(data)), {
    sortPairs: true,
    duplicateOdd: false,
  });
  const known = new Set(hashes);
  return {
    root: tree.getHexRoot() as Hex,
    proofOf(leaf) {
      const hash = leafHashOf(leaf);
      if (!known.has(hash)) throw new AffiantError("ERR_INPUT_SEALED_KEY", "the leaf is not in this tree");
      return tree.getHexProof(hash) as Hex[];
    },
  };
}

/** `keccak256(keccak256(abi.encode(address holder, bytes32 sealedHash)))` */
export function leafHashOf({ holder, sealedHash }: SealedLeaf): Hex {
  const inner = keccak256(AbiCoder.defaultAbiCoder().encode(["address", "bytes32"], [holder, sealedHash]));
  return keccak256(inner) as Hex;
}

/** The rule of `MerkleProof.sol`, for those who hold a root and no chain. */
export function isUnderRoot(root: Hex, leaf: SealedLeaf, proof: readonly Hex[]): boolean {
  if (!isHex(root, 32) || !proof.every((node) => isHex(node, 32))) return false;
  const top = proof.reduce<Hex>((node, sibling) => {
    const [low, high] = node < sibling ? [node, sibling] : [sibling, node];
    return keccak256(toHex(new Uint8Array([...fromHex(low), ...fromHex(high)]))) as Hex;
  }, leafHashOf(leaf));
  return top === root;
}
