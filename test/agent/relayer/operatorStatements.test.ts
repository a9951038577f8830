import { expect } from "chai";
import { type Contract, getBytes, TypedDataEncoder, Wallet } from "ethers";

import { LogAnchorReader } from "../../../agent/chain/logAnchorReader.ts";
import { Rpc } from "../../../agent/chain/rpc.ts";
import { OperatorStatements } from "../../../agent/relayer/operatorStatements.ts";
import { mined } from "../../../orchestrator/chain/mined.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { formatCheckpoint } from "../../../protocol/log/checkpoint.ts";
import { logIdOf } from "../../../protocol/log/logId.ts";
import { type OperatorKey, operatorNoteSigner } from "../../../protocol/log/operatorNote.ts";
import { signNote } from "../../../protocol/log/signedNote.ts";
import { startChain, type TestChain } from "../../helpers/world/chain.ts";

const origin = "log.example/statements";
const digest = toHex(new Uint8Array(32).fill(1));
const signature = toHex(new Uint8Array(65).fill(2));

/** Code of a contract that answers every call with a 32-byte word: PUSH32, MSTORE, RETURN. */
const answering = (word: string) => `0x7f${word}60005260206000f3`;
const yes = `1626ba7e${"00".repeat(28)}`;

describe("agent: the operator's line of a checkpoint", () => {
  const [earlier, now, stranger] = [1, 2, 3].map((byte) => new Wallet(`0x${`${byte}`.repeat(64)}`));
  const keyOf = (account: string): OperatorKey => {
    return { chainId: 31_337n, logAnchor: `0x${"aa".repeat(20)}`, operator: account };
  };
  const text = formatCheckpoint({ origin, size: 7, root: new Uint8Array(32).fill(7) });
  const signedBy = (wallet: Wallet, key = keyOf(wallet.address)) =>
    signNote(
      text,
      operatorNoteSigner(origin, key, (toSign) => getBytes(wallet.signingKey.sign(toSign).serialized)),
    );
  const never = () => Promise.resolve(false);

  it("counts from those who operate or operated the log, and from nobody else", async () => {
    const statements = new OperatorStatements(origin, [keyOf(earlier!.address), keyOf(now!.address)], never);
    expect(await statements.verify(signedBy(earlier!))).to.equal(true);
    expect(await statements.verify(signedBy(now!))).to.equal(true);
    expect(statements.knows(signedBy(stranger!))).to.equal(false);
    expect(await statements.verify(signedBy(stranger!))).to.equal(false);
    const inAnothersName = signedBy(stranger!, keyOf(now!.address));
    expect(statements.knows(inAnothersName)).to.equal(true);
    expect(await statements.verify(inAnothersName)).to.equal(false);
  });

  it("counts from a former operator up to the size it handed over, and no further", async () => {
    for (const [statesUpTo, counts] of [
      [7, true],
      [6, false],
      [0, false],
    ] as const) {
      const former = { ...keyOf(earlier!.address), statesUpTo };
      const statements = new OperatorStatements(origin, [former, keyOf(now!.address)], () => Promise.resolve(true));
      expect(await statements.verify(signedBy(earlier!)), String(statesUpTo)).to.equal(counts);
    }
  });

  it("counts for this contract on this chain alone", async () => {
    const elsewhere = { ...keyOf(now!.address), chainId: 1n };
    const statements = new OperatorStatements(origin, [keyOf(now!.address)], never);
    expect(await statements.verify(signedBy(now!, elsewhere))).to.equal(false);
  });

  it("is for an operator that is a contract to judge, about the very digest", async () => {
    const asked: string[][] = [];
    const key = keyOf(now!.address);
    const statements = new OperatorStatements(origin, [key], (...question) => {
      asked.push(question);
      return Promise.resolve(true);
    });
    const contract = operatorNoteSigner(origin, key, () => new Uint8Array(3).fill(9));
    expect(await statements.verify(signNote(text, contract))).to.equal(true);
    const message = { logId: logIdOf(origin), size: 7, root: `0x${"07".repeat(32)}` };
    const domain = { name: "Affiant LogAnchor", version: "1", chainId: 31_337, verifyingContract: key.logAnchor };
    const fields = [
      { name: "logId", type: "bytes32" },
      { name: "size", type: "uint64" },
      { name: "root", type: "bytes32" },
    ];
    const expected = TypedDataEncoder.hash(domain, { Checkpoint: fields }, message);
    expect(asked).to.deep.equal([[now!.address, expected, "0x090909"]]);
  });

  describe("asked of an account", () => {
    let chain: TestChain;
    let rpc: Rpc;
    let reader: LogAnchorReader;
    before(async () => {
      chain = await startChain();
      rpc = new Rpc({ url: chain.url, chainId: chain.deployment.chainId });
      reader = new LogAnchorReader(rpc, chain.deployment);
    });
    after(async () => {
      rpc.close();
      await chain.close();
    });

    const cases: readonly (readonly [what: string, code: string, answer: boolean])[] = [
      ["that has no code", "0x", false],
      ["that says yes", answering(yes), true],
      ["that says something else", answering("ff".repeat(32)), false],
      ["that says yes and more in one word", answering(`1626ba7e${"00".repeat(27)}01`), false],
      ["that reverts", "0x60006000fd", false],
    ];
    for (const [what, code, answer] of cases) {
      it(`${what}: ${answer ? "it signed" : "it did not"}`, async () => {
        const account = Wallet.createRandom().address;
        await chain.rpc("anvil_setCode", account, code);
        expect(await reader.isSignedBy(account, digest, signature)).to.equal(answer);
      });
    }

    it("knows all operators that a log has had", async () => {
      const second = Wallet.createRandom().connect(chain.provider);
      await chain.fund(second.address);
      const logId = logIdOf(origin);
      const { registerLog, offerOperator } = chain.logAnchor;
      await mined(registerLog!(origin, `0x${"07".repeat(32)}`));
      await mined(offerOperator!(logId, second.address));
      const asSecond = chain.logAnchor.connect(second) as Contract;
      await mined(asSecond.getFunction("acceptOperator")(logId));
      const first = await chain.deployer.getAddress();
      expect(await reader.operatorsOf(logId)).to.deep.equal([first, second.address]);
      expect(await reader.termsOf(logId)).to.deep.equal([
        { operator: first, statesUpTo: 0 },
        { operator: second.address },
      ]);
    });
  });
});
