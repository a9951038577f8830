/** A process of its own for what is attacked beside the relayer: `served.ts wrapper|attestation|agent`. Prints its URL and the DID it answers for. */
import { createServer } from "node:http";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomBytes } from "node:crypto";

import { Wallet } from "ethers";
import express from "express";
import { pino } from "pino";

import { Guard } from "../../../agent/calls/guard.ts";
import { SqliteReplayStore } from "../../../agent/calls/replayStore.ts";
import { CachedRevocations } from "../../../agent/calls/revocations.ts";
import { guarded } from "../../../agent/calls/serveCall.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { newEncryptionKeyPair } from "../../../agent/sealing/hpke.ts";
import { Enrolments } from "../../../attestation/service/enrolments.ts";
import { References } from "../../../attestation/service/references.ts";
import { SealedStore } from "../../../attestation/service/sealedStore.ts";
import { serviceServer, type ServiceServerOptions } from "../../../attestation/service/serviceServer.ts";
import { Tickets } from "../../../attestation/service/tickets.ts";
import { Verifier } from "../../../attestation/verifier/verifier.ts";
import { serveAttestation } from "../../../attestation/wrap/attestationServer.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { chainId, nativeProgram, wrap } from "../attestation/wrapped.ts";

const registry = `0x${"11".repeat(20)}`;
const nowSec = (): number => Math.floor(Date.now() / 1_000);

async function wrapper(folder: string) {
  const agent = await wrap(await nativeProgram(join(folder, "program")));
  const verifier = new Verifier({
    account: agent.account,
    chainId,
    registry,
    encryptionKeys: agent.wrapper.encryptionKeys,
    servicePublicKey: agent.wrapping.servicePublicKey,
    isSigningKey: () => Promise.resolve(false),
  });
  const { url } = await serveAttestation({ wrapper: agent.wrapper, verifier });
  return { url, did: agent.wrapping.agent };
}

/** The service's own routes, tickets and references; what it would ask the chain is answered at once. */
async function attestation(folder: string) {
  const store = await SealedStore.open(join(folder, "store"), join(folder, "store.key.json"));
  const standing = {
    status: "none",
    enrolment: 0,
    version: 0,
    commitment: `0x${"00".repeat(32)}`,
    sinceBlock: 0,
    round: 0,
  };
  const reader = { address: registry, standing: () => Promise.resolve(standing) };
  const enrolments = new Enrolments({
    ...{ references: new References(store), tickets: new Tickets(store), registry: reader, chainId },
    keys: await newEncryptionKeyPair(),
    isSigningKey: () => Promise.resolve(false),
    onAlert: () => undefined,
  } as unknown as ConstructorParameters<typeof Enrolments>[0]);
  const watch = { report: () => ({ late: [], block: 1, round: null }) };
  const metrics = { contentType: "text/plain", text: () => Promise.resolve("") };
  const server = serviceServer({
    ...{ enrolments, watch, metrics, registry: reader, token: randomBytes(32).toString("hex") },
    ...{ hasten: () => undefined, url: () => "", host: "127.0.0.1", names: [], logger: pino({ level: "silent" }) },
  } as unknown as ServiceServerOptions);
  return { url: await listening(server), did: formatEthrDid(BigInt(chainId), Wallet.createRandom().address) };
}

async function agent(folder: string) {
  const key = new SigningKey(randomBytes(32));
  const guard = new Guard({
    executor: key.did,
    replayStore: new SqliteReplayStore(join(folder, "calls.db")),
    revocations: new CachedRevocations({ read: () => Promise.reject(new Error("no chain")) }, 10),
    nowSec,
  });
  const app = express();
  app.get("/healthz", (_request, response) => void response.json({ ok: true }));
  const recorder = { record: () => Promise.resolve(undefined as never) };
  app.post(
    "/call",
    express.json({ limit: 300_000 }),
    guarded({ guard, recorder, command: "/call", handler: () => null }),
  );
  app.use(
    (
      error: { status?: number },
      _request: express.Request,
      response: express.Response,
      _next: express.NextFunction,
    ) => {
      response.status(error.status ?? 500).end();
    },
  );
  return {
    url: await listening(createServer(app)),
    did: formatEthrDid(BigInt(chainId), Wallet.createRandom().address),
  };
}

function listening(server: ReturnType<typeof createServer>): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(`http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`);
    });
  });
}

const programs = { wrapper, attestation, agent };
const name = process.argv[2] as keyof typeof programs;
const served = await programs[name](await mkdtemp(join(tmpdir(), "affiant-strangers-")));
process.stdout.write(`${JSON.stringify(served)}\n`);
process.on("SIGTERM", () => process.exit(0));
