import { readFileSync } from "node:fs";

import { expect } from "chai";
import { AbiCoder, concat, id, keccak256 } from "ethers";

import { agentRegistryDomain, agentRegistryTypes } from "../../../protocol/eip712/agentRegistry.ts";
import { policyRegistryDomain, policyRegistryTypes } from "../../../protocol/eip712/policyRegistry.ts";
import {
  encodeType,
  type TypedDataDomain,
  type TypedDataTable,
  typedDataDigest,
} from "../../../protocol/eip712/typedData.ts";

interface Vectors {
  readonly chainId: string;
  readonly AgentRegistry: ContractVectors;
  readonly PolicyRegistry: ContractVectors;
}
interface ContractVectors {
  readonly verifyingContract: string;
  readonly domainSeparator: string;
  readonly requests: Record<string, { message: Record<string, string | string[]>; digest: string }>;
}

const vectors = JSON.parse(
  readFileSync(new URL("../../../protocol/vectors/eip712.json", import.meta.url), "utf8"),
) as Vectors;
const coder = AbiCoder.defaultAbiCoder();

/** EIP-712's `encodeData`, by hand: what its text says, without a library for it. */
function structHash(table: TypedDataTable, name: string, message: Record<string, string | string[]>): string {
  const words = (table[name] ?? []).map((member) => {
    const value = message[member.name];
    if (member.type === "string") return id(value as string);
    if (member.type === "bytes") return keccak256(value as string);
    if (member.type.endsWith("[]")) {
      const type = member.type.slice(0, -2);
      return keccak256(concat((value as string[]).map((item) => coder.encode([type], [item]))));
    }
    return coder.encode([member.type], [value]);
  });
  return keccak256(concat([id(encodeType(table, name)), ...words]));
}

function separatorOf(domain: TypedDataDomain): string {
  const type = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
  return keccak256(
    coder.encode(
      ["bytes32", "bytes32", "bytes32", "uint256", "address"],
      [id(type), id(domain.name), id(domain.version), domain.chainId, domain.verifyingContract],
    ),
  );
}

const contracts = [
  ["AgentRegistry", agentRegistryTypes, agentRegistryDomain],
  ["PolicyRegistry", policyRegistryTypes, policyRegistryDomain],
] as const;

describe("EIP-712 vectors", () => {
  for (const [contract, table, domainOf] of contracts) {
    const { verifyingContract, domainSeparator, requests } = vectors[contract];
    const domain = domainOf(BigInt(vectors.chainId), verifyingContract);

    it(`${contract}: there is one for every request, and the domain is the same`, () => {
      expect(Object.keys(requests)).to.deep.equal(Object.keys(table));
      expect(separatorOf(domain)).to.equal(domainSeparator);
    });

    for (const [name, { message, digest }] of Object.entries(requests)) {
      it(`${contract}: ${name}`, () => {
        expect(typedDataDigest(domain, table, name, message)).to.equal(digest);
        expect(keccak256(concat(["0x1901", domainSeparator, structHash(table, name, message)]))).to.equal(digest);
      });
    }
  }

  it("know no struct that is not in the table", () => {
    expect(() => encodeType(agentRegistryTypes, "Nothing")).to.throw(RangeError);
  });
});
