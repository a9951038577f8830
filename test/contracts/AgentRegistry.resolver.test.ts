import { expect } from "chai";
import { type DIDDocument, Resolver } from "did-resolver";
import { type Contract, encodeBytes32String, type Signer, toUtf8Bytes, ZeroAddress } from "ethers";
import { getResolver } from "ethr-did-resolver";
import { base58btc } from "multiformats/bases/base58";

import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { registryChain, signingKey } from "./registries.ts";

const yearSec = 31_536_000;

/** A key in the base58 of did:ethr documents: Bitcoin's, without the multibase letter. */
function base58(hex: string): string {
  return base58btc.encode(fromHex(hex)).slice(1);
}

describe("ethr-did-resolver, as it comes from npm, on our registry", () => {
  async function chain() {
    const fixture = await registryChain();
    const owner: Signer = fixture.signers[1]!;
    const other: Signer = fixture.signers[2]!;
    const agent = await owner.getAddress();
    const registry = fixture.agents(owner);
    const resolver = new Resolver(
      getResolver({
        networks: [
          {
            chainId: fixture.chainId,
            // The package reads the CommonJS types of ethers, we those of its ES modules.
            provider: fixture.provider as never,
            registry: await registry.getAddress(),
          },
        ],
      }),
    );
    const did = formatEthrDid(fixture.chainId, agent);
    return { ...fixture, owner, other, agent, registry, resolver, did };
  }

  async function mined(write: Promise<unknown>): Promise<number> {
    const receipt = await ((await write) as Awaited<ReturnType<Contract["send"]>>).wait();
    return (receipt as { blockNumber: number }).blockNumber;
  }

  async function documentOf(resolver: Resolver, did: string): Promise<DIDDocument> {
    const { didDocument, didResolutionMetadata } = await resolver.resolve(did);
    expect(didResolutionMetadata.error).to.be.undefined;
    return didDocument!;
  }

  function keysOf(document: DIDDocument, property: string): unknown[] {
    return (document.verificationMethod ?? []).flatMap((method) => {
      const value = (method as unknown as Record<string, unknown>)[property];
      return value === undefined ? [] : [value];
    });
  }

  it("resolves an account that never sent a transaction", async () => {
    const { resolver, did, agent, chainId } = await chain();
    const document = await documentOf(resolver, did);
    expect(document.id).to.equal(did);
    expect(keysOf(document, "blockchainAccountId")).to.deep.equal([`eip155:${chainId}:${agent}`]);
    expect(document.authentication).to.deep.equal([`${did}#controller`]);
  });

  it("shows signing keys, and no longer those that were revoked", async () => {
    const { resolver, did, agent, registry } = await chain();
    await mined(registry.getFunction("register")(signingKey(1)));
    await mined(registry.getFunction("addSigningKey")(agent, signingKey(2)));
    let document = await documentOf(resolver, did);
    expect(keysOf(document, "publicKeyBase58")).to.deep.equal([base58(signingKey(1)), base58(signingKey(2))]);
    expect(document.verificationMethod?.[1]?.type).to.equal("Ed25519VerificationKey2018");
    expect(document.assertionMethod).to.include(document.verificationMethod![1]!.id);
    await mined(registry.getFunction("rotateSigningKey")(agent, signingKey(1), signingKey(3)));
    document = await documentOf(resolver, did);
    expect(keysOf(document, "publicKeyBase58")).to.deep.equal([base58(signingKey(2)), base58(signingKey(3))]);
  });

  it("shows X25519 and secp256k1 keys, services and delegates", async () => {
    const { resolver, did, agent, other, registry, chainId } = await chain();
    const set = registry.getFunction("setAttribute");
    const x25519 = `0x${"3c".repeat(32)}`;
    const secp256k1 = `0x02${"5d".repeat(32)}`;
    await mined(set(agent, encodeBytes32String("did/pub/X25519/enc/base58"), x25519, yearSec));
    await mined(set(agent, encodeBytes32String("did/pub/Secp256k1/veriKey/hex"), secp256k1, yearSec));
    const endpoint = "https://agent.example/a2a";
    await mined(set(agent, encodeBytes32String("did/svc/A2A"), toUtf8Bytes(endpoint), yearSec));
    const delegate = await other.getAddress();
    await mined(registry.getFunction("addDelegate")(agent, encodeBytes32String("sigAuth"), delegate, yearSec));
    let document = await documentOf(resolver, did);
    expect(keysOf(document, "publicKeyBase58")).to.deep.equal([base58(x25519)]);
    expect(keysOf(document, "publicKeyHex")).to.deep.equal([secp256k1.slice(2)]);
    expect(document.keyAgreement).to.deep.equal([`${did}#delegate-1`]);
    expect(document.service).to.deep.equal([{ id: `${did}#service-1`, type: "A2A", serviceEndpoint: endpoint }]);
    expect(keysOf(document, "blockchainAccountId")).to.include(`eip155:${chainId}:${delegate}`);
    expect(document.authentication).to.have.length(2);

    await mined(
      registry.getFunction("revokeAttribute")(agent, encodeBytes32String("did/svc/A2A"), toUtf8Bytes(endpoint)),
    );
    await mined(registry.getFunction("revokeDelegate")(agent, encodeBytes32String("sigAuth"), delegate));
    document = await documentOf(resolver, did);
    expect(document.service).to.be.undefined;
  });

  it("lets a delegate end with its time", async () => {
    const { resolver, did, agent, other, registry, networkHelpers } = await chain();
    const type = encodeBytes32String("veriKey");
    const block = await mined(registry.getFunction("addDelegate")(agent, type, await other.getAddress(), 60));
    await networkHelpers.time.increase(61);
    await networkHelpers.mine();
    const now = await networkHelpers.time.latestBlock();
    expect((await documentOf(resolver, `${did}?versionId=${block}`)).verificationMethod).to.have.length(2);
    expect((await documentOf(resolver, `${did}?versionId=${now}`)).verificationMethod).to.have.length(1);
  });

  it("follows an owner change only once it was accepted", async () => {
    const { resolver, did, agent, other, registry, agents, chainId } = await chain();
    const next = await other.getAddress();
    await mined(registry.getFunction("register")(signingKey(1)));
    await mined(registry.getFunction("changeOwner")(agent, next));
    expect(keysOf(await documentOf(resolver, did), "blockchainAccountId")).to.deep.equal([
      `eip155:${chainId}:${agent}`,
    ]);
    await mined(agents(other).getFunction("acceptOwner")(agent));
    expect(keysOf(await documentOf(resolver, did), "blockchainAccountId")).to.deep.equal([`eip155:${chainId}:${next}`]);
  });

  it("gives the version of any block", async () => {
    const { resolver, did, agent, registry, networkHelpers } = await chain();
    const first = await mined(registry.getFunction("register")(signingKey(1)));
    await networkHelpers.mine(5);
    const second = await mined(registry.getFunction("rotateSigningKey")(agent, signingKey(1), signingKey(2)));
    const old = await resolver.resolve(`${did}?versionId=${second - 1}`);
    expect(keysOf(old.didDocument!, "publicKeyBase58")).to.deep.equal([base58(signingKey(1))]);
    expect(old.didDocumentMetadata.versionId).to.equal(String(first));
    expect(old.didDocumentMetadata.nextVersionId).to.equal(String(second));
    const now = await resolver.resolve(did);
    expect(keysOf(now.didDocument!, "publicKeyBase58")).to.deep.equal([base58(signingKey(2))]);
    expect(now.didDocumentMetadata.versionId).to.equal(String(second));
  });

  for (const [how, args] of [
    ["changeOwner", (agent: string) => [agent, ZeroAddress]],
    ["deactivate", (agent: string) => [agent, ZeroAddress]],
  ] as const) {
    it(`says that an agent is deactivated after ${how}`, async () => {
      const { resolver, did, agent, registry } = await chain();
      await mined(registry.getFunction("register")(signingKey(1)));
      await mined(registry.getFunction(how)(...args(agent)));
      const { didDocument, didDocumentMetadata } = await resolver.resolve(did);
      expect(didDocumentMetadata.deactivated).to.be.true;
      expect(didDocument!.verificationMethod).to.deep.equal([]);
    });
  }

  it("is not disturbed by the registry's own events in the same block", async () => {
    const { resolver, did, agent, other, registry, networkHelpers, provider } = await chain();
    await mined(registry.getFunction("register")(signingKey(1)));
    await provider.send("evm_setAutomine", [false]);
    const gasLimit = 500_000;
    await registry.getFunction("setCard")(agent, "https://a.example", signingKey(9), [encodeBytes32String("x")], {
      gasLimit,
    });
    await registry.getFunction("addSigningKey")(agent, signingKey(2), { gasLimit });
    await registry.getFunction("changeOwner")(agent, await other.getAddress(), { gasLimit });
    await networkHelpers.mine();
    await provider.send("evm_setAutomine", [true]);
    const document = await documentOf(resolver, did);
    expect(keysOf(document, "publicKeyBase58")).to.deep.equal([base58(signingKey(1)), base58(signingKey(2))]);
  });
});
