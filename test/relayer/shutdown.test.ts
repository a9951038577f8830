import { expect } from "chai";

import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";

import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";
import { RelayerProcess } from "../helpers/world/relayerProcess.ts";
import { eventually } from "../helpers/eventually.ts";

/** A request that the server has begun to read, and whose body is not all there. */
async function beginPost(url: string, body: string, headers: Record<string, string> = {}): Promise<ClientRequest> {
  const begun = request(url, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": body.length, expect: "100-continue", ...headers },
  });
  begun.flushHeaders();
  await once(begun, "continue");
  begun.write(body.slice(0, 5));
  return begun;
}

async function finish(begun: ClientRequest, body: string): Promise<{ status: number | undefined; body: unknown }> {
  begun.end(body.slice(5));
  const [response] = (await once(begun, "response")) as [IncomingMessage];
  return { status: response.statusCode, body: JSON.parse(await text(response)) };
}

const refusesConnections = (url: string) => () =>
  fetch(`${url}/healthz`).then(
    () => false,
    () => true,
  );

describe("relayer: the end in order", () => {
  let chain: TestChain;
  let home: RelayerHome;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
  });

  after(async () => {
    await home?.remove();
    await chain?.close();
  });

  it("SIGTERM: requests under way are answered, no others taken, and what was accepted is gone on with", async () => {
    const relayer = await RelayerProcess.start(home);
    const { target, data, actor } = await registerCall(chain);
    const agent = await Actor.registered(chain);
    const call = JSON.stringify({ target, data });
    const entry = JSON.stringify({ leaf: (await agent.sign()).leaf });
    const begunCall = await beginPost(`${relayer.url}/v1/requests`, call, { "idempotency-key": "k" });
    const begunEntry = await beginPost(`${relayer.url}/v1/entries`, entry);
    const events = await fetch(`${relayer.url}/v1/events`); // a reader that would stay for ever
    const ended = relayer.end("SIGTERM");
    await eventually(refusesConnections(relayer.url));
    const carried = await finish(begunCall, call);
    expect(carried.status).to.equal(202);
    const turnedAway = await finish(begunEntry, entry);
    expect(turnedAway).to.include({ status: 503 }).and.to.have.nested.property("body.code", "ERR_UNAVAILABLE_STOPPING");
    expect(await ended).to.equal(0);
    await events.body?.cancel();

    const again = await RelayerProcess.start(home);
    const { id } = carried.body as { id: string };
    await eventually(async () => {
      await chain.mine(1);
      return (await again.http.get(`/v1/requests/${id}`)).body.state === "final";
    });
    expect(await chain.agents.getFunction("isActive")(actor.account.address)).to.equal(true);
    expect((await again.http.post("/v1/entries", JSON.parse(entry))).status).to.equal(201);
    expect(await again.end("SIGTERM")).to.equal(0);
  });

  it("who does not come to an end is cut off", async () => {
    const relayer = await RelayerProcess.start(home, { AFFIANT_SHUTDOWN_MS: "50" });
    const stuck = await beginPost(`${relayer.url}/v1/entries`, "{          }");
    const cut = once(stuck, "error");
    expect(await relayer.end("SIGTERM")).to.equal(0);
    expect(((await cut) as [NodeJS.ErrnoException])[0].code).to.equal("ECONNRESET");
  });
});
