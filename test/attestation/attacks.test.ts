import { randomBytes } from "node:crypto";
import { appendFile, copyFile, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

import { expect } from "chai";
import { Wallet } from "ethers";

import { expectedAnswer } from "../../attestation/service/references.ts";
import { type Finding, examine, noEvidence } from "../../attestation/verifier/examine.ts";
import { decodeEvidence, evidenceHashOf } from "../../protocol/attestation/evidence.ts";
import type { TaskPlace, VerificationTask } from "../../protocol/attestation/task.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { patchMemory } from "../../scripts/torture/attestation/patchMemory.ts";
import {
  chainId,
  commissioned,
  measure,
  nativeProgram,
  nodeProgram,
  pythonProgram,
  wrap,
  type WrappedAgent,
} from "../../scripts/torture/attestation/wrapped.ts";

const verifier = Wallet.createRandom().address;

function place(target: string): TaskPlace {
  const registry = "0x000000000000000000000000000000000000dEaD";
  return { chainId, registry, round: 7, seed: `0x${"11".repeat(32)}`, target, enrolment: 1, verifier };
}

interface Asked {
  readonly url?: string;
  readonly nonce?: Hex;
  /** Whose host answers: it has its agent's key, and commissions with that what came for another. */
  readonly host?: Pick<WrappedAgent, "wrapping">;
}

/** What an honest verifier finds. */
function ask(agent: WrappedAgent, { url = agent.url, host = agent, ...asked }: Asked = {}): Promise<Finding> {
  const { nonce = toHex(randomBytes(32)) } = asked;
  const drawn = place(agent.account.address);
  const [target, by] = [drawn.target, drawn.verifier].map((one) => formatEthrDid(BigInt(chainId), one));
  const question = { round: drawn.round, target: target!, verifier: by!, nonce };
  const task: VerificationTask = {
    targetUrl: url,
    nonce,
    expected: expectedAnswer(agent.reference, nonce),
    tier: "software",
    commission: commissioned(question, host).commission,
  };
  const isSigningKey = (address: string, key: Uint8Array) =>
    Promise.resolve(address === agent.account.address && Buffer.from(key).equals(agent.signing.publicKey));
  return examine(task, drawn, {
    isSigningKey,
    attempts: 2,
    attemptTimeoutMs: 60_000,
    spreadMs: 0,
    allowPrivate: true,
  });
}

describe("attestation: attacks on a wrapped program", function () {
  this.timeout(180_000);
  const folder = tempFolders();
  const agents: WrappedAgent[] = [];

  before(function () {
    if (process.platform !== "linux") this.skip();
  });
  afterEach(async () => {
    for (const agent of agents.splice(0)) await agent.close();
  });

  async function wrapped(...given: Parameters<typeof wrap>): Promise<WrappedAgent> {
    const agent = await wrap(...given);
    agents.push(agent);
    return agent;
  }

  const kinds = { Node: nodeProgram, Python: pythonProgram, native: nativeProgram };
  for (const [kind, make] of Object.entries(kinds)) {
    it(`passes an untouched ${kind} program, and fails it when a file that it runs is changed on disk`, async () => {
      const program = await make(await folder());
      const agent = await wrapped(program);
      const clean = await ask(agent);
      expect(clean).to.include({ result: "pass", attempts: 1 });
      expect(clean.evidenceHash).to.equal(evidenceHashOf(clean.evidence!));
      const kept = await readFile(program.file);
      // Written beside and put in its place, as an installer does.
      await writeFile(`${program.file}.new`, Buffer.concat([kept, Buffer.from("\n")]), { mode: 0o755 });
      await rename(`${program.file}.new`, program.file);
      expect((await ask(agent)).result).to.equal("fail");
    });
  }

  it("fails a native program whose code is patched in memory while it runs", async () => {
    const program = await nativeProgram(await folder());
    const agent = await wrapped(program);
    expect((await ask(agent)).result).to.equal("pass");
    await patchMemory(agent.wrapper.pid!, program.command[0]);
    expect((await ask(agent)).result).to.equal("fail");
  });

  it("fails a Node program whose interpreter is patched in memory while it runs", async () => {
    const agent = await wrapped(await nodeProgram(await folder()));
    await patchMemory(agent.wrapper.pid!, process.execPath);
    expect((await ask(agent)).result).to.equal("fail");
  });

  it("takes an old answer for none", async () => {
    const agent = await wrapped(await nodeProgram(await folder()));
    const first = await ask(agent);
    const replayer = createServer((_request, response) => response.end(JSON.stringify({ evidence: first.evidence })));
    await new Promise<void>((resolve) => replayer.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(replayer.address() as AddressInfo).port}`;
    const again = await ask(agent, { url });
    expect(again).to.deep.equal({ result: "timeout", attempts: 2, evidenceHash: noEvidence, evidence: null });
    // The very same answer to the very same question is what the target would say.
    const nonce = toHex(Buffer.from(decodeEvidence(first.evidence!).claims.nonce.slice(2), "hex"));
    expect((await ask(agent, { url, nonce })).result).to.equal("pass");
    replayer.close();
  });

  it("does not take the answer of a clean twin: neither under its own key nor under the target's", async () => {
    const program = await nodeProgram(await folder());
    const target = await wrapped(program);
    const manifest = await measure(program);
    const stranger = await wrapped(program, { manifest });
    expect((await ask(target, { url: stranger.url })).result).to.equal("timeout");
    // A twin that even signs as the target lacks the key that the service gave the target's wrapper.
    const { account, signing } = target;
    const twin = await wrapped(program, { manifest, account, signing });
    expect((await ask(target, { url: twin.url, host: twin })).result).to.equal("fail");
  });

  it("measures nothing for who was not commissioned by the service, whatever round they name", async () => {
    const agent = await wrapped(await nodeProgram(await folder()));
    const did = formatEthrDid(BigInt(chainId), agent.account.address);
    const question = { round: 7, target: did, verifier: did, nonce: toHex(randomBytes(32)) };
    const good = commissioned(question, agent);
    for (const change of [{ round: 8 }, { nonce: toHex(randomBytes(32)) }, { commission: toHex(randomBytes(32)) }]) {
      expect(await rejectionCode(agent.wrapper.answer({ ...good, ...change }))).to.equal("ERR_AUTH_SENDER");
    }
    expect(agent.wrapper.answered.rounds).to.deep.equal([]);
    await agent.wrapper.answer(good);
    expect(agent.wrapper.answered.rounds).to.deep.equal([7]);
  });

  it("gives a silent target a time-out and no more", async () => {
    const agent = await wrapped(await nodeProgram(await folder()));
    const found = await ask(agent, { url: "http://127.0.0.1:9" });
    expect(found).to.deep.equal({ result: "timeout", attempts: 2, evidenceHash: noEvidence, evidence: null });
  });

  it("measures again after a crash, and notices what was changed meanwhile", async () => {
    const program = await nodeProgram(await folder());
    const agent = await wrapped(program);
    process.kill(agent.wrapper.pid!, "SIGKILL");
    await eventually(() => agent.wrapper.runs === 2);
    expect((await ask(agent)).result).to.equal("pass");
    await appendFile(program.file, "\n");
    process.kill(agent.wrapper.pid!, "SIGKILL");
    await eventually(() => agent.wrapper.runs === 3);
    expect((await ask(agent)).result).to.equal("fail");
  });

  it("answers for the new version after an upgrade, and no longer for the old one", async () => {
    const program = await nodeProgram(await folder());
    const agent = await wrapped(program);
    await copyFile(program.file, join(program.root, "copy.mjs"));
    await appendFile(program.file, "// version 2\n");
    const next = await wrapped(program, { account: agent.account, signing: agent.signing });
    await agent.wrapper.upgrade({ ...next.wrapping, version: 2 });
    const upgraded = { ...agent, wrapping: next.wrapping, reference: { ...next.reference, url: agent.url } };
    expect((await ask(upgraded)).result).to.equal("pass");
    // Commissioned under the key of a version that is no longer there: it does not even measure.
    expect((await ask(agent)).result).to.equal("timeout");
  });
});
