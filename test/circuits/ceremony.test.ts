import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { groth16, powersOfTau, type SnarkjsVerificationKey, zKey } from "snarkjs";

import { withSingleThread } from "../../circuits/curve.ts";
import { toSnarkjsProof } from "../../circuits/snarkjsProof.ts";
import { parseCircuitManifest } from "../../protocol/zk/circuitManifest.ts";
import { assertKeyAllowed } from "../../protocol/zk/keyGate.ts";
import { exportCeremony } from "../../circuits/setup/ceremony/exportCeremony.ts";
import { hashFile } from "../../circuits/setup/ceremony/files.ts";
import { type PublishedPhase1, publishedPhase1 } from "../../circuits/setup/ceremony/publishedPhase1.ts";
import { applyBeacon, contribute, initCeremony } from "../../circuits/setup/ceremony/steps.ts";
import { verifyCeremony } from "../../circuits/setup/ceremony/verifyCeremony.ts";
import { compileCircuit, root } from "../../circuits/setup/compile.ts";
import { rejection } from "../helpers/rejection.ts";
import { forgeProof } from "../helpers/zk.ts";

const beacon = "5a".repeat(32);

describe("circuits/setup/ceremony", () => {
  let folder: string;
  let at: (name: string) => string;
  let common: {
    circuit: string;
    r1cs: string;
    wasm: string;
    phase1: string;
    knownPhase1: ReadonlyMap<string, PublishedPhase1>;
  };
  let hashes: string[];

  /** One whole ceremony: initial key, Alice, Bob, beacon. */
  before(async () => {
    await mkdir(join(root, "circuits/build"), { recursive: true });
    folder = await mkdtemp(join(root, "circuits/build/ceremony-"));
    at = (name) => join(folder, name);
    const { r1cs, wasm } = await compileCircuit("test/circuits/fixtures/tiny.circom", folder);
    const phase1 = at("phase1.ptau");
    await withSingleThread(async (curve) => {
      await powersOfTau.newAccumulator(curve, 4, at("fresh.ptau"));
      await powersOfTau.beacon(at("fresh.ptau"), at("beaconed.ptau"), "test", beacon, 10);
      await powersOfTau.preparePhase2(at("beaconed.ptau"), phase1);
    });
    const entry = { power: 4, fileName: "phase1.ptau" };
    common = {
      circuit: "tiny",
      r1cs,
      wasm,
      phase1,
      knownPhase1: new Map([[await hashFile(phase1, "blake2b512"), entry]]),
    };
    await initCeremony({ ...common, to: at("0.zkey") });
    hashes = [
      await contribute({ from: at("0.zkey"), to: at("1.zkey"), name: "Alice" }),
      await contribute({ from: at("1.zkey"), to: at("2.zkey"), name: "Bob: of two" }),
      await applyBeacon({ from: at("2.zkey"), to: at("3.zkey"), beacon: `0x${beacon}`, iterationsExponent: 10 }),
    ];
  });
  after(() => rm(folder, { recursive: true }));

  const keyOf = (name: string) => withSingleThread(() => zKey.exportVerificationKey(at(name)));

  it("verifies a finished key from public files, and lists who took part", async () => {
    const { transcript } = await verifyCeremony({ ...common, zkey: at("3.zkey") });
    expect(transcript.contributions).to.deep.equal([
      { name: "Alice", hash: hashes[0] },
      { name: "Bob: of two", hash: hashes[1] },
      { name: "beacon", hash: hashes[2], beacon: { value: beacon, iterationsExponent: 10 } },
    ]);
    expect(transcript.circuitHash).to.match(/^[0-9a-f]{128}$/);
    expect(transcript.zkeySha256).to.equal(await hashFile(at("3.zkey"), "sha256"));
  });

  it("exports a key that a public chain accepts, and whose proofs verify", async () => {
    const into = at("export");
    await exportCeremony({ ...common, zkey: at("3.zkey"), into });
    const manifest = parseCircuitManifest(JSON.parse(await readFile(join(into, "manifest.json"), "utf8")));
    expect(manifest.circuits["tiny"]?.keyKind).to.equal("CEREMONY");
    for (const [role, file] of Object.entries({
      zkey: "tiny.zkey",
      vkey: "tiny.vkey.json",
      verifier: "TinyVerifier.sol",
    })) {
      const sum = manifest.circuits["tiny"]?.sha256[role as "zkey"];
      expect(await hashFile(join(into, file), "sha256"), file).to.equal(sum);
    }
    const key = JSON.parse(await readFile(join(into, "tiny.vkey.json"), "utf8")) as SnarkjsVerificationKey;
    assertKeyAllowed({ verificationKey: key, kind: "CEREMONY", chainId: 1n });
    const { proof, publicSignals } = await withSingleThread(() =>
      groth16.fullProve({ root: 3n, square: 9n }, common.wasm, join(into, "tiny.zkey")),
    );
    expect(await withSingleThread(() => groth16.verify(key, publicSignals, proof))).to.equal(true);
    expect(await withSingleThread(() => groth16.verify(key, ["10"], proof))).to.equal(false);
  });

  it("refuses the initial key everywhere: a proof of a false statement is forged from it", async () => {
    const initial = await keyOf("0.zkey");
    // 5 is no square of anything a prover would have to know here.
    const forged = await forgeProof(initial, [5n]);
    const verifies = (key: SnarkjsVerificationKey) =>
      withSingleThread(() => groth16.verify(key, ["5"], toSnarkjsProof(forged)));
    expect(await verifies(initial)).to.equal(true);
    expect(await verifies(await keyOf("3.zkey"))).to.equal(false);

    expect(await rejection(verifyCeremony({ ...common, zkey: at("0.zkey") }))).to.include({
      code: "ERR_INPUT_KEY_INITIAL",
    });
    const into = at("never");
    expect(await rejection(exportCeremony({ ...common, zkey: at("0.zkey"), into }))).to.include({
      code: "ERR_INPUT_KEY_INITIAL",
    });
    for (const [kind, chainId] of [
      ["CEREMONY", 1n],
      ["DEV_INSECURE", 31337n],
    ] as const) {
      expect(() => assertKeyAllowed({ verificationKey: initial, kind, chainId }))
        .to.throw()
        .with.property("code", "ERR_INPUT_KEY_INITIAL");
    }
  });

  it("refuses a key that lacks the beacon, or people", async () => {
    const unfinished = await rejection(verifyCeremony({ ...common, zkey: at("2.zkey") }));
    expect(unfinished).to.include({ code: "ERR_INPUT_CEREMONY" });
    expect(String(unfinished)).to.match(/not a beacon/);
    await applyBeacon({ from: at("0.zkey"), to: at("beacon-only.zkey"), beacon, iterationsExponent: 10 });
    const unpeopled = await rejection(verifyCeremony({ ...common, zkey: at("beacon-only.zkey") }));
    expect(unpeopled).to.include({ code: "ERR_INPUT_CEREMONY" });
    expect(String(unpeopled)).to.match(/nobody contributed/);
  });

  it("refuses a phase-1 file that nobody published, at the start and at the end", async () => {
    for (const step of [
      () => initCeremony({ ...common, knownPhase1: publishedPhase1, to: at("other.zkey") }),
      () => verifyCeremony({ ...common, knownPhase1: publishedPhase1, zkey: at("3.zkey") }),
    ]) {
      expect(await rejection(step())).to.include({ code: "ERR_INPUT_CEREMONY" });
    }
  });

  it("refuses a key of which any byte was changed", async () => {
    const good = await readFile(at("3.zkey"));
    const positions = [60, 700, Math.floor(good.length / 2), good.length - 200, good.length - 1];
    for (const position of positions) {
      const bytes = Buffer.from(good);
      bytes.writeUInt8(bytes.readUInt8(position) ^ 1, position);
      await writeFile(at("changed.zkey"), bytes);
      const error = await rejection(verifyCeremony({ ...common, zkey: at("changed.zkey") }));
      expect((error as { code: string }).code, `byte ${position}`).to.match(/^ERR_INPUT_(CEREMONY|KEY_INITIAL)$/);
    }
  });

  it("never writes over a file, and takes no bad names or beacons", async () => {
    await copyFile(at("0.zkey"), at("mine.zkey"));
    const bad = [
      () => contribute({ from: at("0.zkey"), to: at("mine.zkey"), name: "Alice" }),
      () => contribute({ from: at("0.zkey"), to: at("new.zkey"), name: "" }),
      () => applyBeacon({ from: at("0.zkey"), to: at("new.zkey"), beacon: "5a", iterationsExponent: 10 }),
      () => applyBeacon({ from: at("0.zkey"), to: at("new.zkey"), beacon, iterationsExponent: 9 }),
      () => contribute({ from: common.r1cs, to: at("new.zkey"), name: "Alice" }),
    ];
    for (const step of bad) expect(await rejection(step())).to.include({ code: "ERR_INPUT_CEREMONY" });
  });
});

describe("protocol/zk/keyGate", () => {
  it("keeps a development key on local chains", async () => {
    const text = await readFile(join(root, "circuits/generated/key-ownership.vkey.json"), "utf8");
    const verificationKey = JSON.parse(text) as SnarkjsVerificationKey;
    assertKeyAllowed({ verificationKey, kind: "DEV_INSECURE", chainId: 31337n });
    for (const chainId of [1n, 11155111n, 31338n]) {
      expect(() => assertKeyAllowed({ verificationKey, kind: "DEV_INSECURE", chainId }))
        .to.throw()
        .with.property("code", "ERR_INPUT_KEY_DEVELOPMENT");
    }
  });

  it("wants the very key in the bytecode", async () => {
    const text = await readFile(join(root, "circuits/generated/key-ownership.vkey.json"), "utf8");
    const verificationKey = JSON.parse(text) as SnarkjsVerificationKey;
    const path = "artifacts/contracts/generated/KeyOwnershipVerifier.sol/KeyOwnershipVerifier.json";
    const { bytecode } = JSON.parse(await readFile(join(root, path), "utf8")) as { bytecode: string };
    const given = { verificationKey, kind: "CEREMONY", chainId: 1n } as const;
    assertKeyAllowed({ ...given, bytecode });
    const other = { ...verificationKey, IC: [...verificationKey.IC.slice(0, 2), ["1234567", "89", "1"]] };
    expect(() => assertKeyAllowed({ ...given, verificationKey: other, bytecode }))
      .to.throw()
      .with.property("code", "ERR_INPUT_KEY_MISMATCH");
  });
});
