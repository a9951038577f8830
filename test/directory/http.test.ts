/* eslint-disable @typescript-eslint/no-explicit-any -- answers are looked into, member by member */
import { expect } from "chai";

import { Follower } from "../../directory/chain/follower.ts";
import { ChainSource } from "../../directory/chain/source.ts";
import { Catalog } from "../../directory/discovery/catalog.ts";
import { openApiOf } from "../../directory/http/openapi.ts";
import { operations, serveDirectory, type ServedDirectory } from "../../directory/http/server.ts";
import { SqliteStore } from "../../directory/store/sqliteStore.ts";
import { verifyAnswer } from "../../directory/verify/verifyAnswer.ts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { StubChain, StubEndpoint } from "../helpers/directory/stubChain.ts";
import {
  addressOf,
  logOf,
  syntheticContracts,
  syntheticDeployment,
  wordOf,
  zeroPadRight,
} from "../helpers/directory/syntheticEvents.ts";
import { readFile } from "node:fs/promises";
import { Commands } from "../../directory/commands/commands.ts";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const chainId = 31_337;
const [alice, bob] = [addressOf(1), addressOf(2)];
const refund = zeroPadRight("payment.refund");

/** Trusted until block 1,000, vouched for by nobody alone: kind passed, status trusted. */
const passed = (enrolment: bigint, block: bigint) =>
  enrolment | (4n << 24n) | (2n << 32n) | (block << 40n) | (1_000n << 80n);

const card = {
  name: "Refunds of Alice",
  description: "Pays money back in EUR",
  provider: { organization: "Shop" },
  skills: [{ name: "Refund", tags: ["payment.refund"], examples: ["refund in EUR", "give money back"] }],
  capabilities: {
    extensions: [
      {
        uri: "urn:affiant:a2a:offer:1",
        params: { price: { amount: 2, currency: "EUR", per: "call" }, regions: ["DE"] },
      },
    ],
  },
};

describe("directory: questions over HTTP", () => {
  let chain: StubChain;
  let endpoint: StubEndpoint;
  let source: ChainSource;
  let store: SqliteStore;
  let catalog: Catalog;
  let follower: Follower;
  let server: ServedDirectory;

  beforeEach(async () => {
    chain = new StubChain(chainId);
    endpoint = await StubEndpoint.start(chain);
    endpoint.faults.finalized = 2;
    source = new ChainSource(chainId, [{ url: endpoint.url, attempts: 2, firstPauseMs: 1 }]);
    store = new SqliteStore(":memory:");
    catalog = new Catalog(":memory:", store);
    follower = new Follower({ chainId, store, source, contracts: syntheticContracts });
    chain.add([
      logOf("agentRegistry", "AgentRegistered", [alice]),
      logOf("agentRegistry", "DIDAttributeChanged", [
        alice,
        zeroPadRight("did/pub/Ed25519/veriKey/base58"),
        wordOf(9),
        1,
        0,
      ]),
      logOf("agentRegistry", "AgentRegistered", [bob]),
    ]);
    chain.add([
      logOf("policyRegistry", "PolicyCommitted", [alice, 1, wordOf(7)]),
      logOf("attestationRegistry", "AttestationRecorded", [alice, 1, 1, passed(1n, 2n), [], wordOf(3)]),
      logOf("attestationRegistry", "AgentEnrolled", [alice, 1, 1, wordOf(4), bob, 0]),
      logOf("agentRegistry", "CardPublished", [alice, "https://alice.example/card.json", wordOf(5), [refund]]),
      logOf("agentRegistry", "CapabilityDeclared", [refund, alice, wordOf(5)]),
    ]);
    chain.add([]);
    chain.add([]);
    await follower.catchUp();
    server = await serveDirectory({ store, chainId, catalog }, { host: "127.0.0.1", port: 0 });
  });

  afterEach(async () => {
    await server.close();
    source.close();
    catalog.close();
    await store.close();
    await endpoint.close();
  });

  async function get(path: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${server.url}${path}`, { headers });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === "" ? undefined : JSON.parse(text)) as any,
    };
  }

  async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: (await response.json()) as any };
  }

  it("answers who an agent is at a block, and names block, hash and finality", async () => {
    const { status, body } = await get(`/v1/agents/${alice}`);
    expect(status).to.equal(200);
    expect(body.block).to.deep.equal({ chainId, number: 4, hash: chain.head.hash, asOf: 4, finality: "latest" });
    expect(body.data).to.deep.include({
      did: `did:ethr:0x7a69:${alice}`,
      owner: alice,
      isActive: true,
      signingKeys: [{ key: wordOf(9), addedAtBlock: 1 }],
      policy: { policyHash: wordOf(7), version: 1, sinceBlock: 2 },
      card: { uri: "https://alice.example/card.json", contentHash: wordOf(5), capabilities: ["payment.refund"] },
    });
    expect(body.data.trust).to.deep.include({ status: "trusted", isTrusted: true, tier: "software", operator: bob });
    const before = await get(`/v1/agents/${alice}?asOf=1`);
    expect(before.body.block).to.deep.include({ asOf: 1, finality: "finalized" });
    expect(before.body.data).to.deep.include({ policy: null, card: null });
    expect(before.body.data.trust.status).to.equal("none");
  });

  it("answers every operation in the form that its description promises", async () => {
    await catalog.refresh(chainId, async () => ({ outcome: "holds", detail: "", signedBy: [], card }), 1);
    const ajv = new Ajv2020({ strict: false });
    const paths = [
      "/v1/status",
      "/v1/state",
      "/v1/agents",
      "/v1/agents?capability=payment.refund",
      `/v1/agents/${alice}`,
      "/v1/rows/policies?limit=1",
      `/v1/rows/policies/${alice}`,
      "/v1/search?q=refund%20in%20EUR&trusted=true",
      "/.well-known/ard.json",
      "/.well-known/ai-catalog.json",
    ];
    const described = operations.filter(({ method, path }) => method === "GET" && path !== "/v1/commands");
    expect(paths.map((path) => path.split("?")[0])).to.have.length.at.least(described.length);
    for (const path of paths) {
      const { status, body } = await get(path);
      expect(status, path).to.equal(200);
      const found = described.find(({ path: pattern }) =>
        new RegExp(
          `^${pattern
            .replace(/\./g, "\\.")
            .replace("{rest}", ".+")
            .replace(/\{\w+\}/g, "[^/]+")}$`,
        ).test(path.split("?")[0] ?? ""),
      );
      const check = ajv.compile(found?.answer ?? false);
      expect(check(body), `${path}: ${ajv.errorsText(check.errors)}`).to.equal(true);
    }
    expect(openApiOf(operations)).to.have.nested.property("paths./search.post.requestBody");
  });

  it("refuses what is not of the described form, each by its code", async () => {
    const codes = async (path: string) => {
      const { status, body } = await get(path);
      return [status, body.code];
    };
    expect(await codes(`/v1/agents/${alice.toUpperCase()}`)).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await codes(`/v1/agents/${alice}?asof=1`)).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await codes(`/v1/agents/${alice}?asOf=1&asOf=2`)).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await codes(`/v1/agents/${alice}?asOf=-1`)).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await codes(`/v1/agents/${alice}?asOf=5`)).to.deep.equal([404, "ERR_NOT_FOUND_BLOCK"]);
    expect(await codes(`/v1/agents/${alice}?atLeast=5`)).to.deep.equal([503, "ERR_UNAVAILABLE_CHAIN"]);
    expect(await codes(`/v1/agents/${addressOf(3)}`)).to.deep.equal([404, "ERR_NOT_FOUND_RECORD"]);
    expect(await codes("/v1/rows/secrets")).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await codes("/v1/nothing")).to.deep.equal([404, "ERR_NOT_FOUND_ROUTE"]);
  });

  it("pages by cursor, and sends the same answer once", async () => {
    const first = await get("/v1/agents?limit=1");
    expect([first.body.data, first.body.next]).to.deep.equal([[alice], alice]);
    const second = await get(`/v1/agents?limit=1&after=${first.body.next}`);
    expect(second.body.data).to.deep.equal([bob]);
    const etag = first.headers.get("etag") ?? "";
    expect((await get("/v1/agents?limit=1", { "if-none-match": etag })).status).to.equal(304);
    chain.add([logOf("agentRegistry", "AgentRegistered", [addressOf(0)])]);
    await follower.catchUp();
    expect((await get("/v1/agents?limit=1", { "if-none-match": etag })).status).to.equal(200);
  });

  it("streams what came and what was taken back, from where a reader left off", async () => {
    const listening = await fetch(`${server.url}/v1/changes?after=0`);
    const reader = (listening.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream() as never)
      .getReader();
    let seen = "";
    const until = async (text: string) => {
      while (!seen.includes(text)) seen += ((await reader.read()) as { value: string }).value;
    };
    await until(`"number":2`);
    chain.add([logOf("agentRegistry", "AgentRegistered", [addressOf(4)])]);
    await follower.catchUp();
    const gone = chain.head.hash;
    chain.takeBack(1);
    await follower.catchUp();
    chain.add([]);
    chain.add([]);
    await follower.catchUp();
    await until("event: undo");
    await until(gone);
    expect(seen.match(/event: \w+/g)).to.deep.equal(["event: block", "event: block", "event: block", "event: undo"]);
    await reader.cancel();
  });

  it("finds agents by what a checked card says and the chain proves", async () => {
    const asked: unknown[] = [];
    await catalog.refresh(
      chainId,
      async (named) => {
        asked.push(named);
        return { outcome: "holds", detail: "good", signedBy: [], card };
      },
      1,
    );
    expect(asked).to.deep.equal([
      {
        uri: "https://alice.example/card.json",
        contentHash: wordOf(5),
        capabilities: ["payment.refund"],
        signingKeys: [wordOf(9)],
      },
    ]);
    const found = async (query: string) => {
      const { body } = await get(`/v1/search?${query}`);
      return body.data.map(({ chain: { agent } }: any) => agent);
    };
    expect(await found("q=refund+in+EUR&trusted=true&tier=software&region=de&maxPrice=2&currency=EUR")).to.deep.equal([
      alice,
    ]);
    for (const not of ["q=weather", "q=refund&tier=tee", "q=refund&region=FR", "q=refund&maxPrice=1", "q=%22+OR+*"]) {
      expect(await found(not), not).to.deep.equal([]);
    }
  });

  it("finds nothing of a card that does not hold, nor under one that was replaced", async () => {
    await catalog.refresh(chainId, async () => ({ outcome: "fails", detail: "not signed", signedBy: [], card }), 1);
    expect((await get("/v1/search?q=refund")).body.data).to.deep.equal([]);
    await catalog.refresh(chainId, async () => ({ outcome: "holds", detail: "", signedBy: [], card }), 1e9);
    expect((await get("/v1/search?q=refund")).body.data).to.have.length(1);
    chain.add([logOf("agentRegistry", "CardPublished", [alice, "https://alice.example/2.json", wordOf(6), []])]);
    await follower.catchUp();
    expect((await get("/v1/search?q=refund")).body.data).to.deep.equal([]);
  });

  it("finds a card that is away for a while, and no longer once its agent's keys are others", async () => {
    const away = async () => ({ outcome: "unproven" as const, detail: "no answer", signedBy: [] });
    await catalog.refresh(chainId, async () => ({ outcome: "holds", detail: "", signedBy: [], card }), 1);
    await catalog.refresh(chainId, away, 1e9);
    expect((await get("/v1/search?q=refund")).body.data).to.have.length(1);
    chain.add([
      logOf("agentRegistry", "DIDAttributeChanged", [
        alice,
        zeroPadRight("did/pub/Ed25519/veriKey/base58"),
        wordOf(10),
        1,
        0,
      ]),
    ]);
    await follower.catchUp();
    expect(await catalog.refresh(chainId, away, 1e9 + 1)).to.equal(1);
    expect((await get("/v1/search?q=refund")).body.data).to.deep.equal([]);
  });

  it("speaks ARD and AI Catalog, as the project's own schema has them", async () => {
    await catalog.refresh(chainId, async () => ({ outcome: "holds", detail: "", signedBy: [], card }), 1);
    const schema = JSON.parse(await readFile("test/fixtures/ard/ai-catalog.schema.json", "utf8")) as { $id: string };
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    const isManifest = ajv.compile(schema);
    const isEntry = ajv.compile({ $ref: `${schema.$id}#/$defs/catalogEntry` });
    for (const path of ["/.well-known/ard.json", "/.well-known/ai-catalog.json"]) {
      const { body } = await get(path);
      expect(isManifest(body), ajv.errorsText(isManifest.errors)).to.equal(true);
      expect(body.entries).to.have.length(2);
    }
    const type = "application/a2a-agent-card+json";
    const query = { text: "refund in EUR", filter: { type: [type], "metadata.affiant.trusted": "true" } };
    const { status, body } = await post("/search", { query, pageSize: 5 });
    expect(status).to.equal(200);
    expect(body.results).to.have.length(1);
    const [{ score, source: from, ...entry }] = body.results;
    expect(isEntry(entry), ajv.errorsText(isEntry.errors)).to.equal(true);
    expect([score, from]).to.deep.equal([100, `${server.url}/`]);
    expect(entry).to.deep.include({ type, url: "https://alice.example/card.json", displayName: "Refunds of Alice" });
    expect((await post("/search", { query: { text: "refund", filter: { colour: "red" } } })).body.code).to.equal(
      "ERR_INPUT_MALFORMED",
    );
    expect(
      (await post("/search", { query: { text: "refund", filter: { type: "application/x" } } })).body.results,
    ).to.deep.equal([]);
    expect((await post("/search", { query: {} })).status).to.equal(400);
  });

  it("has each answer checked against the chain, by one who believes nobody", async () => {
    const { body } = await get(`/v1/agents/${alice}?asOf=2`);
    const check = (answer: unknown) => verifyAnswer(answer, { chainId, source, contracts: syntheticContracts });
    expect(await check(body)).to.deep.include({ outcome: "holds" });
    expect(await check((await get("/v1/state")).body)).to.deep.include({ outcome: "holds" });
    const lied = structuredClone(body);
    lied.data.policy.version = 2;
    expect(await check(lied)).to.deep.include({ outcome: "fails" });
    const elsewhere = structuredClone(body);
    elsewhere.block.hash = wordOf(1);
    expect(await check(elsewhere)).to.deep.include({ outcome: "fails" });
    const final = structuredClone(body);
    final.block.asOf = 4;
    expect(await check(final)).to.deep.include({ outcome: "fails" });
  });

  it("passes typed commands on to the relayer, under the caller's key", async () => {
    const taken: { url: string; key: unknown; body: any }[] = [];
    const relayer = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk) => (text += String(chunk)));
      request.on("end", () => {
        taken.push({ url: request.url ?? "", key: request.headers["idempotency-key"], body: JSON.parse(text) });
        response.writeHead(202, { "content-type": "application/json" }).end(`{"id":"r1","state":"accepted"}`);
      });
    });
    await new Promise<void>((resolve) => relayer.listen(0, "127.0.0.1", resolve));
    const relayerUrl = `http://127.0.0.1:${(relayer.address() as AddressInfo).port}`;
    const commands = new Commands({ deployment: syntheticDeployment, relayerUrl });
    const served = await serveDirectory({ store, chainId, commands }, { host: "127.0.0.1", port: 0 });
    const send = async (name: string, body: unknown, headers: Record<string, string>) => {
      const response = await fetch(`${served.url}/v1/commands/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: (await response.json()) as any };
    };
    const args = { agent: alice, policyHash: wordOf(7), nonce: "0", deadline: 9, signature: "0x1234" };
    const key = { "idempotency-key": "command-1" };
    const accepted = await send("policyRegistry.commit", args, key);
    expect(accepted).to.deep.equal({
      status: 202,
      body: { id: "r1", state: "accepted", followUrl: `${relayerUrl}/v1/requests/r1` },
    });
    expect(taken[0]).to.deep.include({ url: "/v1/requests", key: "command-1" });
    expect(taken[0]?.body.target).to.equal(syntheticDeployment.contracts.policyRegistry.address);
    expect((await send("policyRegistry.commit", args, {})).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await send("policyRegistry.commit", { ...args, policyHash: "0x12" }, key)).body.code).to.equal(
      "ERR_INPUT_MALFORMED",
    );
    expect((await send("policyRegistry.commit", { ...args, more: 1 }, key)).body.code).to.equal("ERR_INPUT_MALFORMED");
    expect((await send("policyRegistry.drop", args, key)).body.code).to.equal("ERR_NOT_FOUND_ROUTE");
    expect(taken).to.have.length(1);
    await served.close();
    await new Promise((resolve) => relayer.close(resolve));
  });
});
