import { once } from "node:events";
import { request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect } from "chai";
import { pino } from "pino";

import { serviceServer, type ServiceServerOptions } from "../../../attestation/service/serviceServer.ts";
import { ticketAuthorization } from "../../../protocol/attestation/enrolment.ts";
import { AffiantError } from "../../../protocol/errors/affiantError.ts";

const ticket = `0x${"7c".repeat(32)}` as const;
const token = "operator";

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

describe("attestation/service: what strangers may send", () => {
  let server: Server;
  let port: number;
  let enrolled: unknown[];
  let checked: string[];

  beforeEach(async () => {
    enrolled = [];
    checked = [];
    const enrolments = {
      checkTicket: (secret: string) => {
        checked.push(secret);
        if (secret === ticket) return Promise.resolve();
        return Promise.reject(new AffiantError("ERR_AUTH_TICKET", "no such ticket was given out"));
      },
      enrol: (body: unknown) => {
        enrolled.push(body);
        return Promise.resolve({});
      },
      announce: () => Promise.resolve(),
      issue: () => Promise.resolve({}),
    };
    const watch = { report: () => ({ late: [], block: 1, round: null }) };
    const metrics = { contentType: "text/plain", text: () => Promise.resolve(""), count: () => undefined };
    server = serviceServer({
      ...{ enrolments, watch, metrics, registry: {} },
      ...{ token, hasten: () => undefined, url: () => "", host: "127.0.0.1", names: ["attestation.example"] },
      logger: pino({ level: "silent" }),
    } as unknown as ServiceServerOptions).listen(0, "127.0.0.1");
    await once(server, "listening");
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function ask(path: string, { method = "POST", headers = {}, body = "" }: Sent = {}) {
    return new Promise<{ status: number; code: string | undefined }>((resolve, reject) => {
      const type = { "content-type": "application/json" };
      const sent = httpRequest(
        { port, host: "127.0.0.1", path, method, headers: { ...type, ...headers } },
        (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
          response.on("end", () => {
            const answer = (text === "" ? {} : JSON.parse(text)) as { code?: string };
            resolve({ status: response.statusCode ?? 0, code: answer.code });
          });
        },
      );
      sent.on("error", reject).end(body);
    });
  }

  const large = JSON.stringify({ manifest: "x".repeat(70_000) });
  const enrolments = "/v1/attestation/enrolments";

  it("reads a manifest of any size of who shows a ticket, and a small one of everybody", async () => {
    const headers = { authorization: ticketAuthorization(ticket) };
    expect((await ask(enrolments, { headers, body: large })).status).to.equal(201);
    expect((await ask(enrolments, { body: "{}" })).status).to.equal(201);
    expect(enrolled).to.have.length(2);
  });

  it("turns away what is large and comes without a ticket, or with one that was never given out", async () => {
    expect(await ask(enrolments, { body: large })).to.deep.equal({ status: 413, code: "ERR_LIMIT_BODY_SIZE" });
    const headers = { authorization: ticketAuthorization(`0x${"00".repeat(32)}`) };
    expect(await ask(enrolments, { headers, body: large })).to.deep.equal({ status: 401, code: "ERR_AUTH_TICKET" });
    expect(
      await ask(enrolments, { headers: { authorization: `AffiantTicket ${"x".repeat(64)}` }, body: large }),
    ).to.include({
      status: 413,
    });
    expect({ enrolled, checked: checked.length }).to.deep.equal({ enrolled: [], checked: 1 });
  });

  it("gives a ticket, and hastens a round, to its operator before it reads anything else", async () => {
    for (const path of ["/v1/attestation/tickets", "/v1/attestation/rounds"]) {
      for (const authorization of ["", "Bearer guess", `Bearer ${token}x`, token]) {
        expect(await ask(path, { headers: { authorization }, body: large })).to.deep.equal({
          status: 401,
          code: "ERR_AUTH_SERVICE_TOKEN",
        });
      }
      const body = JSON.stringify({ operator: `0x${"11".repeat(20)}` });
      const { status } = await ask(path, { headers: { authorization: `Bearer ${token}` }, body });
      expect(status).to.be.oneOf([201, 202]);
    }
  });

  it("answers every unreadable request with a 4xx", async () => {
    const odd: readonly (readonly [string, Sent])[] = [
      [enrolments, { body: "{" }],
      [enrolments, { body: "[".repeat(60_000) }],
      [enrolments, { body: Buffer.from([0x1f, 0x8b]), headers: { "content-encoding": "gzip" } }],
      [enrolments, { body: "{}", headers: { "content-encoding": "nonsense" } }],
      [enrolments, { body: "{}", headers: { "content-type": "application/json; charset=nonsense" } }],
      ["/v1/attestation/agents/%E0%A4%A", { method: "GET" }],
      ["/v1/attestation/agents/x", { method: "GET" }],
      ["/v1/attestation/nothing", {}],
    ];
    for (const [path, sent] of odd) {
      const { status, code } = await ask(path, sent);
      expect(status, path).to.be.within(400, 499);
      expect(code, path).to.match(/^ERR_(INPUT_MALFORMED|NOT_FOUND_ROUTE)$/);
    }
    expect(enrolled).to.deep.equal([]);
  });

  it("is served under its own names only", async () => {
    const healthz = (host: string) => ask("/healthz", { method: "GET", headers: { host } });
    expect((await healthz(`localhost:${port}`)).status).to.equal(200);
    expect((await healthz("attestation.example")).status).to.equal(200);
    expect(await healthz("evil.example")).to.deep.equal({ status: 403, code: "ERR_AUTH_HOST" });
  });
});
