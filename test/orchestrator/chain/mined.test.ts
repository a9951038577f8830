import { expect } from "chai";
import { isError, type TransactionReceipt, type TransactionResponse } from "ethers";

import { mined } from "../../../orchestrator/chain/mined.ts";
import { isAffiantError } from "../../../protocol/errors/affiantError.ts";
import { rejection } from "../../helpers/rejection.ts";

const hash = `0x${"5a".repeat(32)}`;
const receipt = { hash, status: 1, blockNumber: 7, from: `0x${"11".repeat(20)}`, to: `0x${"22".repeat(20)}` };

/** A transaction whose endpoint gives these answers, one after the other, and the last one from then on. */
function sent(...answers: (Partial<TransactionReceipt> | null | Error)[]): TransactionResponse {
  const getTransactionReceipt = () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { hash, provider: { getTransactionReceipt } } as unknown as TransactionResponse;
}

describe("waiting for a transaction to be mined", () => {
  it("asks until a block has it, also past answers that do not come", async () => {
    const refused = new Error("connect ECONNREFUSED");
    expect(await mined(sent(null, refused, null, receipt))).to.equal(receipt);
  });

  it("says that it reverted as ethers says it", async () => {
    const error = await rejection(mined(Promise.resolve(sent(null, { ...receipt, status: 0 }))));
    expect(isError(error, "CALL_EXCEPTION")).to.equal(true);
    expect((error as Error).message).to.contain(hash);
  });

  it("gives up in time on one that no block takes, and on an endpoint that stays away", async () => {
    const lost = await rejection(mined(sent(null), 50));
    expect(isAffiantError(lost, "ERR_UNAVAILABLE_CHAIN")).to.equal(true);
    const refused = new Error("connect ECONNREFUSED");
    const away = await rejection(mined(sent(refused), 50));
    expect(isAffiantError(away, "ERR_UNAVAILABLE_CHAIN")).to.equal(true);
    expect((away as Error).cause).to.equal(refused);
  });

  it("does not wait for what was never sent", async () => {
    const refused = new Error("nonce too low");
    expect(await rejection(mined(Promise.reject(refused)))).to.equal(refused);
  });
});
