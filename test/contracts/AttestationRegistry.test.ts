import { expect } from "chai";
import { id, ZeroAddress, ZeroHash } from "ethers";

import { unpackRecord } from "../../protocol/attestation/record.ts";
import { panelOf } from "../../protocol/attestation/panel.ts";
import { secretCommitment } from "../../protocol/attestation/seed.ts";
import { attestationRegistryTypes } from "../../protocol/eip712/attestationRegistry.ts";
import { signerTypes } from "../../protocol/eip712/typedData.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { type AttestationWorld, attestationWorld, secretOf, walletOf } from "../helpers/world/attestationWorld.ts";
import { addressOf, type Standing, twentyAttested } from "./twentyAttested.ts";

describe("AttestationRegistry", () => {
  const registry = twentyAttested();
  const { status, isTrusted, record, said, reverts, passAll } = registry;
  let world: AttestationWorld;
  before(() => (world = registry.world));

  describe("introduction", () => {
    it("leads from the service to the first agent and from each to the next", async () => {
      expect(await isTrusted(0)).to.equal(true);
      expect(await isTrusted(19)).to.equal(true);
      expect(await world.read("introducer")).to.equal(addressOf(19));
      const vouchers = [];
      for (const i of [0, 1, 19]) {
        const [, [word]] = await world.read<[bigint[], bigint[]]>("history", addressOf(i), 0, 1);
        vouchers.push(unpackRecord(word ?? 0n).voucher);
      }
      expect(vouchers).to.deep.equal([0, 1, 19]);
    });

    it("refuses another introducer", async () => {
      const verdict = await world.introduction(await enrolled(), addressOf(3));
      await reverts(
        world.send(world.anyone, "introduce", walletOf(20).address, verdict),
        "NotIntroducer",
        addressOf(3),
        addressOf(19),
      );
    });

    it("refuses a verdict with another result than was signed", async () => {
      const verdict = await world.introduction(await enrolled(), addressOf(19), "fail");
      await reverts(
        world.send(world.anyone, "introduce", walletOf(20).address, { ...verdict, result: 1 }),
        "InvalidSignature",
        addressOf(19),
      );
    });

    it("counts a rejection once", async () => {
      const target = await enrolled();
      const verdict = await world.introduction(target, addressOf(19), "fail");
      await world.send(world.anyone, "introduce", target, verdict);
      expect(await status(20)).to.equal("enrolled");
      await reverts(world.send(world.anyone, "introduce", target, verdict), "InvalidSignature", addressOf(19));
    });

    it("refuses an agent that is verified already", async () => {
      const verdict = await world.introduction(addressOf(3), addressOf(19));
      await reverts(world.send(world.anyone, "introduce", addressOf(3), verdict), "WrongStatus", addressOf(3), 2);
    });

    it("lets the service step in where the last agent lost trust", async () => {
      await world.send(world.service, "retire", addressOf(19));
      expect(await world.read("introducer")).to.equal(ZeroAddress);
      await world.introduce(await enrolled());
      expect(await isTrusted(20)).to.equal(true);
    });

    const enrolled = async (): Promise<string> => {
      await world.register(walletOf(20), 20);
      await world.enrol(walletOf(20));
      return walletOf(20).address;
    };
  });

  describe("enrolment", () => {
    const commitment = id("commitment");

    it("is the service's alone", async () => {
      await reverts(
        world.send(
          world.anyone,
          "enrol",
          addressOf(1),
          commitment,
          addressOf(1),
          0,
          await world.consent(walletOf(1), 2n),
        ),
        "AccessManagedUnauthorized",
        world.anyone.address,
      );
    });

    it("refuses who is no agent, no commitment and no operator", async () => {
      const [a, b] = [addressOf(1), world.anyone.address];
      const consent = await world.consent(walletOf(1), 2n);
      await reverts(world.send(world.service, "enrol", b, commitment, a, 0, consent), "AgentNotActive", b);
      await reverts(world.send(world.service, "enrol", a, ZeroHash, a, 0, consent), "EmptyCommitment", a);
      await reverts(world.send(world.service, "enrol", a, commitment, ZeroAddress, 0, consent), "EmptyOperator", a);
    });

    it("takes the owner's consent, to this version of this agent, in time, and once", async () => {
      const a = addressOf(1);
      const enrol = (consent: unknown) => world.send(world.service, "enrol", a, commitment, a, 0, consent);
      const consent = await world.consent(walletOf(1), 2n);
      await reverts(enrol(await world.consent(walletOf(1), 1n)), "InvalidSignature", a);
      await reverts(enrol(await world.consent(walletOf(1), 3n)), "InvalidSignature", a);
      const strangers = { ...consent, signature: (await world.consent(walletOf(2), 2n)).signature };
      await reverts(enrol(strangers), "InvalidSignature", a);
      await reverts(enrol({ ...consent, deadline: consent.deadline + 1 }), "InvalidSignature", a);
      const now = Number((await world.ethers.provider.getBlock("latest"))?.timestamp ?? 0);
      await world.networkHelpers.time.setNextBlockTimestamp(now + 100);
      await reverts(enrol({ ...consent, deadline: now + 99 }), "ConsentExpired", now + 99, now + 100);
      await enrol(consent);
      await reverts(enrol(consent), "InvalidSignature", a);
    });

    it("is taken back by the owner: from that block on the agent claims nothing", async () => {
      const a = addressOf(7);
      await reverts(world.send(world.anyone, "withdraw", a), "NotOwner", world.anyone.address, a);
      const request = { owner: a, agent: a, nonce: 0n, deadline: 10_000_000_000n };
      const types = signerTypes(attestationRegistryTypes, "Withdraw");
      const forged = await walletOf(8).signTypedData(world.domain, types, request);
      await reverts(
        world.send(world.anyone, "withdrawSigned", ...Object.values(request), forged),
        "InvalidSignature",
        a,
      );
      const signature = await walletOf(7).signTypedData(world.domain, types, request);
      const before = await world.ethers.provider.getBlockNumber();
      await world.send(world.anyone, "withdrawSigned", ...Object.values(request), signature);
      expect([await status(7), await isTrusted(7)]).to.deep.equal(["withdrawn", false]);
      expect((await world.read<Standing>("statusAt", a, before)).status).to.equal(2n);
      expect(await world.read("rosterSize")).to.equal(19n);
      await reverts(world.send(world.service, "retire", a), "WrongStatus", a, 9);
      await world.enrol(walletOf(7), a, 2n);
      expect(await status(7)).to.equal("enrolled");
      // Nobody is withdrawn by an owner before it is enrolled, nor by the owner of another.
      await world.register(walletOf(30), 30);
      const early = { owner: addressOf(30), agent: addressOf(30), nonce: 0n, deadline: 10_000_000_000n };
      const earlySigned = await walletOf(30).signTypedData(world.domain, types, early);
      const sent = world.send(world.anyone, "withdrawSigned", ...Object.values(early), earlySigned);
      await reverts(sent, "WrongStatus", addressOf(30), 0);
    });

    it("of a new version ends trust in the one before, in that block", async () => {
      await world.enrol(walletOf(4), addressOf(4), 2n);
      expect(await isTrusted(4)).to.equal(false);
      expect((await world.read<Standing>("statusOf", addressOf(4))).version).to.equal(2n);
      await world.openAndDraw();
      await world.recordPanel(addressOf(4));
      expect(await isTrusted(4)).to.equal(true);
    });

    it("with another operator waits for the end of the round", async () => {
      const round = await world.openAndDraw();
      await reverts(world.enrol(walletOf(4), addressOf(5), 2n), "OperatorFrozen", addressOf(4), round);
    });

    it("is carried by anyone when the service signed it, and no one else", async () => {
      const { service, anyone, domain } = world;
      const message = {
        service: service.address,
        agent: addressOf(2),
        commitment,
        operator: addressOf(2),
        tier: 1,
        nonce: 0n,
        deadline: 10_000_000_000n,
      };
      const consent = await world.consent(walletOf(2), 2n);
      const values = ({ nonce, deadline, ...named }: typeof message) => {
        return [...Object.values(named), consent, nonce, deadline];
      };
      const types = signerTypes(attestationRegistryTypes, "Enrol");
      const forged = await anyone.signTypedData(domain, types, message);
      await reverts(world.send(anyone, "enrolSigned", ...values(message), forged), "InvalidSignature", service.address);
      const own = { ...message, service: anyone.address };
      await reverts(world.send(anyone, "enrolSigned", ...values(own), forged), "NotAttestationService", anyone.address);
      await world.send(anyone, "enrolSigned", ...values(message), await service.signTypedData(domain, types, message));
      expect((await world.read<{ tier: bigint }>("statusOf", addressOf(2))).tier).to.equal(1n);
    });

    it("ends with the agent: whoever was deactivated is not trusted and can be expelled", async () => {
      await reverts(world.send(world.anyone, "expel", addressOf(6)), "AgentStillActive", addressOf(6));
      const { ethers, agentRegistry, networkHelpers } = world;
      await networkHelpers.setBalance(addressOf(6), 10n ** 18n);
      await networkHelpers.impersonateAccount(addressOf(6));
      const signer = await ethers.getSigner(addressOf(6));
      await (await agentRegistry.connect(signer).getFunction("deactivate")(addressOf(6), ZeroAddress)).wait();
      expect(await isTrusted(6)).to.equal(false);
      await world.send(world.anyone, "expel", addressOf(6));
      expect(await world.read("rosterSize")).to.equal(19n);
    });
  });

  describe("rounds", () => {
    it("draw the same pairs as the protocol does", async () => {
      const round = await world.openAndDraw();
      const { seed } = await world.read<{ seed: Hex }>("roundAt", round);
      const roster = [];
      for (let place = 0; place < 20; place++) {
        const [agent, operatorTag] = await world.read<[string, bigint]>("rosterAt", place);
        roster.push({ agent, operatorTag });
      }
      for (const [place, { agent }] of roster.entries()) {
        expect(await world.panel(agent)).to.deep.equal(panelOf(seed, roster, place));
      }
    });

    it("are opened by the service alone, one at a time, with a secret", async () => {
      const commitment = secretCommitment(secretOf(1));
      await reverts(
        world.send(world.anyone, "openRound", commitment),
        "AccessManagedUnauthorized",
        world.anyone.address,
      );
      await reverts(world.send(world.service, "openRound", ZeroHash), "EmptySecretCommitment");
      await world.open();
      await reverts(world.send(world.service, "openRound", commitment), "RoundStillOpen", 1);
      await world.draw();
      await reverts(world.send(world.service, "openRound", commitment), "RoundStillOpen", 1);
    });

    it("are drawn with the secret, after the block and before the deadline", async () => {
      await world.open();
      const { drawBlock, drawUntil } = await world.read<{ drawBlock: bigint; drawUntil: bigint }>("roundAt", 1);
      await reverts(world.send(world.anyone, "drawRound", secretOf(1)), "TooEarly", drawBlock - 1n, drawBlock + 3n);
      // The drawn block is there; it has to lie two blocks deep before the secret may be shown.
      await world.mine(2);
      await reverts(world.send(world.anyone, "drawRound", secretOf(1)), "TooEarly", drawBlock + 1n, drawBlock + 3n);
      await world.mine(2);
      await reverts(
        world.send(world.anyone, "drawRound", secretOf(2)),
        "WrongSecret",
        secretCommitment(secretOf(2)),
        secretCommitment(secretOf(1)),
      );
      await reverts(world.send(world.anyone, "voidRound"), "TooEarly", drawBlock + 3n, drawUntil + 1n);
      await world.mine(100);
      await reverts(world.send(world.anyone, "drawRound", secretOf(1)), "TooLate", drawUntil + 3n, drawUntil);
    });

    it("are void, on the service's record, when it does not reveal", async () => {
      await world.open();
      const { drawUntil } = await world.read<{ drawUntil: bigint }>("roundAt", 1);
      const now = await world.ethers.provider.getBlockNumber();
      await world.mine(Number(drawUntil) - now - 1);
      await reverts(world.send(world.anyone, "voidRound"), "TooEarly", drawUntil, drawUntil + 1n);
      await world.mine(1);
      await expect(world.registry.getFunction("voidRound")())
        .to.emit(world.registry, "RoundVoided")
        .withArgs(1, world.service.address, 1);
      expect(await world.read("voidCountOf", world.service.address)).to.equal(1n);
      await reverts(world.send(world.anyone, "recordVerdicts", 1, addressOf(0), []), "WrongPhase", 1, 4, 2);
      expect(await world.open()).to.equal(2);
    });

    it("close when all are settled, or when their time is over", async () => {
      await world.openAndDraw();
      const { recordUntil } = await world.read<{ recordUntil: bigint }>("roundAt", 1);
      await world.recordPanel(addressOf(0));
      const now = BigInt(await world.ethers.provider.getBlockNumber());
      await reverts(world.send(world.anyone, "closeRound"), "TooEarly", now + 1n, recordUntil + 1n);
      await passAll([0]);
      await world.send(world.anyone, "closeRound");
      const verdicts = await world.verdicts(addressOf(0), []);
      await reverts(world.send(world.anyone, "recordVerdicts", 1, addressOf(0), verdicts), "WrongPhase", 1, 3, 2);
    });

    it("differ though the block's hash does not: secret, head and number are in the seed", async () => {
      await world.openAndDraw();
      const first = await world.read<{ seed: string }>("roundAt", 1);
      await world.mine(101);
      await world.send(world.anyone, "closeRound");
      await world.openAndDraw();
      expect((await world.read<{ seed: string }>("roundAt", 2)).seed).not.to.equal(first.seed);
    });

    it("leave out who joins meanwhile, and keep the place of who leaves, whose seat then stays empty", async () => {
      const round = await world.openAndDraw();
      await world.register(walletOf(20), 20);
      await world.enrol(walletOf(20));
      await world.introduce(walletOf(20).address);
      await reverts(world.read("panelOf", walletOf(20).address), "NotInRound", walletOf(20).address, round);
      const { verifiers } = await world.panel(addressOf(0));
      const leaver = verifiers[1] as string;
      await world.send(world.service, "retire", leaver);
      expect((await world.panel(addressOf(0))).verifiers).to.deep.equal(verifiers);
      const others = verifiers.filter((verifier) => verifier !== leaver);
      await reverts(record(0, said(others, 0, 3, "pass")), "NotOnPanel", others[2], addressOf(0));
      await record(0, said(others, 0, 2, "pass"));
      await world.mine(25);
      await record(0, said(others, 2, 2, "pass"));
      expect(await status(0)).to.equal("trusted");
      await world.mine(101);
      await world.send(world.anyone, "closeRound");
      expect(await world.read("rosterSize")).to.equal(20n);
    });
  });

  it("takes only a schedule that can be kept, from the administrator", async () => {
    const valid = { drawDelay: 1, drawWindow: 250, silenceDelay: 5, roundLength: 6, trustLength: 10, revealDepth: 249 };
    await reverts(world.send(world.anyone, "setSchedule", valid), "AccessManagedUnauthorized", world.anyone.address);
    for (const change of [
      { drawDelay: 0 },
      { drawWindow: 251 },
      { roundLength: 5 },
      { trustLength: 0 },
      { revealDepth: 250 },
    ]) {
      await reverts(world.send(world.deployer, "setSchedule", { ...valid, ...change }), "InvalidSchedule");
    }
    await world.send(world.deployer, "setSchedule", valid);
    expect((await world.read<{ trustLength: bigint }>("schedule")).trustLength).to.equal(10n);
  });
});

describe("AttestationRegistry, in small sets", () => {
  for (const agents of [1, 2]) {
    it(`lets the service verify where ${agents} stand alone`, async () => {
      const world = await attestationWorld({ agents });
      await world.openAndDraw();
      await world.recordPanel(walletOf(0).address);
      expect(await world.read("isTrusted", walletOf(0).address)).to.equal(true);
    });
  }

  it("of three has one verifier each, and one alone vouches", async () => {
    const world = await attestationWorld({ agents: 3 });
    await world.openAndDraw();
    const { verifiers, seats } = await world.panel(walletOf(0).address);
    expect([verifiers.length, seats]).to.deep.equal([1, 1]);
    await world.recordPanel(walletOf(0).address);
    const [, [word]] = await world.read<[bigint[], bigint[]]>("history", walletOf(0).address, 0, 1);
    expect(unpackRecord(word ?? 0n).voucher).to.equal(Number(await world.read("enrolmentOf", verifiers[0])));
  });

  it("of three needs the service to convict", async () => {
    const world = await attestationWorld({ agents: 3 });
    await world.openAndDraw();
    await world.recordPanel(walletOf(0).address, ["fail"]);
    await world.record(walletOf(0).address, [[world.service.address, "fail"]]);
    expect(Number((await world.read<Standing>("statusOf", walletOf(0).address)).status)).to.equal(7);
  });
});
