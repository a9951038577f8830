import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { newEncryptionKeyPair } from "../../agent/sealing/hpke.ts";
import { TaskGiver } from "../../attestation/service/giveTask.ts";
import type { Reference } from "../../attestation/service/references.ts";
import type { Challenge } from "../../protocol/attestation/challenge.ts";
import type { TaskPlace } from "../../protocol/attestation/task.ts";
import { chainId, nativeProgram, wrap, type WrappedAgent } from "../../scripts/torture/attestation/wrapped.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const verdict = { result: 1, attempts: 1, evidenceHash: `0x${"ee".repeat(32)}`, signature: "0xee", evidence: null };
const service = `0x${"5e".repeat(20)}`;

describe("attestation/service: tasks", function () {
  this.timeout(120_000);
  const folder = tempFolders();
  let agent: WrappedAgent;
  let server: Server;
  let verifier: Reference;
  let tasks: TaskGiver;
  let challenges = 0;
  let isThere = true;

  before(async function () {
    if (process.platform !== "linux") this.skip();
    agent = await wrap(await nativeProgram(await folder()));
    server = createServer((request, response) => {
      answer(request).then(
        (body) => response.end(JSON.stringify(body)),
        () => response.writeHead(503).end(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    verifier = { ...agent.reference, url: `http://127.0.0.1:${port}` };
    tasks = new TaskGiver({
      account: service,
      chainId,
      keys: await newEncryptionKeyPair(),
      isSigningKey: () => Promise.resolve(true),
      allowPrivate: true,
    });
  });

  after(async () => {
    server?.close();
    await agent?.close();
  });

  async function answer(request: IncomingMessage): Promise<unknown> {
    const body = await text(request);
    if (request.url?.endsWith("/challenge") === true) {
      challenges++;
      return { evidence: await agent.wrapper.answer(JSON.parse(body) as Challenge) };
    }
    if (!isThere) throw new Error("the key is gone");
    return verdict;
  }

  const verify = (round: number) => {
    const seed = `0x${"5d".repeat(32)}` as const;
    const place: TaskPlace = {
      chainId,
      registry: `0x${"e5".repeat(20)}`,
      round,
      seed,
      target: agent.account.address,
      enrolment: 1,
      verifier: agent.account.address,
    };
    return tasks.verdictOf(verifier, agent.reference, place, `0x${"07".repeat(32)}`);
  };
  const asked = async (run: () => Promise<unknown>): Promise<number> => {
    const before = challenges;
    await run();
    return challenges - before;
  };

  it("asks a verifier for its key once a round, however many its targets are", async () => {
    expect(await asked(() => Promise.all([verify(1), verify(1), verify(1)]))).to.equal(1);
    expect(await asked(() => verify(1))).to.equal(0);
    expect(await asked(() => verify(2))).to.equal(1);
  });

  it("asks anew when the verifier could not do with the key, and at each introduction", async () => {
    isThere = false;
    expect(await asked(async () => expect(await rejectionCode(verify(2))).to.equal("ERR_UNAVAILABLE_TARGET"))).to.equal(
      0,
    );
    isThere = true;
    expect(await asked(() => verify(2))).to.equal(1);
    expect(await asked(async () => (await verify(0), verify(0)))).to.equal(2);
  });
});
