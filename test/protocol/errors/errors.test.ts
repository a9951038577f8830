import { expect } from "chai";

import { AffiantError, isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { type ErrorCode, errorCodes } from "../../../protocol/errors/codes.ts";
import { toProblem } from "../../../protocol/errors/problem.ts";

/** What the head of `codes.ts` promises. */
const families: Readonly<Record<string, readonly number[]>> = {
  INPUT: [400],
  AUTH: [401, 403],
  NOT: [404],
  CONFLICT: [409],
  LIMIT: [413, 429],
  PROOF: [422],
  INTERNAL: [500],
  UNAVAILABLE: [503],
};

const codes = Object.keys(errorCodes) as ErrorCode[];

describe("protocol/errors", () => {
  it("knows some codes", () => {
    expect(codes).to.include.members(["ERR_INPUT_ENTRY", "ERR_PROOF_SIGNATURE", "ERR_INTERNAL_UNEXPECTED"]);
  });

  for (const code of codes) {
    it(`${code} has the form, and the status of its family`, () => {
      expect(code).to.match(/^ERR_(?:INPUT|AUTH|NOT_FOUND|CONFLICT|LIMIT|PROOF|INTERNAL|UNAVAILABLE)(?:_[A-Z0-9]+)+$/);
      const { status, title } = errorCodes[code];
      expect(families[code.split("_")[1] ?? ""]).to.include(status);
      expect(title).to.match(/^[A-Z].*[^.]$/);
    });
  }

  it("calls an error retryable only where waiting can help", () => {
    const retryable = codes.filter((code) => errorCodes[code].retryable);
    expect(retryable).to.not.be.empty;
    for (const code of retryable) expect(code).to.match(/^ERR_(?:UNAVAILABLE|LIMIT)_/);
    for (const code of codes.filter((name) => name.startsWith("ERR_UNAVAILABLE_"))) {
      expect(errorCodes[code].retryable, code).to.equal(true);
    }
  });

  it("gives every code a title of its own", () => {
    const titles = codes.map((code) => errorCodes[code].title);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).to.deep.equal([]);
  });

  it("makes an RFC 9457 problem of an error", () => {
    const error = new AffiantError("ERR_CONFLICT_SEQ_GAP", "entry 3 is missing", {
      hint: "Send it first.",
      details: { expectedSeq: 3 },
      cause: new Error("private"),
    });
    expect(toProblem(error)).to.deep.equal({
      type: "urn:affiant:error:ERR_CONFLICT_SEQ_GAP",
      title: errorCodes.ERR_CONFLICT_SEQ_GAP.title,
      status: 409,
      detail: "entry 3 is missing",
      code: "ERR_CONFLICT_SEQ_GAP",
      hint: "Send it first.",
      expectedSeq: 3,
    });
  });

  it("does not let details pass for standard members", () => {
    const error = new AffiantError("ERR_INPUT_ENTRY", "bad", { details: { status: 200, code: "OK", detail: "fine" } });
    expect(toProblem(error)).to.include({ status: 400, code: "ERR_INPUT_ENTRY", detail: "bad" });
  });

  it("tells nobody what an unexpected error says", () => {
    const problem = toProblem(new Error("password is hunter2"));
    expect(problem.code).to.equal("ERR_INTERNAL_UNEXPECTED");
    expect(JSON.stringify(problem)).to.not.contain("hunter2");
    expect(toProblem("hunter2").detail).to.not.contain("hunter2");
  });

  it("tells its errors from others, and by code", () => {
    const error = new AffiantError("ERR_INPUT_DID", "no");
    expect(isAffiantError(error)).to.equal(true);
    expect(isAffiantError(error, "ERR_INPUT_DID")).to.equal(true);
    expect(isAffiantError(error, "ERR_INPUT_ENTRY")).to.equal(false);
    expect(isAffiantError(new Error("ERR_INPUT_DID"))).to.equal(false);
    expect(error).to.include({ status: 400, retryable: false });
    expect(new AffiantError("ERR_UNAVAILABLE_CHAIN", "gone").retryable).to.equal(true);
  });
});
