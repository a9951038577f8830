import { expect } from "chai";

import { fetchCard } from "../../../agent/card/fetchCard.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { rawServer, say } from "../../adapters/mcp/http/rawServer.ts";

const cid = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";

describe("agent/card fetchCard", () => {
  const codeOf = (uri: string, options = {}): Promise<string | undefined> =>
    fetchCard(uri, options).then(
      () => undefined,
      (error: unknown) => (isAffiantError(error) ? error.code : String(error)),
    );

  it("reads a card in its URI (RFC 2397)", async () => {
    for (const uri of [
      "data:application/json;base64,eyJhIjoxfQ==",
      "data:application/json,%7B%22a%22:1%7D",
      "data:,%7B%22a%22:1%7D",
    ]) {
      expect(Buffer.from(await fetchCard(uri)).toString()).to.equal('{"a":1}');
    }
    expect(await codeOf("data:application/json")).to.equal("ERR_INPUT_MALFORMED");
    expect(await codeOf("data:,%zz")).to.equal("ERR_INPUT_MALFORMED");
  });

  it("asks the gateway that the user named for a card on IPFS, and none otherwise", async () => {
    const server = await rawServer((_heard, response) =>
      say(response, response.req.url === `/ipfs/${cid}/card.json` ? "{}" : "", 200),
    );
    const ipfsGateway = `${server.url.origin}/`;
    const bytes = await fetchCard(`ipfs://${cid}/card.json`, { ipfsGateway, allowPrivate: true });
    expect(Buffer.from(bytes).toString()).to.equal("{}");
    expect(await codeOf(`ipfs://${cid}/card.json`)).to.equal("ERR_UNAVAILABLE_CARD");
    expect(await codeOf(`ipfs://${cid}/../../admin`, { ipfsGateway, allowPrivate: true })).to.equal(
      "ERR_INPUT_MALFORMED",
    );
    expect(server.heard).to.have.length(1);
    await server.close();
  });

  it("follows no other scheme", async () => {
    for (const uri of ["file:///etc/passwd", "ftp://agent.example/card", "card.json"]) {
      expect(await codeOf(uri)).to.equal("ERR_INPUT_MALFORMED");
    }
  });
});
