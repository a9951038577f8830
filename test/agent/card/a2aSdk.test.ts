import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

import { generateAgentCardSignature, verifyAgentCardSignature } from "@a2a-js/sdk";
import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { requireAgentCard } from "../../../agent/card/a2aForm.ts";
import { type AgentCard, signCard, verifyCard } from "../../../agent/card/signedCard.ts";
import { formatKeyDid } from "../../../protocol/did/key.ts";
import { toCanonicalJson } from "../../../protocol/json/canonical.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

const secret = new Uint8Array(32).fill(7);
const publicKey = ed25519.getPublicKey(secret);
const base = {
  name: "Order desk",
  description: "Looks orders up.",
  version: "1.0.0",
  supportedInterfaces: [{ url: "https://agent.example/a2a", protocolBinding: "JSONRPC", protocolVersion: "1.0" }],
  capabilities: { streaming: true },
  defaultInputModes: ["text/plain"],
  defaultOutputModes: ["text/plain"],
  skills: [{ id: "lookup", name: "Look up", description: "Find an order", tags: ["orders"] }],
};
const skill = base.skills[0] as object;
const cards: Readonly<Record<string, AgentCard>> = {
  "with nothing but what is required": base,
  "with an optional member that is false": { ...base, capabilities: { streaming: false } },
  "without any capability": { ...base, capabilities: {} },
  "with an empty list": { ...base, skills: [{ ...skill, examples: [] } as never] },
  "with an empty text": { ...base, documentationUrl: "" },
  "with a default that is written out": {
    ...base,
    capabilities: { streaming: true, extensions: [{ uri: "https://x.example/ext", required: false }] },
  },
  "with members of 0.3 beside": {
    ...base,
    protocolVersion: "0.3.0",
    url: "https://agent.example/a2a",
    preferredTransport: "JSONRPC",
  },
  "with security schemes": {
    ...base,
    securitySchemes: { key: { apiKeySecurityScheme: { location: "header", name: "X-Key" } } },
    securityRequirements: [{ schemes: { key: { list: [] } } }],
  },
  "with nineteen tags": {
    ...base,
    skills: [{ ...skill, tags: Array.from({ length: 19 }, (_, i) => `tag-${i}`) } as never],
  },
};

/** Node's key objects, as the other side has them. */
function nodeKeys(): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), secret]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const verdictOn = (card: unknown) => {
  const bytes = new TextEncoder().encode(toCanonicalJson(card));
  const contentHash = `0x${createHash("sha256").update(bytes).digest("hex")}`;
  return verifyCard(bytes, { contentHash, signingKeys: [publicKey] }).outcome;
};

describe("agent cards and the A2A project's own SDK", () => {
  const { privateKey, publicKey: nodePublicKey } = nodeKeys();
  const verify = verifyAgentCardSignature(() => Promise.resolve(nodePublicKey));
  const sign = (card: AgentCard) => signCard(card, publicKey, (message) => ed25519.sign(message, secret));

  for (const [what, card] of Object.entries(cards)) {
    it(`signs a card ${what} so that the SDK takes it`, async () => {
      const { bytes } = await sign(card);
      await verify(JSON.parse(new TextDecoder().decode(bytes)) as never);
    });

    for (const alg of ["EdDSA", "Ed25519"]) {
      it(`takes a card ${what} that the SDK signed by ${alg}`, async () => {
        const header = { alg, kid: formatKeyDid(publicKey), typ: "JOSE" };
        expect(verdictOn(await generateAgentCardSignature(privateKey, header)(card as never))).to.equal("holds");
      });
    }
  }

  it("takes no card whose description was changed after the SDK signed it", async () => {
    const header = { alg: "Ed25519", kid: formatKeyDid(publicKey), typ: "JOSE" };
    const signed = await generateAgentCardSignature(privateKey, header)(base as never);
    expect(verdictOn({ ...signed, description: "Pays orders out." })).to.equal("fails");
  });

  it("refuses what is no card, and says what it is", () => {
    const refused: readonly (readonly [unknown, RegExp])[] = [
      [[], /holds no JSON object/],
      [{ type: "https://eips.ethereum.org/EIPS/eip-8004#registration-v1", name: "x" }, /an ERC-8004 registration file/],
      [{ openapi: "3.1.0" }, /an OpenAPI description/],
      [{ ...base, name: "" }, /lacks name/],
      [{ ...base, skills: undefined }, /lacks skills/],
      [{ ...base, supportedInterfaces: undefined }, /lacks supportedInterfaces/],
    ];
    for (const [value, why] of refused) {
      try {
        requireAgentCard(value as never, "card.json");
        expect.fail("it was taken");
      } catch (error) {
        expect(isAffiantError(error, "ERR_INPUT_CARD"), String(error)).to.equal(true);
        expect((error as Error).message).to.match(why);
      }
    }
    expect(requireAgentCard(base, "card.json")).to.equal(base);
  });
});
