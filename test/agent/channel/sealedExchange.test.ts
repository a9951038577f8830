import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { network } from "hardhat";

import type { GroupChannel } from "../../../agent/channel/groupChannel.ts";
import { exchangeTransport } from "../../../agent/channel/sealedExchange.ts";
import { type Handler, serve } from "../../../examples/shop/station/server.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { escrowSystem } from "../../orchestrator/escrow/world.ts";

const { ethers } = await network.create();

describe("requests between members, sealed", () => {
  const folder = tempFolders();
  const servers: Server[] = [];
  const charge: Handler = (body) => {
    const { amountCents } = body as { amountCents: number };
    if (amountCents > 500) throw new AffiantError("ERR_AUTH_POLICY", "too much");
    return { result: { charged: amountCents } };
  };

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function start() {
    const world = await escrowSystem(ethers, await folder());
    await world.publisher().step();
    const [a, b, c] = world.agents.map(({ address }) => world.member(address));
    const memberOf = ({ channel }: { channel: GroupChannel }) => ({
      group: world.groupAt,
      seal: (to: string, plaintext: Uint8Array) => channel.seal(to, plaintext),
      open: (message: Uint8Array) => channel.open(message),
    });
    const server = await serve(
      { routes: {}, sealed: { channel: memberOf(b!), routes: { "POST /v1/charge": charge } } },
      0,
    );
    servers.push(server);
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { world, a: a!, b: b!, c: c!, url };
  }

  /** In front of the server: what goes over the wire, and a way to change it. */
  async function wire(url: string, change: (body: Buffer) => Buffer = (body) => body) {
    const seen: Buffer[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        void (async () => {
          seen.push(Buffer.concat(chunks));
          const answer = await fetch(url + request.url, {
            method: "POST",
            body: new Uint8Array(Buffer.concat(chunks)),
          });
          const body = change(Buffer.from(await answer.arrayBuffer()));
          seen.push(body);
          response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" }).end(body);
        })();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  const ask = (channel: GroupChannel, to: string, url: string, amountCents: number) =>
    exchangeTransport({ channel, to })(`${url}/v1/charge`, JSON.stringify({ amountCents }), 10_000);

  it("carries question and answer, and an error of the callee, and shows none of it", async () => {
    const { a, b, url } = await start();
    const { url: tapped, seen } = await wire(url);
    expect(await ask(a.channel, b.address, tapped, 123)).to.deep.equal({
      ok: true,
      value: { result: { charged: 123 } },
    });
    const refused = await ask(a.channel, b.address, tapped, 501);
    expect(refused.ok).to.equal(false);
    expect(refused.value).to.include({ code: "ERR_AUTH_POLICY", detail: "too much" });
    expect(seen).to.have.lengthOf(4);
    for (const bytes of seen) expect(bytes.toString("latin1")).to.not.match(/charge|amount|result|ERR_/);
  });

  it("serves nothing of it in the clear", async () => {
    const { url } = await start();
    const response = await fetch(`${url}/v1/charge`, { method: "POST", body: '{"amountCents":1}' });
    expect(response.status).to.equal(404);
  });

  it("takes no answer to another request, nor another member's", async () => {
    const { a, b, c, url } = await start();
    let kept: Buffer | undefined;
    const { url: swapping } = await wire(url, (body) => {
      const [first] = [kept, (kept = body)];
      return first ?? body;
    });
    // The first answer comes as it should; the second request is given the first one's answer.
    await ask(a.channel, b.address, swapping, 1);
    expect(await rejectionCode(ask(a.channel, b.address, swapping, 2))).to.equal("ERR_CONFLICT_MESSAGE_REPLAY");
    const plaintext = new Uint8Array(
      Buffer.from(JSON.stringify({ id: `0x${"0".repeat(32)}`, status: 200, body: "{}" })),
    );
    const forged = [await b.channel.seal(a.address, plaintext), await c.channel.seal(a.address, plaintext)];
    for (const body of forged) {
      const { url: forging } = await wire(url, () => Buffer.from(body));
      expect(await rejectionCode(ask(a.channel, b.address, forging, 3))).to.equal("ERR_AUTH_SENDER");
    }
  });

  it("ends with the epoch: neither asks nor answers once a member has lost trust", async () => {
    const { world, a, b, c, url } = await start();
    const before = await a.channel.seal(b.address, new Uint8Array(Buffer.from("{}")));
    await world.setTrusted(c.address, false);
    expect(await rejectionCode(ask(a.channel, b.address, url, 1))).to.equal("ERR_AUTH_EPOCH_STALE");
    const late = await fetch(`${url}/v1/channel`, { method: "POST", body: new Uint8Array(before) });
    expect([late.status, ((await late.json()) as { code: string }).code]).to.deep.equal([403, "ERR_AUTH_EPOCH_STALE"]);
  });
});
