import { expect } from "chai";
import { network } from "hardhat";

import { readVerifyingArtifacts } from "../../circuits/artifacts.ts";
import { circuitIdOf } from "../../protocol/zk/circuitId.ts";
import { baseFieldOrder, scalarFieldOrder } from "../../protocol/zk/fields.ts";
import { encodeProof, type Groth16Proof } from "../../protocol/zk/groth16Proof.ts";
import { commitmentOf } from "../../protocol/zk/identityKey.ts";
import { forgeProof, initialKeyOf, proveInThread, testPrivateKey, verifyInThread } from "../helpers/zk.ts";

const { ethers, networkHelpers } = await network.create();

const circuitId = circuitIdOf("key-ownership");
const delaySec = 2n * 24n * 60n * 60n;
const signals = [commitmentOf(testPrivateKey), 42n] as const;

async function fixture() {
  const [admin, stranger] = await ethers.getSigners();
  const manager = await ethers.deployContract("AccessManager", [admin!.address]);
  const registry = await ethers.deployContract("VerifierRegistry", [await manager.getAddress()]);
  const verifier = await (await ethers.deployContract("KeyOwnershipVerifier")).getAddress();
  const second = await (await ethers.deployContract("KeyOwnershipVerifier")).getAddress();
  return { registry, verifier, second, stranger: stranger! };
}

async function activeFixture() {
  const deployed = await fixture();
  await deployed.registry.schedule(circuitId, deployed.verifier, 2);
  return deployed;
}

describe("VerifierRegistry: the table", () => {
  const load = () => networkHelpers.loadFixture(fixture);
  const loadActive = () => networkHelpers.loadFixture(activeFixture);

  it("puts the first verifier of a circuit into effect at once", async () => {
    const { registry, verifier } = await load();
    const codeHash = ethers.keccak256(await ethers.provider.getCode(verifier));
    await expect(registry.schedule(circuitId, verifier, 2))
      .to.emit(registry, "VerifierActivated")
      .withArgs(circuitId, verifier, codeHash);
    expect(await registry.verifierOf(circuitId)).to.equal(verifier);
    expect(await registry.scheduledVerifierOf(circuitId)).to.deep.equal([ethers.ZeroAddress, 0n, 0n]);
  });

  it("calls nothing cancelled when nothing was scheduled", async () => {
    const { registry, verifier, second } = await load();
    await expect(registry.schedule(circuitId, verifier, 2)).to.not.emit(registry, "VerifierCancelled");
    await expect(registry.schedule(circuitId, second, 2)).to.not.emit(registry, "VerifierCancelled");
  });

  it("puts a later one into effect after the delay and not before", async () => {
    const { registry, verifier, second, stranger } = await loadActive();
    const tx = await registry.schedule(circuitId, second, 2);
    const readyAtSec = BigInt((await tx.getBlock())!.timestamp) + delaySec;
    expect(await registry.scheduledVerifierOf(circuitId)).to.deep.equal([second, 2n, readyAtSec]);

    await networkHelpers.time.setNextBlockTimestamp(readyAtSec - 1n);
    await expect(registry.connect(stranger).activate(circuitId))
      .to.be.revertedWithCustomError(registry, "ActivationTooEarly")
      .withArgs(readyAtSec - 1n, readyAtSec);
    expect(await registry.verifierOf(circuitId)).to.equal(verifier);

    await networkHelpers.time.setNextBlockTimestamp(readyAtSec);
    await registry.connect(stranger).activate(circuitId);
    expect(await registry.verifierOf(circuitId)).to.equal(second);
  });

  it("starts the delay anew when another announcement replaces one", async () => {
    const { registry, verifier, second } = await loadActive();
    await registry.schedule(circuitId, second, 2);
    await networkHelpers.time.increase(delaySec - 10n);
    await expect(registry.schedule(circuitId, verifier, 2))
      .to.emit(registry, "VerifierCancelled")
      .withArgs(circuitId, second);
    await networkHelpers.time.increase(100n);
    await expect(registry.activate(circuitId)).to.be.revertedWithCustomError(registry, "ActivationTooEarly");
  });

  it("withdraws an announcement", async () => {
    const { registry, second } = await loadActive();
    await registry.schedule(circuitId, second, 2);
    await registry.cancel(circuitId);
    await networkHelpers.time.increase(delaySec);
    for (const call of [registry.activate(circuitId), registry.cancel(circuitId)]) {
      await expect(call).to.be.revertedWithCustomError(registry, "NothingScheduled").withArgs(circuitId);
    }
  });

  it("stops a circuit at once, and lets it come back only by way of the delay", async () => {
    const { registry, verifier, second } = await loadActive();
    await expect(registry.disable(circuitId)).to.emit(registry, "VerifierDisabled").withArgs(circuitId, verifier);
    await expect(registry.disable(circuitId))
      .to.be.revertedWithCustomError(registry, "UnknownCircuit")
      .withArgs(circuitId);
    await registry.schedule(circuitId, second, 2);
    expect(await registry.verifierOf(circuitId)).to.equal(ethers.ZeroAddress);
    await networkHelpers.time.increase(delaySec);
    await registry.activate(circuitId);
    expect(await registry.verifierOf(circuitId)).to.equal(second);
  });

  it("refuses an address without code, and numbers of signals that no verifier has", async () => {
    const { registry, verifier, stranger } = await load();
    await expect(registry.schedule(circuitId, stranger.address, 2))
      .to.be.revertedWithCustomError(registry, "VerifierWithoutCode")
      .withArgs(stranger.address);
    for (const count of [0, 256]) {
      await expect(registry.schedule(circuitId, verifier, count))
        .to.be.revertedWithCustomError(registry, "PublicSignalCountOutOfRange")
        .withArgs(count, 255);
    }
    await registry.schedule(circuitId, verifier, 255);
    expect(await registry.verifierOf(circuitId)).to.equal(verifier);
  });

  const target = "11".repeat(20);
  const foreign: readonly (readonly [what: string, code: string, offset: number, opcode: string])[] = [
    ["an EIP-7702 account", `ef0100${target}`, 0, "ef"],
    ["code of another format (EIP-3541)", "ef00010100", 0, "ef"],
    ["a minimal proxy (EIP-1167)", `363d3d373d3d3d363d73${target}5af43d82803e903d91602b57fd5bf3`, 31, "f4"],
    ["the same with PUSH0 (EIP-7511)", `365f5f375f5f365f73${target}5af43d5f5f3e5f3d91602a57fd5bf3`, 30, "f4"],
    ["a beacon's or ERC-1967 proxy: where to, storage says", "5f5f365f5f6001545af4", 7, "54"],
    ["one that asks transient storage", "5f5c", 1, "5c"],
    ["one that calls", `5f5f5f5f5f73${target}5af1`, 27, "f1"],
    ["one that runs other code on its own storage", `5f5f5f5f5f73${target}5af2`, 27, "f2"],
    ["one that makes contracts", "5f5f5ff0", 3, "f0"],
    ["one that makes contracts where it chooses", "5f5f5f5ff5", 4, "f5"],
    ["one that can end", "5fff", 1, "ff"],
    ["one with the opcode behind a jump, after the end", "600456fe5bf4", 5, "f4"],
  ];
  for (const [what, code, offset, opcode] of foreign) {
    it(`refuses ${what}`, async () => {
      const { registry, second } = await load();
      await networkHelpers.setCode(second, `0x${code}`);
      await expect(registry.schedule(circuitId, second, 2))
        .to.be.revertedWithCustomError(registry, "VerifierNotPlain")
        .withArgs(second, offset, `0x${opcode}`);
    });
  }

  it("takes the same bytes where a PUSH carries them", async () => {
    const { registry, second } = await load();
    await networkHelpers.setCode(second, `0x61f45460005260206000f37f${"f4".repeat(32)}`);
    await registry.schedule(circuitId, second, 2);
    expect(await registry.verifierOf(circuitId)).to.equal(second);
  });

  it("refuses the proxies that OpenZeppelin's libraries make", async () => {
    const { registry, verifier } = await load();
    const implementation = await ethers.deployContract("PolicyRegistry");
    const call = implementation.interface.encodeFunctionData("initialize", [verifier, verifier]);
    const proxy = await (
      await ethers.deployContract("ERC1967Proxy", [await implementation.getAddress(), call])
    ).getAddress();
    await expect(registry.schedule(circuitId, proxy, 2)).to.be.revertedWithCustomError(registry, "VerifierNotPlain");
  });

  it("refuses code that changed between announcement and activation", async () => {
    const { registry, second } = await loadActive();
    const announced = ethers.keccak256(await ethers.provider.getCode(second));
    await registry.schedule(circuitId, second, 2);
    await networkHelpers.time.increase(delaySec);
    await networkHelpers.setCode(second, "0x00");
    await expect(registry.activate(circuitId))
      .to.be.revertedWithCustomError(registry, "VerifierCodeChanged")
      .withArgs(ethers.keccak256("0x00"), announced);
  });

  it("is changed by the role that may and by nobody else", async () => {
    const { registry, second, stranger } = await loadActive();
    const outsider = registry.connect(stranger);
    for (const call of [
      outsider.schedule(circuitId, second, 2),
      outsider.cancel(circuitId),
      outsider.disable(circuitId),
    ]) {
      await expect(call)
        .to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized")
        .withArgs(stranger.address);
    }
  });
});

describe("VerifierRegistry: proofs", () => {
  const load = () => networkHelpers.loadFixture(activeFixture);
  let proof: Groth16Proof;
  before(async () => {
    const [commitment, action] = signals;
    proof = await proveInThread({ privateKey: testPrivateKey, commitment, action });
  });

  /** The proof's eight words; `word` at `index` instead of its own. */
  const wordsWith = (index: number, word: bigint): string => {
    const words = ethers.AbiCoder.defaultAbiCoder().decode(["uint256[8]"], encodeProof(proof))[0] as bigint[];
    return ethers.AbiCoder.defaultAbiCoder().encode(["uint256[8]"], [[...words].with(index, word)]);
  };

  it("accepts a proof of its signals", async () => {
    const { registry } = await load();
    expect(await registry.verifyProof(circuitId, encodeProof(proof), [...signals])).to.equal(true);
  });

  it("is not convinced by the proof of other signals", async () => {
    const { registry } = await load();
    const [commitment, action] = signals;
    expect(await registry.verifyProof(circuitId, encodeProof(proof), [commitment, action + 1n])).to.equal(false);
    expect(await registry.verifyProof(circuitId, encodeProof(proof), [commitment + 1n, action])).to.equal(false);
    expect(await registry.verifyProof(circuitId, encodeProof(proof), [action, commitment])).to.equal(false);
  });

  it("is not convinced by a proof with any word changed, on its curve or off", async () => {
    const { registry } = await load();
    const negated: Groth16Proof = { ...proof, a: [proof.a[0], baseFieldOrder - proof.a[1]] };
    expect(await registry.verifyProof(circuitId, encodeProof(negated), [...signals])).to.equal(false);
    for (let index = 0; index < 8; index++) {
      expect(await registry.verifyProof(circuitId, wordsWith(index, 1n), [...signals]), `word ${index}`).to.equal(
        false,
      );
    }
  });

  it("takes coordinates in reduced form only", async () => {
    const { registry } = await load();
    const words = ethers.AbiCoder.defaultAbiCoder().decode(["uint256[8]"], encodeProof(proof))[0] as bigint[];
    for (let index = 0; index < 8; index++) {
      // Some libraries would reduce it to the accepted proof: a second spelling of one proof.
      const shifted = words[index]! + baseFieldOrder;
      await expect(registry.verifyProof(circuitId, wordsWith(index, shifted), [...signals]))
        .to.be.revertedWithCustomError(registry, "CoordinateOutOfField")
        .withArgs(index, shifted, baseFieldOrder);
    }
    await expect(registry.verifyProof(circuitId, wordsWith(0, baseFieldOrder), [...signals]))
      .to.be.revertedWithCustomError(registry, "CoordinateOutOfField")
      .withArgs(0, baseFieldOrder, baseFieldOrder);
    expect(await registry.verifyProof(circuitId, wordsWith(0, baseFieldOrder - 1n), [...signals])).to.equal(false);
  });

  it("takes signals in reduced form only", async () => {
    const { registry } = await load();
    for (const index of [0, 1]) {
      const shifted = signals[index]! + scalarFieldOrder;
      await expect(registry.verifyProof(circuitId, encodeProof(proof), [...signals].with(index, shifted)))
        .to.be.revertedWithCustomError(registry, "PublicSignalOutOfField")
        .withArgs(index, shifted, scalarFieldOrder);
    }
  });

  it("takes exactly the proof's length and the circuit's number of signals", async () => {
    const { registry } = await load();
    const encoded = encodeProof(proof);
    for (const other of [ethers.dataSlice(encoded, 0, 255), ethers.concat([encoded, "0x00"]), "0x"]) {
      await expect(registry.verifyProof(circuitId, other, [...signals]))
        .to.be.revertedWithCustomError(registry, "ProofLength")
        .withArgs(ethers.dataLength(other), 256);
    }
    for (const other of [[], [...signals].slice(0, 1), [...signals, 0n]]) {
      await expect(registry.verifyProof(circuitId, encoded, other))
        .to.be.revertedWithCustomError(registry, "PublicSignalCount")
        .withArgs(other.length, 2);
    }
  });

  it("knows no circuit but those in its table", async () => {
    const { registry } = await load();
    const other = ethers.id("another circuit");
    await expect(registry.verifyProof(other, encodeProof(proof), [...signals]))
      .to.be.revertedWithCustomError(registry, "UnknownCircuit")
      .withArgs(other);
  });

  it("is not convinced by a contract that answers anything but a single 1", async () => {
    const { registry, second } = await load();
    const put = (slot: string, value: string) => `60${value}60${slot}52`;
    const answers: Readonly<Record<string, string>> = {
      nothing: "0x00",
      two: `0x${put("00", "02")}60206000f3`,
      "two words": `0x${put("00", "01")}60406000f3`,
      "a revert with 1": `0x${put("00", "01")}60206000fd`,
    };
    const answeredBy = async (name: string, code: string): Promise<boolean> => {
      await networkHelpers.setCode(second, code);
      await registry.schedule(ethers.id(name), second, 2);
      return await registry.verifyProof(ethers.id(name), encodeProof(proof), [...signals]);
    };
    expect(await answeredBy("a single 1", `0x${put("00", "01")}60206000f3`)).to.equal(true);
    for (const [name, code] of Object.entries(answers)) expect(await answeredBy(name, code), name).to.equal(false);
  });

  it("accepts nothing once the verifier's code is another, and takes it back with the code", async () => {
    const { registry, verifier } = await load();
    const code = await ethers.provider.getCode(verifier);
    for (const other of [`0x600160005260206000f3`, `0xef0100${"11".repeat(20)}`, "0x"]) {
      await networkHelpers.setCode(verifier, other);
      await expect(registry.verifyProof(circuitId, encodeProof(proof), [...signals]), other)
        .to.be.revertedWithCustomError(registry, "VerifierCodeChanged")
        .withArgs(ethers.keccak256(other), ethers.keccak256(code));
    }
    await networkHelpers.setCode(verifier, code);
    expect(await registry.verifyProof(circuitId, encodeProof(proof), [...signals])).to.equal(true);
  });

  it("shows what an uncontributed key is worth: a proof forged from the key alone passes it", async () => {
    const { registry } = await load();
    const { verificationKey } = await readVerifyingArtifacts("key-ownership");
    const initial = initialKeyOf(verificationKey);
    const nobodysSignals = [commitmentOf(99n), 7n];
    const forged = await forgeProof(initial, nobodysSignals);
    expect(await verifyInThread(forged, nobodysSignals, initial)).to.equal(true);
    expect(await verifyInThread(forged, nobodysSignals)).to.equal(false);
    expect(await registry.verifyProof(circuitId, encodeProof(forged), nobodysSignals)).to.equal(false);

    const Verifier = await ethers.getContractFactory("KeyOwnershipVerifier");
    let bytecode = Verifier.bytecode;
    verificationKey.vk_delta_2.slice(0, 2).forEach((pair, i) => {
      pair.forEach((coordinate, j) => {
        const from = BigInt(coordinate).toString(16).padStart(64, "0");
        expect(bytecode).to.include(from);
        const to = BigInt(verificationKey.vk_gamma_2[i]![j]!).toString(16).padStart(64, "0");
        bytecode = bytecode.replaceAll(from, to);
      });
    });
    const uncontributed = await new ethers.ContractFactory(Verifier.interface, bytecode, Verifier.runner).deploy();
    const other = ethers.id("a circuit with an uncontributed key");
    await registry.schedule(other, await uncontributed.getAddress(), 2);
    expect(await registry.verifyProof(other, encodeProof(forged), nobodysSignals)).to.equal(true);
  });
});
