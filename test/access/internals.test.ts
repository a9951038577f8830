import { expect } from "chai";

import { parts } from "../../access/provider/internals.ts";

describe("access/provider/internals", () => {
  it("finds each unexported part of oidc-provider where it was", () => {
    const kinds = Object.fromEntries(
      Object.entries(parts).map(([name, part]) => [
        name,
        Array.isArray(part) ? part.map((one) => typeof one) : typeof part,
      ]),
    );
    expect(kinds).to.deep.equal({
      als: "object",
      instance: "function",
      validateDpop: "function",
      checkDpopReplay: "function",
      assembleParams: "function",
      clientAuth: ["function", "function", "function"],
      clientAuthParams: "function",
      errorHandler: "function",
      noCache: "function",
      rejectDupes: "function",
      urlencoded: "function",
    });
  });
});
