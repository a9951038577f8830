import { expect } from "chai";

import { ChainProvider } from "../../../agent/chain/chainProvider.ts";
import { FaultEndpoint } from "../../helpers/faults/faultEndpoint.ts";
import { emptyCount, runCase } from "../../helpers/faults/matrix.ts";
import { readerCases } from "../../helpers/faults/readerCases.ts";
import { rejection } from "../../helpers/rejection.ts";

describe("those who act on what the chain says", () => {
  it("takes no silence for a yes, nor for a no: a slice of the matrix", async () => {
    const count = emptyCount();
    for (const one of readerCases()) await runCase(one, count, 41);
    expect(count.missed).to.deep.equal([]);
    expect(count.right).to.be.greaterThan(20);
    expect(count.silent).to.be.greaterThan(20);
  });

  it("asks no other chain than its own", async () => {
    const [revoked] = readerCases().filter(({ name }) => name === "agent: a revoked contract");
    const endpoint = await FaultEndpoint.before(revoked!.chain);
    const provider = new ChainProvider({ url: endpoint.url, chainId: 1 });
    expect(await rejection(provider.getBlockNumber())).to.have.property("code", "ERR_CONFLICT_CHAIN");
    expect(endpoint.seen.map(({ method }) => method)).to.deep.equal(["eth_chainId"]);
    provider.destroy();
    await endpoint.close();
  });

  it("works where batches are not taken", async () => {
    for (const one of readerCases()) {
      const endpoint = await FaultEndpoint.before(one.chain);
      endpoint.plan(undefined, { batch: 1 });
      expect(one.isTruth(await one.ask(endpoint.url)), one.name).to.equal(true);
      await endpoint.close();
    }
  });
});
