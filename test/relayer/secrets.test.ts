import { expect } from "chai";

import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { toHex } from "../../protocol/encoding/hex.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { registerCall } from "../helpers/world/registerCall.ts";
import { RelayerHome } from "../helpers/world/relayer.ts";
import { RelayerProcess } from "../helpers/world/relayerProcess.ts";
import { eventually } from "../helpers/eventually.ts";

describe("relayer: logs", () => {
  let chain: TestChain;
  let home: RelayerHome;

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
  });

  after(async () => {
    await home?.remove();
    await chain?.close();
  });

  it("hold no key, token, password or payload, at the most talkative level, also where things fail", async () => {
    const relayer = await RelayerProcess.start(home, {
      AFFIANT_LOG_LEVEL: "trace",
      AFFIANT_RPC_URL: `${chain.url}/?key=rpc-token-1,http://user:rpc-password-2@127.0.0.1:1/rpc-token-3`,
      REDIS_URL: "redis://operator:redis-password-4@127.0.0.1:1",
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://user:otel-password-5@127.0.0.1:1/otel-token-6",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=otel-token-7",
    });
    const actor = await Actor.registered(chain);
    const { leaf, disclosures } = await actor.sign({ input: "payload-8" });
    const authorization = { authorization: "Bearer bearer-9" };
    expect((await relayer.http.post("/v1/entries", { leaf, disclosures }, authorization)).status).to.equal(201);
    expect((await relayer.http.get("/v1/nothing?token=query-10")).status).to.equal(404);
    const call = await registerCall(chain);
    const { target, data } = call;
    await relayer.http.post("/v1/requests", { target, data }, { "idempotency-key": "k", ...authorization });
    await relayer.http.post("/v1/log/anchor");
    await eventually(async () => {
      await chain.mine(1);
      return (await relayer.http.get("/v1/log/anchors")).body.anchors.length === 1;
    });
    await eventually(() => relayer.log().includes("the collector takes no traces"));
    const answers = (await relayer.http.get("/readyz")).text + (await relayer.http.get("/metrics")).text;
    await relayer.end();
    const said = relayer.log() + answers;

    expect(relayer.log()).to.contain('"path":"/v1/entries"').and.to.contain("Redis does not answer");
    const senderKey = (await readFile(join(home.dir, "sender.key"), "utf8")).trim().slice(2);
    const noteKey = (await readFile(join(home.dir, "note.key"), "utf8")).split("\n")[1] ?? "";
    expect([senderKey.length, noteKey.length > 40]).to.deep.equal([64, true]);
    const keys = [senderKey, noteKey, actor.account.privateKey.slice(2), call.actor.account.privateKey.slice(2)];
    const given = ["token-", "password-", "payload-8", "bearer-9", "query-10", ...disclosures];
    for (const secret of [...keys, ...given]) expect(said.includes(secret), secret.slice(0, 8)).to.equal(false);
    expect(toHex(actor.key.publicKey)).to.have.lengthOf(66);
  });

  it("a relayer without Redis and collector loads neither", () => {
    const script = `
      import { registerHooks } from "node:module";
      const loaded = [];
      registerHooks({
        resolve(specifier, context, next) {
          const found = next(specifier, context);
          loaded.push(found.url);
          return found;
        },
      });
      await import("./relayer/startRelayer.ts");
      process.stdout.write(JSON.stringify(loaded));
      process.exit(0);`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
      timeout: 60_000,
    });
    expect(stdout, stderr).not.to.equal("");
    const loaded = JSON.parse(stdout) as string[];
    expect(loaded.some((url) => url.endsWith("/relayer/queue/embeddedQueue.ts"))).to.equal(true);
    // prom-client loads the bare @opentelemetry/api by itself.
    expect(loaded.filter((url) => /node_modules\/(@opentelemetry\/(?!api)|bullmq|ioredis)/.test(url))).to.deep.equal(
      [],
    );
  });
});
