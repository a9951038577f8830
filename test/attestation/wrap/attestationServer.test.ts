import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect, type Socket } from "node:net";

import { expect } from "chai";

import { type AttestationServer, serveAttestation } from "../../../attestation/wrap/attestationServer.ts";
import type { Challenge } from "../../../protocol/attestation/challenge.ts";

const did = (byte: string) => `did:ethr:0x7a69:0x${byte.repeat(20)}` as const;
const challenge: Challenge = {
  round: 1,
  target: did("33"),
  verifier: did("44"),
  nonce: `0x${"55".repeat(32)}`,
  commission: `0x${"66".repeat(32)}`,
};

describe("attestation/wrap/attestationServer", () => {
  let server: AttestationServer;
  let asked: number;
  let release: () => void;
  let answering: Promise<void>;
  const held: Socket[] = [];

  beforeEach(async () => {
    asked = 0;
    answering = Promise.resolve();
    server = await serveAttestation({
      wrapper: {
        answer: async () => {
          asked++;
          await answering;
          return "evidence";
        },
      },
    });
  });
  afterEach(async () => {
    for (const socket of held.splice(0)) socket.destroy();
    await server.close();
  });

  const ask = (body: unknown = challenge, path = "challenge") =>
    fetch(`${server.url}/v1/attestation/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  /** A request of which only the head and one byte come. */
  async function holdHalf(count: number): Promise<void> {
    const { port, hostname, host } = new URL(server.url);
    const head = `POST /v1/attestation/challenge HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n\r\n{`;
    for (let i = 0; i < count; i++) {
      const socket = connect(Number(port), hostname).on("error", () => undefined);
      held.push(socket);
      await once(socket, "connect");
      socket.write(head);
    }
    // Answered after them on a connection that came after them: they have all been seen.
    expect((await fetch(`${server.url}/healthz`)).status).to.equal(200);
  }

  it("answers while others have sent half of what they announced", async () => {
    await holdHalf(200);
    const response = await ask();
    expect({ status: response.status, body: await response.json() }).to.deep.equal({
      status: 200,
      body: { evidence: "evidence" },
    });
  });

  it("holds what was read, so many for one address, and refuses the rest until there is room", async () => {
    answering = new Promise((resolve) => (release = resolve));
    const waiting = Array.from({ length: 32 }, () => ask());
    while (asked < 32) await fetch(`${server.url}/healthz`);
    const refused = await ask();
    expect(refused.status).to.equal(429);
    expect(refused.headers.get("retry-after")).to.equal("1");
    expect(await refused.json()).to.include({ code: "ERR_LIMIT_RATE" });
    expect((await fetch(`${server.url}/healthz`)).status).to.equal(200);
    release();
    expect((await Promise.all(waiting)).map(({ status }) => status)).to.deep.equal(Array(32).fill(200));
    expect((await ask()).status).to.equal(200);
  });

  it("takes what is no challenge for that, and nothing as large as it is announced", async () => {
    for (const body of [
      "",
      "{",
      "[]",
      JSON.stringify({ ...challenge, more: 1 }),
      JSON.stringify({ ...challenge, round: -1 }),
    ]) {
      const response = await ask(body);
      expect(response.status, body).to.equal(400);
    }
    const large = await ask(" ".repeat(32_769));
    expect({ status: large.status, code: ((await large.json()) as { code: string }).code }).to.deep.equal({
      status: 413,
      code: "ERR_LIMIT_BODY_SIZE",
    });
    expect(asked).to.equal(0);
  });

  it("serves no page that has its own name lead here", async () => {
    const { port } = new URL(server.url);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: `evil.example:${port}`, "content-type": "application/json" };
      httpRequest(
        { port, host: "127.0.0.1", path: "/v1/attestation/challenge", method: "POST", headers },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      )
        .on("error", reject)
        .end(JSON.stringify(challenge));
    });
    expect({ status, asked }).to.deep.equal({ status: 403, asked: 0 });
  });
});
