import { expect } from "chai";

import { type HostCheck, hostCheck, localOnly } from "../../../host/http/hostCheck.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";

function said(check: HostCheck, headers: Parameters<HostCheck>[0]): string {
  try {
    check(headers);
    return "served";
  } catch (error) {
    return isAffiantError(error) ? error.code : String(error);
  }
}

describe("host/http/hostCheck", () => {
  it("serves this machine's own names, with any port", () => {
    const check = hostCheck({ host: "127.0.0.1" });
    for (const host of ["127.0.0.1:8787", "localhost", "LOCALHOST:1", "[::1]:8787", "relayer.localhost:8787"]) {
      expect(said(check, { host }), host).to.equal("served");
      expect(said(check, { host }), host).to.equal("served");
    }
  });

  it("serves no name that somebody pointed here", () => {
    const check = hostCheck({ host: "::1" });
    const names = [
      "evil.example",
      "evil.example:8787",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
      "10.0.0.1:8787",
    ];
    for (const host of [...names, undefined, "", "localhost:8787:1", "localhost@evil.example", "[::1", "local host"]) {
      expect(said(check, { host }), host).to.equal("ERR_AUTH_HOST");
    }
  });

  it("serves the names of a proxy that are told, and holds no open server to any", () => {
    const check = hostCheck({ host: "127.0.0.1", names: ["Relayer.example"] });
    expect(said(check, { host: "relayer.example" })).to.equal("served");
    expect(said(check, { host: "other.example" })).to.equal("ERR_AUTH_HOST");
    expect(said(hostCheck({ host: "0.0.0.0" }), { host: "other.example" })).to.equal("served");
  });

  it("lets no foreign page ask what is for this machine alone", () => {
    const check = localOnly();
    const host = "127.0.0.1:8545";
    for (const origin of [undefined, "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:5173"]) {
      expect(said(check, { host, origin }), origin).to.equal("served");
    }
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example", "file://", ""]) {
      expect(said(check, { host, origin }), origin).to.equal("ERR_AUTH_ORIGIN");
    }
    expect(said(check, { host: "evil.example:8545", origin: "http://localhost:3000" })).to.equal("ERR_AUTH_HOST");
  });
});
