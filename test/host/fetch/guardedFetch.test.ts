import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";

import { guardedFetch, type GuardedFetchOptions, type Resolve } from "../../../host/fetch/guardedFetch.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

const limits: GuardedFetchOptions = { timeoutMs: 5_000, maxBytes: 1_000 };

describe("host/fetch/guardedFetch", () => {
  const servers: Server[] = [];
  let hits = 0;

  async function serve(answer: RequestListener): Promise<number> {
    const server = createServer((request, response) => {
      hits++;
      answer(request, response);
    }).listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  const codeOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "answered",
      (error: unknown) => (isAffiantError(error) ? error.code : String(error)),
    );

  beforeEach(() => (hits = 0));
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  it("goes to this machine when it is asked to, and not otherwise", async () => {
    const port = await serve((_request, response) => response.end("card"));
    const url = `http://127.0.0.1:${port}/card`;
    expect(await codeOf(guardedFetch(url, limits))).to.equal("ERR_AUTH_PRIVATE_ADDRESS");
    expect(hits).to.equal(0);
    const { body, ok } = await guardedFetch(url, { ...limits, allowPrivate: true });
    expect(ok).to.equal(true);
    expect(body.toString()).to.equal("card");
  });

  it("sees through every spelling of an address", async () => {
    const port = await serve((_request, response) => response.end("secret"));
    const spellings = [
      "2130706433",
      "0x7f000001",
      "0177.0.0.1",
      "127.1",
      "[::ffff:127.0.0.1]",
      "[::ffff:7f00:1]",
      "localhost",
    ];
    for (const host of [...spellings, "127.0.0.1.", "[::1]", "0", "0.0.0.0", "169.254.169.254", "[fe80::1]"]) {
      expect(await codeOf(guardedFetch(`http://${host}:${port}/`, limits)), host).to.equal("ERR_AUTH_PRIVATE_ADDRESS");
    }
    expect(hits).to.equal(0);
  });

  it("refuses a name if one of its addresses is private, and asks for the name once", async () => {
    const port = await serve((_request, response) => response.end("secret"));
    let asked = 0;
    const resolve: Resolve = (_name, then) => {
      asked++;
      then(null, [
        { address: "93.184.215.14", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ]);
    };
    expect(await codeOf(guardedFetch(`http://cards.example:${port}/`, { ...limits, resolve }))).to.equal(
      "ERR_AUTH_PRIVATE_ADDRESS",
    );
    expect({ asked, hits }).to.deep.equal({ asked: 1, hits: 0 });
  });

  it("connects to the address that was checked, whatever the name says a moment later", async () => {
    const port = await serve((request, response) => response.end(request.headers.host));
    const answers = ["127.0.0.1", "192.0.2.9"];
    const resolve: Resolve = (_name, then) => then(null, [{ address: answers.shift() ?? "", family: 4 }]);
    const { body } = await guardedFetch(`http://cards.example:${port}/`, { ...limits, resolve, allowPrivate: true });
    expect(body.toString()).to.equal(`cards.example:${port}`);
    expect(answers).to.deep.equal(["192.0.2.9"]);
  });

  it("checks where a redirect leads", async () => {
    const inner = await serve((_request, response) => response.end("secret"));
    const to = (host: string) => (_request: unknown, response: ServerResponse) =>
      void response.writeHead(302, { location: `http://${host}:${inner}/` }).end();
    // There is only this machine to test on: its second address stands for the private network.
    const isPublic = (address: string) => address === "127.0.0.1";
    const options = { ...limits, maxRedirects: 3, isPublic };
    const good = await serve(to("127.0.0.1"));
    expect((await guardedFetch(`http://127.0.0.1:${good}/`, options)).body.toString()).to.equal("secret");
    hits = 0;
    const bad = await serve(to("127.0.0.2"));
    expect(await codeOf(guardedFetch(`http://127.0.0.1:${bad}/`, options))).to.equal("ERR_AUTH_PRIVATE_ADDRESS");
    expect(hits).to.equal(1);
    const there = await guardedFetch(`http://127.0.0.1:${bad}/`, { ...options, maxRedirects: 0 });
    expect({ status: there.status, ok: there.ok }).to.deep.equal({ status: 302, ok: false });
    const away = await serve((_request, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end());
    expect(await codeOf(guardedFetch(`http://127.0.0.1:${away}/`, options))).to.equal("ERR_INPUT_MALFORMED");
    const round = await serve((_request, response) => response.writeHead(302, { location: "/" }).end());
    hits = 0;
    expect((await guardedFetch(`http://127.0.0.1:${round}/`, options)).status).to.equal(302);
    expect(hits).to.equal(4);
  });

  it("reads no more than it was told to, and waits no longer", async () => {
    const port = await serve((_request, response) => response.end("x".repeat(1_001)));
    const options = { ...limits, allowPrivate: true };
    expect(await codeOf(guardedFetch(`http://127.0.0.1:${port}/`, options))).to.equal("ERR_LIMIT_BODY_SIZE");
    const silent = await serve(() => undefined);
    const late = await codeOf(guardedFetch(`http://127.0.0.1:${silent}/`, { ...options, timeoutMs: 50 }));
    expect(late).to.match(/TimeoutError/);
    servers.at(-1)?.closeAllConnections();
  });

  it("takes http and https, and no name or password", async () => {
    for (const url of ["ftp://a.example/", "file:///etc/passwd", "not a url", "http://user:word@a.example/"]) {
      expect(await codeOf(guardedFetch(url, limits)), url).to.equal("ERR_INPUT_MALFORMED");
    }
  });
});
