import { expect } from "chai";

import { strangersCases } from "../../scripts/torture/strangers/cases.ts";
import { endpointsOf, services } from "../../scripts/torture/strangers/endpoints.ts";
import { type Deployment, deployedContractNames } from "../../protocol/deployment.ts";

describe("scripts/torture/strangers", () => {
  it("has a case for every endpoint that there is, and for no other", async () => {
    const contract = { address: `0x${"11".repeat(20)}`, blockNumber: 1, codeHash: `0x${"22".repeat(32)}` };
    const contracts = Object.fromEntries(deployedContractNames.map((name) => [name, contract]));
    const deployment = { chainId: 31_337, contracts } as unknown as Deployment;
    const block = { blockHash: `0x${"33".repeat(32)}`, blockNumber: 1 };
    const did = `did:ethr:0x7a69:0x${"44".repeat(20)}`;
    const cases = await strangersCases({ deployment, block, did, entryId: `0x${"55".repeat(32)}`, known: ["a.b.c"] });
    for (const service of services) {
      expect(Object.keys(cases[service]).sort(), service).to.deep.equal([...endpointsOf(service)].sort());
      for (const [endpoint, list] of Object.entries(cases[service])) {
        expect(list.length, endpoint).to.be.greaterThan(0);
        for (const { request } of list) expect(request(0)).to.have.keys(...Object.keys(request(1)));
      }
    }
  });
});
