import { expect } from "chai";
import { Resolver } from "did-resolver";
import * as fc from "fast-check";

import { formatEthrDid, parseEthrDid } from "../../../protocol/did/ethr.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

// The identifiers of the did:ethr method specification's examples, in the spelling that names the chain by number.
const published = [
  ["did:ethr:0x1:0xb9c5714089478a327f09197987f16f9e5d936e8a", 1n, "0xB9C5714089478a327F09197987f16f9E5d936E8a"],
  [
    "did:ethr:0xaa36a7:0xf3beac30c498d9e26865f34fcaa57dbb935b0d74",
    11155111n,
    "0xF3beAC30C498D9E26865F34fCAa57dBB935b0D74",
  ],
] as const;

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof AffiantError) return error.code;
    throw error;
  }
  return undefined;
}

describe("did:ethr", () => {
  for (const [did, chainId, address] of published) {
    it(`is read and written: ${did}`, () => {
      expect(parseEthrDid(did)).to.deep.equal({ chainId, address });
      expect(formatEthrDid(chainId, address)).to.equal(did);
    });
  }

  it("comes back from every chain id and address, and is a DID to did-resolver", async () => {
    const seen: string[] = [];
    const resolver = new Resolver({
      ethr: (_did, parsed) => {
        seen.push(parsed.did);
        return Promise.resolve({ didResolutionMetadata: {}, didDocumentMetadata: {}, didDocument: null });
      },
    });
    await fc.assert(
      fc.asyncProperty(
        fc.bigInt({ min: 1n, max: 2n ** 64n }),
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        async (chainId, bytes) => {
          const address = `0x${Buffer.from(bytes).toString("hex")}`;
          const did = formatEthrDid(chainId, address);
          const parts = parseEthrDid(did);
          expect([parts.chainId, parts.address.toLowerCase()]).to.deep.equal([chainId, address]);
          await resolver.resolve(did);
          expect(seen.pop()).to.equal(did);
        },
      ),
    );
  });

  const good = published[0][0];
  const wrong: readonly (readonly [string, string])[] = [
    ["upper-case hex in the address", good.replace("b9c5", "B9c5")],
    ["no chain id", "did:ethr:0xb9c5714089478a327f09197987f16f9e5d936e8a"],
    ["a chain by name", good.replace("0x1:", "mainnet:")],
    ["a chain id with a leading zero", good.replace("0x1:", "0x01:")],
    ["chain id zero", good.replace("0x1:", "0x0:")],
    ["an address that is too short", good.slice(0, -1)],
    ["an address that is too long", `${good}0`],
    ["a path behind it", `${good}/x`],
    ["a line feed behind it", `${good}\n`],
    ["a public key in place of the address", `did:ethr:0x1:0x02${"11".repeat(32)}`],
  ];
  for (const [what, did] of wrong) {
    it(`refuses ${what}`, () => {
      expect(codeOf(() => parseEthrDid(did))).to.equal("ERR_INPUT_DID");
    });
  }

  it("writes none for chain zero or for what is no address", () => {
    expect(codeOf(() => formatEthrDid(0n, published[0][2]))).to.equal("ERR_INPUT_DID");
    expect(codeOf(() => formatEthrDid(1n, published[0][2].slice(0, -1)))).to.equal("ERR_INPUT_DID");
  });
});
