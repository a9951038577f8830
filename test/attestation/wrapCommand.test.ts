import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { createAgentKeys } from "../../agent/keys/keystore.ts";
import { postJson } from "../../attestation/verifier/postJson.ts";
import { type Wrapping, writeWrapping } from "../../attestation/wrap/wrapping.ts";
import { answerOf } from "../../protocol/attestation/answer.ts";
import { commissionOf } from "../../protocol/attestation/challenge.ts";
import { decodeEvidence, faultOfEvidence } from "../../protocol/attestation/evidence.ts";
import { measurementOf } from "../../protocol/attestation/manifest.ts";
import { formatDeployment } from "../../protocol/deployment.ts";
import { fromHex } from "../../protocol/encoding/hex.ts";
import { measure, nativeProgram } from "../../scripts/torture/attestation/wrapped.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

describe("affiant wrap", function () {
  this.timeout(180_000);
  const folder = tempFolders();
  let chain: TestChain;

  before(async function () {
    if (process.platform !== "linux") return this.skip();
    chain = await startChain();
  });
  after(() => chain?.close());

  it("runs a program, answers for it under the agent's key, and ends it when it is ended", async () => {
    const dataDir = await folder();
    const { chainId } = chain.deployment;
    const facts = await createAgentKeys({ dataDir, name: "support", chainId });
    const program = await nativeProgram(join(dataDir, "program"));
    const manifest = await measure(program);
    const wrapping: Wrapping = {
      format: "affiant-wrapping/1",
      agent: facts.did,
      version: 1,
      agentKey: `0x${"05".repeat(32)}`,
      servicePublicKey: `0x${"09".repeat(32)}`,
      root: program.root,
      include: [],
      libraries: manifest.files.filter(({ role }) => role === "library").map(({ path }) => path),
    };
    await writeWrapping(join(dataDir, "agents", "support", "wrapping.json"), wrapping);
    await writeFile(join(dataDir, "deployment.json"), formatDeployment(chain.deployment));
    const words = ["wrap", "--agent", "support", "--data", dataDir, "--rpc", chain.url];
    const deployment = ["--deployment", join(dataDir, "deployment.json")];
    const child = spawn(process.execPath, ["cli/affiant.js", ...words, ...deployment, "--", ...program.command], {
      env: program.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    while (!said.includes("challenges at")) await once(child.stderr, "data");
    const [, pid, url] = /process (\d+), challenges at (\S+)/.exec(said)!;

    const question = { round: 1, target: facts.did, verifier: facts.did, nonce: `0x${"0a".repeat(32)}` as const };
    const challenge = { ...question, commission: commissionOf(question, fromHex(wrapping.agentKey, 32)) };
    const answer = await postJson(`${url}/v1/attestation/challenge`, challenge, {
      timeoutMs: 60_000,
      allowPrivate: true,
    });
    const { evidence } = answer as { evidence: string };
    const decoded = decodeEvidence(evidence);
    expect(faultOfEvidence(decoded, challenge)).to.equal(null);
    const expected = answerOf(measurementOf(manifest), fromHex(wrapping.agentKey), challenge.nonce);
    expect(decoded.claims.answer).to.equal(expected);

    child.kill("SIGTERM");
    await once(child, "exit");
    expect(() => process.kill(Number(pid), 0)).to.throw("ESRCH");
  });
});
