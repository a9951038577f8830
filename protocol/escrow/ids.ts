import { AbiCoder, keccak256 } from "ethers";

import { keyEscrowTypes } from "../eip712/keyEscrow.ts";
import { encodeType } from "../eip712/typedData.ts";
import { utf8 } from "../encoding/bytes.ts";
import { fromHex, type Hex } from "../encoding/hex.ts";

const coder = AbiCoder.defaultAbiCoder();

/** Where a group's keys are kept. */
export interface EscrowGroup {
  readonly chainId: bigint;
  /** Address of the KeyEscrow's proxy. */
  readonly escrow: string;
  /** 32 bytes. */
  readonly group: Hex;
}

/** One epoch of a group; counts from 1. */
export interface EscrowEpoch extends EscrowGroup {
  readonly epoch: bigint;
}

/** `keccak256(abi.encode(typeHash, keccak256(name)))` */
export function groupIdOf(name: string): Hex {
  return typedHash("Group", ["bytes32"], [keccak256(utf8(name))]);
}

/** HPKE's `info` of a sealed key: nothing sealed for one epoch and member opens as another's. 32 bytes. */
export function sealedKeyContext({ chainId, escrow, group, epoch }: EscrowEpoch, member: string): Uint8Array {
  const types = ["uint256", "address", "bytes32", "uint256", "address"];
  return fromHex(typedHash("SealedKey", types, [chainId, escrow, group, epoch, member]));
}

/** HPKE's `info` of a trustee's sealed share. @param index the share's x, from 1 */
export function sealedShareContext(
  { chainId, escrow, group }: EscrowGroup,
  generation: bigint,
  trustee: string,
  index: number,
): Uint8Array {
  const types = ["uint256", "address", "bytes32", "uint256", "address", "uint256"];
  return fromHex(typedHash("SealedShare", types, [chainId, escrow, group, generation, trustee, index]));
}

/** The id that the contract gives to a request for recovery. */
export function recoveryRequestId(
  group: Hex,
  generation: bigint,
  epoch: bigint,
  agent: string,
  recipientKey: Hex,
): Hex {
  const types = ["bytes32", "uint256", "uint256", "address", "bytes32"];
  return typedHash("RecoveryRequest", types, [group, generation, epoch, agent, recipientKey]);
}

/** `keccak256(abi.encode(typeHash, …values))`; the type's text has its one home in `eip712/keyEscrow.ts`. */
export function typedHash(
  name: keyof typeof keyEscrowTypes,
  types: readonly string[],
  values: readonly unknown[],
): Hex {
  const typeHash = keccak256(utf8(encodeType(keyEscrowTypes, name)));
  return keccak256(coder.encode(["bytes32", ...types], [typeHash, ...values])) as Hex;
}
