import { expect } from "chai";
import { toBeHex } from "ethers";

import { panelOf, type RosterEntry } from "../../protocol/attestation/panel.ts";
import { secretCommitment } from "../../protocol/attestation/seed.ts";
import type { AttestationResult } from "../../protocol/attestation/types.ts";
import { attestationRegistryTypes } from "../../protocol/eip712/attestationRegistry.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { type AttestationWorld, attestationWorld, secretOf, walletOf } from "../helpers/world/attestationWorld.ts";
import { addressOf, twentyAttested } from "./twentyAttested.ts";

/** Of `AttestationRegistryStorage`: the slot that begins with the count of enrolments (24 bits). */
const enrolmentCountSlot = 0xc11359bd58cab5412c6366db3b9d6bc66423b4a88c66d69754dec5424774fe00n + 10n;
/** The slot of the round's clock; bits 8 to 31 are the number of the round. */
const clockSlot = 0xc11359bd58cab5412c6366db3b9d6bc66423b4a88c66d69754dec5424774fe00n + 8n;
const full = (1n << 24n) - 1n;

describe("AttestationRegistry, at its limits", () => {
  const registry = twentyAttested();
  const { reverts } = registry;
  let world: AttestationWorld;
  before(() => (world = registry.world));

  const open = (round = 1) => world.send(world.service, "openRound", secretCommitment(secretOf(round)));
  /** Puts a counter of 24 bits, `offset` bits into a slot, to a value. */
  async function setCounter(slot: bigint, offset: bigint, value: bigint): Promise<void> {
    const { provider } = world.ethers;
    const address = await world.registry.getAddress();
    const word = BigInt(await provider.getStorage(address, slot));
    const changed = (word & ~(full << offset)) | (value << offset);
    await provider.send("hardhat_setStorageAt", [address, `0x${slot.toString(16)}`, toBeHex(changed, 32)]);
  }

  it("says how many verifiers it draws, what it forgives, and which registry it asks about agents", async () => {
    const read = (name: string) => world.read<unknown>(name);
    expect([await read("PANEL_SIZE"), await read("FRESH_SIZE"), await read("MAX_STRIKES")]).to.deep.equal([3n, 5n, 3n]);
    const { address } = world.deployment.contracts.agentRegistry;
    expect(await read("agentRegistry")).to.equal(address);
  });

  it("opens no round for nobody", async () => {
    const empty = await attestationWorld({ agents: 0 });
    const opened = () => empty.send(empty.service, "openRound", secretCommitment(secretOf(1)));
    await expect(opened()).to.be.revertedWithCustomError(empty.registry, "EmptyRoster").withArgs();
    await empty.register(walletOf(0), 0);
    await empty.enrol(walletOf(0));
    await empty.introduce(addressOf(0));
    await opened();
  });

  it("opens no round while agents that left stand in the roster, until they are pruned", async () => {
    await open();
    // Seventeen leave during the round; its end clears sixteen of them by itself.
    for (let i = 0; i < 17; i++) await world.send(world.service, "retire", addressOf(i));
    await world.mine(110);
    await world.send(world.anyone, "voidRound");
    await reverts(open(2), "DeparturesPending", 1);
    await reverts(world.send(world.anyone, "prune", 0), "NothingToPrune");
    await world.send(world.anyone, "prune", 1);
    await reverts(world.send(world.anyone, "prune", 1), "NothingToPrune");
    await open(2);
    expect(await world.read("rosterSize")).to.equal(3n);
  });

  it("enrols no more than its counter holds", async () => {
    await setCounter(enrolmentCountSlot, 0n, full);
    await reverts(world.enrol(walletOf(3), addressOf(3), 2n), "CounterFull", full + 1n, full);
    await setCounter(enrolmentCountSlot, 0n, full - 1n);
    await world.enrol(walletOf(3), addressOf(3), 2n);
    expect(await world.read("enrolmentOf", addressOf(3))).to.equal(full);
  });

  it("opens no more rounds than its counter holds", async () => {
    await setCounter(clockSlot, 8n, full);
    await reverts(open(), "CounterFull", full + 1n, full);
    await setCounter(clockSlot, 8n, full - 1n);
    await open();
    expect(await world.read("currentRound")).to.equal(full);
  });

  it("lets no FAIL among the fresh verifiers push others aside: only the five may speak", async () => {
    await world.openAndDraw();
    const { verifiers } = await world.panel(addressOf(5));
    const fails = (from: number, to: number): readonly (readonly [string, AttestationResult])[] =>
      verifiers.slice(from, to).map((verifier) => [verifier, "fail"] as const);
    await world.record(addressOf(5), fails(0, 1));
    await reverts(world.record(addressOf(5), fails(5, 9)), "NotOnPanel", verifiers[8], addressOf(5));
    await world.record(addressOf(5), fails(3, 7));
    expect(Number((await world.read<{ status: bigint }>("statusOf", addressOf(5))).status)).to.equal(7);
  });

  it("asks agents of the target's own operator last, and those of one operator after the first of it", async () => {
    const operators = [101, 102, 103, 104].map(addressOf);
    const shared = await attestationWorld({ agents: 20, operatorOf: (index) => operators[index % 4] as string });
    const operatorBy = new Map(shared.wallets.map(({ address }, index) => [address, operators[index % 4]]));
    const round = await shared.openAndDraw();
    const { seed } = await shared.read<{ seed: Hex }>("roundAt", round);
    const roster: RosterEntry[] = [];
    for (let place = 0; place < 20; place++) {
      const [agent, operatorTag] = await shared.read<[string, bigint]>("rosterAt", place);
      roster.push({ agent, operatorTag });
    }
    for (const [place, { agent }] of roster.entries()) {
      const { verifiers } = await shared.panel(agent);
      expect(verifiers).to.deep.equal(panelOf(seed, roster, place).verifiers);
      const theirs = verifiers.slice(0, 8).map((verifier) => operatorBy.get(verifier));
      const own = operatorBy.get(agent);
      const strangers = new Set(theirs.filter((operator) => operator !== own));
      expect(new Set(theirs.slice(0, strangers.size)), "one of each other operator first").to.deep.equal(strangers);
      const ownCount = theirs.filter((operator) => operator === own).length;
      expect(theirs.slice(8 - ownCount), "its own last").to.deep.equal(Array<unknown>(ownCount).fill(own));
    }
  });

  it("takes a signed request once, and not after its deadline", async () => {
    const request = async (deadline: bigint, nonce = 7n << 64n) => {
      const message = {
        service: world.service.address,
        secretCommitment: secretCommitment(secretOf(1)),
        nonce,
        deadline,
      };
      const types = { OpenRound: [...attestationRegistryTypes.OpenRound] };
      const signature = await world.service.signTypedData(world.domain, types, message);
      return world.send(world.anyone, "openRoundSigned", ...Object.values(message), signature);
    };
    const now = BigInt((await world.ethers.provider.getBlock("latest"))?.timestamp ?? 0);
    const sent = request(now - 1n);
    await expect(sent).to.be.revertedWithCustomError(world.registry, "SignatureExpired");
    await request(now + 1000n);
    await world.mine(110);
    await world.send(world.anyone, "voidRound");
    await reverts(request(now + 1000n), "InvalidAccountNonce", world.service.address, (7n << 64n) + 1n);
    await request(now + 1000n, (7n << 64n) + 1n);
  });
});
