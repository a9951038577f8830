import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import { capabilitiesOf, encodeCapability } from "../../../agent/card/capabilities.ts";
import { lookUpCard as lookUp } from "../../../agent/card/lookUpCard.ts";
import { type AgentCard, signCard } from "../../../agent/card/signedCard.ts";
import type { PublishedCard } from "../../../agent/chain/registries.ts";
import { formatKeyDid } from "../../../protocol/did/key.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";

const secret = new Uint8Array(32).fill(7);
const publicKey = ed25519.getPublicKey(secret);
const otherKey = ed25519.getPublicKey(new Uint8Array(32).fill(8));
const card: AgentCard = {
  name: "support",
  skills: [
    { id: "flights", tags: ["flight.change", "flight.book", "for people"] },
    { id: "seats", tags: ["flight.change"] },
  ],
};

/** The cards of this test are on this machine. */
const lookUpCard = (published: PublishedCard) => lookUp(published, { allowPrivate: true });

describe("agent/card: looking a card up", () => {
  let server: Server;
  let base: string;
  let served: { status: number; body: Uint8Array };
  let published: PublishedCard;

  before(async () => {
    server = createServer((_request, response) => response.writeHead(served.status).end(served.body));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(async () => {
    const { bytes, contentHash } = await signCard(card, publicKey, (message) => ed25519.sign(message, secret));
    served = { status: 200, body: bytes };
    const capabilities = ["flight.change", "flight.book"].map(encodeCapability);
    published = { uri: `${base}/card`, contentHash, capabilities, signingKeys: [toHex(publicKey)] };
  });

  it("shows a card that is the one on chain, signed by the agent, with the capabilities on chain", async () => {
    expect(await lookUpCard(published)).to.deep.include({
      outcome: "holds",
      signedBy: [formatKeyDid(publicKey)],
      capabilities: ["flight.book", "flight.change"],
      uri: published.uri,
    });
    expect((await lookUpCard(published)).card).to.include({ name: "support" });
  });

  it("does not go where an address with control characters leads", async () => {
    const found = await lookUpCard({ ...published, uri: `${published.uri}\u009b2J` });
    expect(found).to.include({
      outcome: "fails",
      detail: "the card's URI has a character at " + published.uri.length + " that no URI has",
    });
  });

  it("does not look on this machine for a card that anybody may name, and says why", async () => {
    const found = await lookUp(published);
    expect(found).to.include({
      outcome: "unproven",
      detail: `${new URL(base).host} is on this machine or in a private network`,
    });
    expect(found).to.not.have.property("card");
  });

  for (const [what, change, detail] of [
    ["another hash on chain", () => ({ contentHash: `0x${"0".repeat(64)}` as const }), /^the card's SHA-256 is/],
    ["keys that have not signed it", () => ({ signingKeys: [toHex(otherKey)] }), /^no signing key of the agent/],
    [
      "a capability more on chain",
      () => ({ capabilities: [...published.capabilities, encodeCapability("x")] }),
      /tags/,
    ],
    ["a capability less on chain", () => ({ capabilities: published.capabilities.slice(1) }), /tags/],
    ["a URI that is no address of the web", () => ({ uri: "file:///etc/hosts" }), /not one of http/],
  ] as const) {
    it(`fails, and shows nothing of the card, with ${what}`, async () => {
      const found = await lookUpCard({ ...published, ...change() });
      expect(found.outcome).to.equal("fails");
      expect(found.detail).to.match(detail);
      expect(found).to.not.have.property("card");
    });
  }

  it("says that it is unproven if nobody is there, or it answers with an error, or with too much", async () => {
    const closed = await lookUpCard({ ...published, uri: "http://127.0.0.1:1/card" });
    expect([closed.outcome, closed.detail]).to.deep.equal([
      "unproven",
      "http://127.0.0.1:1/card cannot be reached (ECONNREFUSED)",
    ]);
    served.status = 404;
    expect(await lookUpCard(published)).to.include({
      outcome: "unproven",
      detail: `${base}/card answers with status 404`,
    });
    served = { status: 200, body: new Uint8Array((1 << 20) + 1) };
    expect(await lookUpCard(published)).to.include({
      outcome: "unproven",
      detail: `${base}/card gives more than 1048576 bytes`,
    });
  });
});

describe("agent/card: capabilities", () => {
  const withTags = (tags: readonly unknown[]) => ({ skills: [{ tags }] }) as unknown as AgentCard;

  it("are tags of 1 to 32 printable characters without blanks, each once, in order", () => {
    const tags = ["b", "a", "b", "", "two words", "é", 7, "x".repeat(32), "x".repeat(33)];
    expect(capabilitiesOf(withTags(tags)).onChain).to.deep.equal(["a", "b", "x".repeat(32)]);
    for (const none of [{}, { skills: 1 }, { skills: [null, { tags: "a" }] }]) {
      expect(capabilitiesOf(none as AgentCard)).to.deep.equal({ onChain: [], inCardOnly: [] });
    }
  });

  it("are 16 at most", () => {
    const tags = Array.from({ length: 17 }, (_, i) => `t${i}`);
    const { onChain, inCardOnly } = capabilitiesOf(withTags(tags));
    expect([...onChain].sort()).to.deep.equal(tags.slice(0, 16).sort());
    expect(inCardOnly).to.deep.equal(tags.slice(16));
  });

  it("are ASCII with zeros behind on chain", () => {
    expect(encodeCapability("payment.charge")).to.equal(`0x7061796d656e742e636861726765${"00".repeat(18)}`);
  });
});
