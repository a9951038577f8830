import { expect } from "chai";

import { Http } from "../../../agent/relayer/http.ts";
import { parseRetryAfter } from "../../../agent/relayer/retry.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";
import { type Fault, FaultProxy } from "../../../cli/rehearse/faultProxy.ts";
import { rejection } from "../../helpers/rejection.ts";

const ok: Fault = { kind: "answer", status: 200, body: '{"fine":true}' };

function problem(status: number, code: string, more: object = {}): Fault {
  return {
    kind: "answer",
    status,
    body: JSON.stringify({ status, code, title: "t", type: "u", detail: "d", ...more }),
  };
}

describe("agent/relayer: HTTP", () => {
  let server: FaultProxy;
  beforeEach(async () => {
    server = await FaultProxy.start("http://127.0.0.1:9");
  });
  afterEach(() => server.close());

  const client = () => new Http({ url: `${server.url}/`, retry: { attempts: 3, firstPauseMs: 1, maxPauseMs: 1 } });
  const get = () => client().json({ method: "GET", path: "/x" });

  /** Answers in turn; the last one again and again. */
  function answers(...faults: Fault[]): void {
    server.when("GET", /^\/x$/, (nth) => faults[Math.min(nth, faults.length - 1)]);
  }

  it("gives the answer, and sends once", async () => {
    answers(ok);
    expect(await get()).to.deep.equal({ fine: true });
    expect(server.seen).to.have.length(1);
  });

  for (const [what, fault] of [
    ["a connection that breaks", { kind: "drop" }],
    ["a busy relayer", problem(503, "ERR_UNAVAILABLE_QUEUE")],
    ["a limit on requests", problem(429, "ERR_LIMIT_RATE")],
    ["a proxy's 502 without a problem", { kind: "answer", status: 502, body: "<html>" }],
  ] as const) {
    it(`sends again after ${what}`, async () => {
      answers(fault as Fault, ok);
      expect(await get()).to.deep.equal({ fine: true });
      expect(server.seen).to.have.length(2);
    });
  }

  it("gives up after its attempts, with the last error", async () => {
    answers(problem(503, "ERR_UNAVAILABLE_QUEUE"));
    expect(await rejectionCode(get())).to.equal("ERR_UNAVAILABLE_QUEUE");
    expect(server.seen).to.have.length(3);
  });

  it("does not send again what will never be taken, and keeps code, words and details", async () => {
    answers(problem(409, "ERR_CONFLICT_SEQ_GAP", { hint: "h", expectedSeq: 3 }));
    const error = await rejection(get());
    expect(error).to.include({ code: "ERR_CONFLICT_SEQ_GAP", message: "d", hint: "h" });
    expect(isAffiantError(error) && error.details).to.deep.equal({ expectedSeq: 3 });
    expect(server.seen).to.have.length(1);
  });

  for (const [status, code] of [
    [400, "ERR_INPUT_MALFORMED"],
    [404, "ERR_NOT_FOUND_ROUTE"],
    [500, "ERR_INTERNAL_UNEXPECTED"],
  ] as const) {
    it(`takes status ${status} with a code that nobody knows for ${code}`, async () => {
      answers(problem(status, "ERR_FROM_THE_FUTURE"));
      expect(await rejectionCode(get())).to.equal(code);
    });
  }

  it("takes an answer that is no JSON for a relayer that is away", async () => {
    answers({ kind: "answer", status: 200, body: "<html>" });
    expect(await rejectionCode(get())).to.equal("ERR_UNAVAILABLE_RELAYER");
  });

  it("does not follow a redirect: entries go where they were meant to go", async () => {
    answers({ kind: "answer", status: 302, headers: { location: "/y" } });
    expect(await rejectionCode(get())).to.equal("ERR_UNAVAILABLE_RELAYER");
    expect(server.seen.map(({ path }) => path)).to.not.include("/y");
  });

  for (const url of ["", "localhost:1", "ftp://a", "http://", "http://a b"]) {
    it(`is no URL of a relayer: ${JSON.stringify(url)}`, () => {
      expect(thrownCode(() => new Http({ url }))).to.equal("ERR_INPUT_CONFIG");
    });
  }

  it("reads Retry-After as seconds or a date, never in the past, and believes no more than a minute", () => {
    const now = Date.parse("Wed, 21 Oct 2026 07:28:00 GMT");
    expect(parseRetryAfter("2", now)).to.equal(2000);
    expect(parseRetryAfter("Wed, 21 Oct 2026 07:28:03 GMT", now)).to.equal(3000);
    expect(parseRetryAfter("Wed, 21 Oct 2026 07:27:00 GMT", now)).to.equal(0);
    expect(parseRetryAfter("86400", now)).to.equal(60_000);
    expect(parseRetryAfter("soon", now)).to.equal(undefined);
    expect(parseRetryAfter(null, now)).to.equal(undefined);
  });
});
