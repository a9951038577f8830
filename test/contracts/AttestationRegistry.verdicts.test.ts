import { expect } from "chai";
import { id, ZeroHash } from "ethers";

import { nextRotHead, unpackRecord, unpackVerdicts } from "../../protocol/attestation/record.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { type AttestationWorld, walletOf } from "../helpers/world/attestationWorld.ts";
import { addressOf, type Standing, twentyAttested } from "./twentyAttested.ts";

describe("AttestationRegistry, its judgement", () => {
  const registry = twentyAttested();
  const { status, isTrusted, record, said, reverts, passAll, without, convict } = registry;
  let world: AttestationWorld;
  before(() => (world = registry.world));

  describe("verdicts", () => {
    it("that all pass make trust, until a block", async () => {
      await world.openAndDraw();
      const { blockNumber } = await world.recordPanel(addressOf(5));
      const { expiresAtBlock } = await world.read<Standing>("statusOf", addressOf(5));
      expect(expiresAtBlock).to.equal(BigInt(blockNumber + 7200));
      await world.mine(7199);
      expect(await isTrusted(5)).to.equal(true);
      await world.mine(1);
      expect(await isTrusted(5)).to.equal(false);
      expect(await status(5)).to.equal("expired");
    });

    it("that are missing are waited for, until their seat is closed: then two further ones are called", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, said(verifiers, 0, 2, "pass"));
      const before = (await world.read<Standing>("statusOf", addressOf(5))).recordIndex;
      await reverts(record(5, said(verifiers, 3, 1, "pass")), "NotOnPanel", verifiers[3], addressOf(5));
      await reverts(record(5, said(verifiers, 0, 1, "pass")), "AlreadyHeard", verifiers[0], addressOf(5));
      await world.mine(25);
      await reverts(record(5, said(verifiers, 2, 1, "pass")), "LateVerdict", verifiers[2]);
      // One is passed over: one more than the seats have to pass.
      await record(5, said(verifiers, 3, 1, "pass"));
      expect((await world.read<Standing>("statusOf", addressOf(5))).recordIndex).to.equal(before);
      await reverts(record(5, said(verifiers, 5, 1, "pass")), "NotOnPanel", verifiers[5], addressOf(5));
      await record(5, said(verifiers, 4, 1, "pass"));
      expect((await world.read<Standing>("statusOf", addressOf(5))).recordIndex).not.to.equal(before);
      expect((await world.read<[bigint, bigint]>("strikesOf", verifiers[2]))[1]).to.equal(1n);
    });

    it("that come late count for nothing, but spare their author the strike", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, said(verifiers, 0, 2, "pass"));
      await world.mine(25);
      // A late FAIL is no quarantine.
      await record(5, [[verifiers[2] as string, "fail"], ...said(verifiers, 3, 2, "pass")]);
      expect(await status(5)).to.equal("trusted");
      expect((await world.read<[bigint, bigint]>("strikesOf", verifiers[2]))[1]).to.equal(0n);
    });

    it("count in turn: no verifier can push itself forward", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await reverts(
        record(5, said(verifiers, 0, 3, "pass").concat([[verifiers[3] as string, "pass"]])),
        "NotOnPanel",
        verifiers[3],
        addressOf(5),
      );
      await reverts(record(5, [[verifiers[7] as string, "fail"]]), "NotOnPanel", verifiers[7], addressOf(5));
    });

    it("count for the round, the target and the result that were signed", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      const [first, ...others] = await world.verdicts(addressOf(5), said(verifiers, 0, 3, "pass"));
      if (!first) throw new Error("no verdict");
      for (const change of [{ result: 2 }, { attempts: 2 }, { evidenceHash: id("other") }]) {
        const sent = world.send(world.anyone, "recordVerdicts", 1, addressOf(5), [{ ...first, ...change }, ...others]);
        await reverts(sent, "InvalidSignature", verifiers[0]);
      }
      await reverts(
        world.send(world.anyone, "recordVerdicts", 1, addressOf(5), [{ ...first, result: 0 }, ...others]),
        "NoResult",
        verifiers[0],
      );
      await reverts(
        world.send(world.anyone, "recordVerdicts", 2, addressOf(5), [first, ...others]),
        "WrongRound",
        2,
        1,
      );
      await reverts(world.send(world.anyone, "recordVerdicts", 1, addressOf(5), []), "NoVerdicts");
      await world.send(world.anyone, "recordVerdicts", 1, addressOf(5), [first, ...others]);
      await reverts(
        world.send(world.anyone, "recordVerdicts", 1, addressOf(5), [first, ...others]),
        "AlreadySettled",
        addressOf(5),
        1,
      );
    });

    it("do not survive a reorg that draws otherwise", async () => {
      await world.open();
      const before = await world.networkHelpers.takeSnapshot();
      await world.draw();
      const { verifiers } = await world.panel(addressOf(5));
      const verdicts = await world.verdicts(addressOf(5), said(verifiers, 0, 3, "pass"));
      await before.restore();
      // Another block takes the place of the one that was drawn.
      await world.deployer.sendTransaction({ to: world.deployer.address, value: 1 });
      await world.draw();
      const { verifiers: now } = await world.panel(addressOf(5));
      expect(now).not.to.deep.equal(verifiers);
      const sent = world.send(
        world.anyone,
        "recordVerdicts",
        1,
        addressOf(5),
        verdicts.map((verdict, i) => ({ ...verdict, verifier: now[i] })),
      );
      await reverts(sent, "InvalidSignature", now[0]);
    });
  });

  describe("FAIL", () => {
    it("alone is quarantine in the same block", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, [[verifiers[1] as string, "fail"]]);
      expect([await isTrusted(5), await status(5)]).to.deep.equal([false, "quarantined"]);
    });

    it("of four of five fresh verifiers convicts, for good", async () => {
      await world.openAndDraw();
      await convict(5);
      expect(await status(5)).to.equal("convicted");
      await reverts(world.recordPanel(addressOf(5)), "WrongStatus", addressOf(5), 7);
      const introduction = await world.introduction(addressOf(5), addressOf(19));
      await reverts(world.send(world.anyone, "introduce", addressOf(5), introduction), "WrongStatus", addressOf(5), 7);
      await world.enrol(walletOf(5), addressOf(5), 2n);
      expect(await status(5)).to.equal("enrolled");
    });

    it("of one verifier that always says so is overruled by four of five", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, [[verifiers[0] as string, "fail"]]);
      await record(5, said(verifiers, 3, 5, "pass", "fail", [0]));
      expect([await isTrusted(5), await status(5)]).to.deep.equal([true, "trusted"]);
    });

    it("without agreement stays quarantine, until a later round", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, [[verifiers[0] as string, "fail"]]);
      await record(5, said(verifiers, 3, 5, "fail", "pass", [0, 1]));
      expect(await status(5)).to.equal("quarantined");
      await passAll([5]).catch(() => undefined);
      await world.mine(101);
      await world.send(world.anyone, "closeRound");
      await world.openAndDraw();
      await world.recordPanel(addressOf(5));
      expect(await status(5)).to.equal("trusted");
    });

    it("cannot be outwaited: a fresh verifier left out leaves its seat empty", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, [[verifiers[0] as string, "fail"]]);
      await world.mine(25);
      const colluders = [3, 4, 5, 8].map((at) => [verifiers[at] as string, "pass"] as const);
      await reverts(record(5, colluders), "NotOnPanel", verifiers[8], addressOf(5));
      expect(await isTrusted(5)).to.equal(false);
    });

    it("makes no way out while fresh verifiers judge", async () => {
      const round = await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, [[verifiers[0] as string, "fail"]]);
      await reverts(world.send(world.service, "retire", addressOf(5)), "UnderEscalation", addressOf(5), round);
      await reverts(world.enrol(walletOf(5), addressOf(5), 2n), "UnderEscalation", addressOf(5), round);
    });

    it("makes a verifier unable to verify others, from the next round on", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      const bad = world.wallets.findIndex((wallet) => wallet.address === verifiers[0]);
      const panel = await world.panel(addressOf(bad));
      await record(bad, [[panel.verifiers[0] as string, "fail"]]);
      // What it was when the round was opened it is for the whole round: nobody changes a panel by what comes after the draw.
      await record(5, said(verifiers, 0, 3, "pass"));
      await world.mine(101);
      await world.send(world.anyone, "closeRound");
      await world.openAndDraw();
      for (let i = 0; i < 20; i++) {
        if (i !== bad) expect((await world.panel(addressOf(i))).verifiers).not.to.include(verifiers[0]);
      }
    });
  });

  describe("lineage", () => {
    it("makes suspect, in the block of the conviction, whom the convicted alone vouched for", async () => {
      await world.openAndDraw();
      expect(await status(6)).to.equal("trusted");
      await convict(5);
      expect([await isTrusted(6), await status(6), await status(7)]).to.deep.equal([false, "suspect", "trusted"]);
      // Who may verify is as of the round's opening: the seats stay, the convicted one's among them.
      const { verifiers } = await world.panel(addressOf(6));
      await record(6, said(verifiers, 0, 3, "pass"));
      expect(await status(6)).to.equal("trusted");
    });

    it("spares whom others have verified since", async () => {
      await world.openAndDraw();
      await world.recordPanel(addressOf(6));
      await convict(5);
      expect(await status(6)).to.equal("trusted");
    });

    it("spares whom it vouched for before its own last pass", async () => {
      await world.openAndDraw();
      await world.recordPanel(addressOf(5));
      await world.mine(101);
      await world.send(world.anyone, "closeRound");
      await world.openAndDraw();
      await convict(5);
      expect(await status(6)).to.equal("trusted");
    });

    it("is not shaken off by a new version", async () => {
      await world.enrol(walletOf(5), addressOf(5), 2n);
      await world.openAndDraw();
      await convict(5);
      expect(await status(6)).to.equal("suspect");
    });
  });

  describe("TIMEOUT", () => {
    it("calls three further ones at once, and costs two PASSes more", async () => {
      await world.openAndDraw();
      const { verifiers, seats } = await world.panel(addressOf(5));
      expect(seats).to.equal(3);
      const before = (await world.read<Standing>("statusOf", addressOf(5))).recordIndex;
      await record(5, said(verifiers, 0, 5, "pass", "timeout", [1]));
      expect((await world.read<Standing>("statusOf", addressOf(5))).recordIndex).to.equal(before);
      await reverts(record(5, said(verifiers, 6, 1, "pass")), "NotOnPanel", verifiers[6], addressOf(5));
      await record(5, said(verifiers, 5, 1, "pass"));
      expect((await world.read<Standing>("statusOf", addressOf(5))).recordIndex).not.to.equal(before);
    });

    it("of the first six is a strike, and three strikes end trust", async () => {
      for (let strike = 1; strike <= 3; strike++) {
        expect(await isTrusted(5)).to.equal(true);
        await world.openAndDraw();
        const { verifiers } = await world.panel(addressOf(5));
        await record(5, said(verifiers, 0, 6, "timeout"));
        await world.mine(101);
        await world.send(world.anyone, "closeRound");
      }
      expect([await isTrusted(5), await status(5)]).to.deep.equal([false, "silent"]);
    });

    it("is no strike as long as one of the first six got an answer", async () => {
      await world.openAndDraw();
      const { verifiers } = await world.panel(addressOf(5));
      await record(5, said(verifiers, 0, 6, "timeout", "pass", [5]));
      expect((await world.read<[bigint, bigint]>("strikesOf", addressOf(5)))[0]).to.equal(0n);
    });

    it("of a verifier that does not answer is its own strike, once a round; three end its trust, a verdict resets them", async () => {
      const silent = addressOf(0);
      const strikes = async () => (await world.read<[bigint, bigint]>("strikesOf", silent))[1];
      /** The three before it on the ring, whose panels it sits on in every draw, are verified without it. */
      const passWithout = async () => {
        await world.openAndDraw();
        const targets: number[] = [];
        for (let i = 1; i < 20; i++) {
          if ((await world.panel(addressOf(i))).verifiers.slice(0, 3).includes(silent)) targets.push(i);
        }
        expect(targets).to.have.lengthOf(3);
        const panels = await Promise.all(targets.map((i) => without(i, [0])));
        for (const [at, i] of targets.entries()) await record(i, said(panels[at] ?? [], 0, 2, "pass"));
        await world.mine(25);
        for (const [at, i] of targets.entries()) await record(i, said(panels[at] ?? [], 2, 2, "pass"));
        await world.mine(101);
        await world.send(world.anyone, "closeRound");
      };
      for (const struck of [1n, 2n]) {
        await passWithout();
        // Once, although three of its verdicts did not come.
        expect([await isTrusted(0), await strikes()]).to.deep.equal([true, struck]);
      }
      await passWithout();
      expect([await status(0), await strikes()]).to.deep.equal(["silent", 0n]);
    });
  });

  describe("records", () => {
    it("add up to the head of the history", async () => {
      await world.openAndDraw();
      await convict(5);
      // Who may verify is as of the round's opening.
      const { verifiers: panel } = await world.panel(addressOf(7));
      await record(7, said(panel, 0, 3, "pass"));
      const events = await world.registry.queryFilter("AttestationRecorded");
      let head: Hex = ZeroHash as Hex;
      for (const event of events) {
        if (!("args" in event)) continue;
        const {
          agent,
          record: word,
          verdicts,
        } = event.args as unknown as { agent: string; record: bigint; verdicts: Hex[] };
        head = nextRotHead(head, agent, word, [...verdicts]);
        expect(head).to.equal(event.args["rotHead"]);
      }
      expect(await world.read("rotHead")).to.equal(head);
      const last = events.at(-1);
      const verdicts = last && "args" in last ? unpackVerdicts([...(last.args["verdicts"] as Hex[])]) : [];
      expect(verdicts.map(({ verifier }) => verifier)).to.deep.equal(panel.slice(0, 3));
      expect(verdicts.map(({ result }) => result)).to.deep.equal(["pass", "pass", "pass"]);
    });

    it("tell how an agent stood at every block", async () => {
      const seen: [number, bigint][] = [];
      const note = async () => {
        const block = await world.ethers.provider.getBlockNumber();
        seen.push([block, (await world.read<Standing>("statusOf", addressOf(5))).status]);
      };
      for (let round = 0; round < 9; round++) {
        await world.openAndDraw();
        await note();
        await world.recordPanel(addressOf(5), round % 3 === 1 ? ["timeout", "timeout", "timeout"] : undefined);
        await note();
        await world.mine(101);
        await world.send(world.anyone, "closeRound");
      }
      await world.openAndDraw();
      await convict(5);
      await note();
      for (const [block, expected] of seen) {
        expect((await world.read<Standing>("statusAt", addressOf(5), block)).status, `block ${block}`).to.equal(
          expected,
        );
      }
      expect((await world.read<Standing>("statusAt", addressOf(5), 1)).recordIndex).to.equal(0n);
    });

    it("of an enrolment and of an end name no round and no voucher, and no block until which trust would last", async () => {
      const newest = async (agent: number) => {
        const [, [word]] = await world.read<[bigint[], bigint[]]>("history", addressOf(agent), 0, 1);
        return unpackRecord(word!);
      };
      await world.openAndDraw();
      const empty = { round: 0, voucher: 0, expiresAtBlock: 0, passes: 0, fails: 0, timeouts: 0 };
      for (const agent of [3, 4]) expect((await newest(agent)).voucher).to.be.greaterThan(0);
      await world.enrol(walletOf(4), addressOf(4), 2n);
      expect(await newest(4)).to.include({ ...empty, kind: "enrolled", status: "enrolled" });
      await world.send(world.service, "retire", addressOf(3));
      expect(await newest(3)).to.include({ ...empty, kind: "retired", status: "retired" });
    });

    it("are searched in steps that grow slower than their number", async () => {
      const { ethers, registry } = world;
      const block = await ethers.provider.getBlockNumber();
      const versions = 130;
      for (let version = 0; version < versions; version++) {
        await world.enrol(walletOf(4), addressOf(4), BigInt(version + 2));
      }
      const gasAt = (blockNumber: number) => registry.getFunction("statusAt").estimateGas(addressOf(4), blockNumber);
      const steps = (await gasAt(block)) - (await gasAt(block + versions));
      // One by one would take a cold read of storage for each, 2,100 gas (EIP-2929).
      expect(steps).to.be.lessThan(BigInt((versions * 2_100) / 2));
    });

    it("are read by page, overall and of an agent", async () => {
      const count = await world.read("recordCount");
      expect(count).to.equal(40n);
      const [first, second] = [
        await world.read<bigint[]>("records", 1, 30),
        await world.read<bigint[]>("records", 31, 30),
      ];
      expect([first.length, second.length]).to.deep.equal([30, 10]);
      await reverts(world.read("records", 0, 1), "OutOfRange", 0, 41);
      const [[newest], page] = await world.read<[bigint[], bigint[]]>("history", addressOf(3), 0, 1);
      const [, rest] = await world.read<[bigint[], bigint[]]>("history", addressOf(3), newest, 9);
      expect([...page, ...rest].map((word) => unpackRecord(word).kind)).to.deep.equal(["introduced", "enrolled"]);
    });
  });
});
