import { TypedDataEncoder } from "ethers";

import type { Hex } from "../encoding/hex.ts";

/** One member of a struct, in the form that EIP-712 signers take. */
export interface TypedMember {
  readonly name: string;
  readonly type: string;
}

/** Struct name → members in the order in which they are hashed. Structs here never refer to one another. */
export type TypedDataTable = Readonly<Record<string, readonly TypedMember[]>>;

/** An EIP-712 domain with chain id and contract: a signature made for one deployment is worth nothing to another. */
export interface TypedDataDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: bigint;
  /** The proxy, not the implementation behind it. */
  readonly verifyingContract: string;
}

/** `Name(type1 name1,type2 name2)`: the text whose keccak256 is the type hash. */
export function encodeType(table: TypedDataTable, name: string): string {
  const members = table[name];
  if (members === undefined) throw new RangeError(`no typed-data struct ${name}`);
  return `${name}(${members.map((member) => `${member.type} ${member.name}`).join(",")})`;
}

/** The one struct of a table as ethers wants it: mutable, and without the others, which it would take for roots. */
export function signerTypes(table: TypedDataTable, name: string): Record<string, { name: string; type: string }[]> {
  const members = table[name];
  if (members === undefined) throw new RangeError(`no typed-data struct ${name}`);
  return { [name]: members.map((member) => ({ ...member })) };
}

/** The 32 bytes that are signed: keccak256(0x1901 ‖ domain separator ‖ struct hash), EIP-712. */
export function typedDataDigest(
  domain: TypedDataDomain,
  table: TypedDataTable,
  name: string,
  message: Readonly<Record<string, unknown>>,
): Hex {
  return TypedDataEncoder.hash(domain, signerTypes(table, name), message) as Hex;
}
