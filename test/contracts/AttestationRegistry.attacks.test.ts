import { expect } from "chai";

import { addressOf, type Standing, twentyAttested } from "./twentyAttested.ts";
import { walletOf } from "../helpers/world/attestationWorld.ts";

/** What colluding verifiers, targets, senders and a service could try; each of them worked once. */
describe("AttestationRegistry, attacked", () => {
  const registry = twentyAttested();
  const { status, isTrusted, record, said, reverts, convict } = registry;
  const world = () => registry.world;
  const settled = async () => {
    const round = await world().read("currentRound");
    return (await world().read<{ settled: bigint }>("roundAt", round)).settled;
  };
  const strikesOf = async (verifier: string) => (await world().read<[bigint, bigint]>("strikesOf", verifier))[1];
  const end = async () => {
    await world().mine(101);
    await world().send(world().anyone, "closeRound");
  };

  it("takes an escalation without agreement once: nobody ends a round for all with one target", async () => {
    const round = await world().openAndDraw();
    const { verifiers } = await world().panel(addressOf(5));
    await record(5, [[verifiers[0] as string, "fail"]]);
    const split = await world().verdicts(addressOf(5), said(verifiers, 3, 5, "fail", "pass", [0, 1]));
    await world().send(world().anyone, "recordVerdicts", round, addressOf(5), split);
    expect([await settled(), await status(5)]).to.deep.equal([1n, "quarantined"]);
    const again = world().send(world().anyone, "recordVerdicts", round, addressOf(5), split);
    await reverts(again, "AlreadySettled", addressOf(5), round);
  });

  it("strikes nobody for a FAIL that comes when seats are closed, and does not hear it", async () => {
    await world().openAndDraw();
    const { verifiers } = await world().panel(addressOf(5));
    await record(5, said(verifiers, 0, 2, "pass"));
    await world().mine(25);
    await reverts(record(5, [[verifiers[2] as string, "fail"]]), "LateVerdict", verifiers[2]);
    const last = verifiers.at(-1) as string;
    await reverts(record(5, [[last, "fail"]]), "NotOnPanel", last, addressOf(5));
    // A FAIL of one who is called for the closed seats is heard: quarantine, and nobody is struck for it.
    await record(5, [[verifiers[3] as string, "fail"]]);
    expect(await status(5)).to.equal("quarantined");
    for (const verifier of verifiers) expect(await strikesOf(verifier)).to.equal(0n);
  });

  it("keeps verdicts that are on chain in time, whoever sends the rest: nobody leaves them out", async () => {
    await world().openAndDraw();
    const { verifiers } = await world().panel(addressOf(5));
    await record(5, said(verifiers, 1, 1, "pass"));
    await world().mine(25);
    // Two of the panel are missing: seven are called, and five have to pass. The one on chain counts.
    await record(5, said(verifiers, 3, 3, "pass"));
    expect((await world().read<Standing>("statusOf", addressOf(5))).recordIndex).to.equal(12n);
    await record(5, said(verifiers, 6, 1, "pass"));
    expect(await strikesOf(verifiers[1] as string)).to.equal(0n);
    expect(await strikesOf(verifiers[0] as string)).to.equal(1n);
  });

  it("draws the same panel whatever the service does to verifiers after the opening", async () => {
    const round = await world().open();
    await world().draw();
    const { verifiers } = await world().panel(addressOf(5));
    const [enrolled, retired, withdrawn] = verifiers as [string, string, string];
    const walletBy = (address: string) => walletOf(world().wallets.findIndex((one) => one.address === address));
    await world().enrol(walletBy(enrolled), enrolled, 2n);
    await world().send(world().service, "retire", retired);
    expect((await world().panel(addressOf(5))).verifiers).to.deep.equal(verifiers);
    const others = said(verifiers, 3, 3, "pass");
    await reverts(record(5, others), "NotOnPanel", verifiers[3], addressOf(5));
    // They verify as they would have.
    await record(5, said([enrolled, retired, withdrawn], 0, 3, "pass"));
    // Who was enrolled anew is judged in the next round, by its new version alone.
    const { verifiers: its } = await world().panel(enrolled);
    const sent = world().record(enrolled, said(its, 0, 3, "pass"));
    await reverts(sent, "AlreadySettled", enrolled, round);
    expect(await settled()).to.equal(3n);
  });

  it("does not let a second conviction change what the first one made of others", async () => {
    const [x, y] = [18, 19];
    await world().openAndDraw();
    await convict(x);
    expect(await status(y)).to.equal("suspect");
    await world().enrol(walletOf(x), addressOf(x), 2n);
    await end();
    const past = await world().ethers.provider.getBlockNumber();
    await world().openAndDraw();
    await convict(x);
    expect((await world().read<Standing>("statusAt", addressOf(y), past)).status).to.equal(4n);
    expect((await world().read<Standing>("statusAt", addressOf(y), 60)).status).to.equal(0n);
  });

  it("lets the service introduce whom an introducer turned away, however often that one is first", async () => {
    const newcomer = walletOf(40);
    await world().register(newcomer, 40);
    await world().enrol(newcomer);
    const liar = await world().read<string>("introducer");
    const services = await world().introduction(newcomer.address, world().service.address, "pass");
    for (let i = 0; i < 3; i++) await world().introduce(newcomer.address, liar, "fail");
    await world().send(world().anyone, "introduce", newcomer.address, services);
    expect(await world().read<boolean>("isTrusted", newcomer.address)).to.equal(true);
    await reverts(
      world().send(world().anyone, "introduce", newcomer.address, services),
      "WrongStatus",
      newcomer.address,
      2,
    );
  });

  it("makes suspect whom an agent alone vouched for that stays in quarantine by silence", async () => {
    const [x, y] = [18, 19];
    for (let n = 0; n < 2; n++) {
      expect(await status(y)).to.equal("trusted");
      await world().openAndDraw();
      const { verifiers } = await world().panel(addressOf(x));
      await record(x, [[verifiers[0] as string, "fail"]]);
      await record(x, said(verifiers, 3, 5, "timeout"));
      await end();
    }
    expect([await status(x), await status(y)]).to.deep.equal(["quarantined", "suspect"]);
  });

  for (const way of ["retire", "enrol"] as const) {
    it(`makes suspect whom an agent alone vouched for that leaves quarantine by ${way}`, async () => {
      await world().openAndDraw();
      const { verifiers } = await world().panel(addressOf(18));
      await record(18, [[verifiers[0] as string, "fail"]]);
      await end();
      expect(await isTrusted(19)).to.equal(true);
      if (way === "retire") await world().send(world().service, "retire", addressOf(18));
      else await world().enrol(walletOf(18), addressOf(18), 2n);
      expect(await status(19)).to.equal("suspect");
    });
  }

  it("leaves the fresh verifiers their seats, however many were called before: the service convicts nobody alone", async () => {
    const round = await world().openAndDraw();
    const { verifiers } = await world().panel(addressOf(5));
    await world().mine(25);
    // All three of the panel are silent: nine are called. One of those lies.
    await record(5, [[verifiers[8] as string, "fail"]]);
    const alone = record(5, [[world().service.address, "fail"]]);
    await reverts(alone, "NotOnPanel", world().service.address, addressOf(5));
    await record(5, said(verifiers, 0, 4, "pass"));
    expect([await status(5), round]).to.deep.equal(["trusted", 1]);
  });

  it("counts each time that trust was lost and given anew, and only that", async () => {
    const losses = async (index: number) => [...(await world().read<[boolean, bigint]>("trustOf", addressOf(index)))];
    expect(await losses(5)).to.deep.equal([true, 0n]);
    await world().openAndDraw();
    const { verifiers } = await world().panel(addressOf(5));
    await record(5, [[verifiers[0] as string, "fail"]]);
    expect(await losses(5)).to.deep.equal([false, 0n]);
    await record(5, said(verifiers, 3, 4, "pass"));
    expect(await losses(5)).to.deep.equal([true, 1n]);
    await world().recordPanel(addressOf(6));
    expect(await losses(6)).to.deep.equal([true, 0n]);
    await world().enrol(walletOf(6), addressOf(6), 2n);
    await world().introduce(addressOf(6));
    expect(await losses(6)).to.deep.equal([true, 1n]);
  });
});
