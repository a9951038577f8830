import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { groth16 } from "snarkjs";

import { Prover } from "../../../agent/proving/prover.ts";
import { type KeyOwnershipRequest, proveKeyOwnership } from "../../../agent/proving/proveKeyOwnership.ts";
import { generatedFolder, readVerifyingArtifacts } from "../../../circuits/artifacts.ts";
import { withSingleThread } from "../../../circuits/curve.ts";
import { toSnarkjsProof } from "../../../circuits/snarkjsProof.ts";
import { agentRegistryDomain } from "../../../protocol/eip712/agentRegistry.ts";
import { subgroupOrder } from "../../../protocol/zk/fields.ts";
import { decodeProof } from "../../../protocol/zk/groth16Proof.ts";
import { commitmentOf } from "../../../protocol/zk/identityKey.ts";
import { keyOwnershipSignals } from "../../../protocol/zk/keyOwnership.ts";
import { toSignalArray } from "../../../protocol/zk/publicSignals.ts";
import { rejection } from "../../helpers/rejection.ts";

const request: KeyOwnershipRequest = {
  privateKey: 1234567890123456789012345678901234567890n,
  domain: agentRegistryDomain(31337n, "0x5FbDB2315678afecb367f032d93F642f64180aa3"),
  claim: {
    agent: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    recipient: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    nonce: 0n,
    deadline: 4_000_000_000n,
  },
};

describe("agent/proving", () => {
  let prover: Prover;
  before(async () => {
    prover = await Prover.open("key-ownership");
  });
  after(() => prover.close());

  it("proves the claim it is given", async () => {
    const { claim, proof } = await proveKeyOwnership(request, prover);
    expect(claim).to.deep.equal({ ...request.claim, commitment: commitmentOf(request.privateKey) });

    const { verificationKey } = await readVerifyingArtifacts("key-ownership");
    const signals = toSignalArray("key-ownership", keyOwnershipSignals(request.domain, claim)).map(String);
    const verify = (values: string[]) =>
      withSingleThread(() => groth16.verify(verificationKey, values, toSnarkjsProof(decodeProof(proof))));
    expect(await verify(signals)).to.equal(true);
    const [commitment, action] = signals as [string, string];
    expect(await verify([commitment, String(BigInt(action) + 1n)])).to.equal(false);
  });

  it("proves several claims that are asked for at once", async () => {
    const nonces = [1n, 2n, 3n];
    const proved = await Promise.all(
      nonces.map((nonce) => proveKeyOwnership({ ...request, claim: { ...request.claim, nonce } }, prover)),
    );
    expect(proved.map(({ claim }) => claim.nonce)).to.deep.equal(nonces);
    expect(new Set(proved.map(({ proof }) => proof)).size).to.equal(nonces.length);
  });

  it("refuses a private key outside [1, l) before anything is proved", async () => {
    for (const privateKey of [0n, subgroupOrder]) {
      const error = await rejection(proveKeyOwnership({ ...request, privateKey }, prover));
      expect(error).to.include({ code: "ERR_INPUT_PRIVATE_KEY" });
    }
  });

  it("says that there is no witness, and goes on", async () => {
    const input = { privateKey: request.privateKey, commitment: commitmentOf(request.privateKey), action: 1n };
    const error = await rejection(prover.prove({ ...input, commitment: input.commitment + 1n }));
    expect(error).to.include({ code: "ERR_PROOF_WITNESS" });
    expect((await prover.prove(input)).publicSignals).to.deep.equal([input.commitment, 1n]);
  });

  it("fails what is under way when it is closed", async () => {
    const closing = await Prover.open("key-ownership");
    const under = rejection(proveKeyOwnership(request, closing));
    await closing.close();
    expect(await under).to.include({ code: "ERR_INTERNAL_UNEXPECTED" });
    expect(await rejection(closing.prove({}))).to.include({ code: "ERR_INTERNAL_UNEXPECTED" });
  });

  it("refuses artifacts that are not those of the manifest", async () => {
    const folder = await mkdtemp(join(tmpdir(), "affiant-artifacts-"));
    try {
      await cp(generatedFolder, folder, { recursive: true });
      const path = join(folder, "key-ownership.wasm");
      const wasm = await readFile(path);
      wasm.writeUInt8(wasm.readUInt8(wasm.length - 1) ^ 1, wasm.length - 1);
      await writeFile(path, wasm);
      const error = await rejection(Prover.open("key-ownership", { artifacts: folder }));
      expect(error).to.include({ code: "ERR_INPUT_ARTIFACT" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("does not keep a process alive that forgets to close it", async () => {
    const url = new URL("../../../agent/proving/prover.ts", import.meta.url).href;
    const script = `import { Prover } from "${url}";
      const prover = await Prover.open("key-ownership");
      console.log("open");`;
    // Fails by the test's own limit if the process hangs.
    const flags = ["--no-warnings", "--input-type=module", "--eval", script];
    const { stdout } = await promisify(execFile)(process.execPath, flags);
    expect(stdout).to.equal("open\n");
  });
});
