/** A published client and a published server, with the gateway between them; nothing here plays a part of its own. */
import { createRequire } from "node:module";

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { expect } from "chai";

import { CachedRevocations, type RevocationSource } from "../../../agent/calls/revocations.ts";
import type { Act } from "../../../agent/entry/signEntry.ts";
import { allGates, contractGate, type Gate, policyGate, revocationGate } from "../../../adapters/mcp/gate.ts";
import { SdkPort } from "./sdkPort.ts";
import { ChildPort } from "../../../adapters/mcp/stdioPort.ts";
import { ToolGateway } from "../../../adapters/mcp/toolGateway.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";
import { memoryLedger } from "./memoryLedger.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { compilePolicy } from "../../../protocol/policy/compile.ts";
import { parsePolicyBundle } from "../../../protocol/policy/parseBundle.ts";
import { issueDelegation } from "../../../protocol/ucan/delegation.ts";

const serverScript = createRequire(import.meta.url).resolve("@modelcontextprotocol/server-everything/dist/index.js");
const holder = new SigningKey(new Uint8Array(32).fill(1));
const issuer = new SigningKey(new Uint8Array(32).fill(2));
const nowSec = 1_800_000_000;

const policy = compilePolicy(
  parsePolicyBundle({
    format: "affiant-policy/1",
    name: "small-sums",
    description: "Sums of small numbers, and echoes.",
    schema: `
      entity Agent; entity System;
      action "echo" appliesTo { principal: Agent, resource: System, context: {} };
      action "get-sum" appliesTo { principal: Agent, resource: System, context: { first?: Long } };
    `,
    policies: `
      @id("all") permit(principal, action, resource);
      @id("small") @rule("The first number is at most 100") @needs("first")
      forbid(principal, action == Action::"get-sum", resource) when { context has first && context.first > 100 };
    `,
    facts: { first: "input.a" },
    undecidable: [],
  }),
);

describe("adapters/mcp", () => {
  const opened: { close(): Promise<void> }[] = [];
  const folder = tempFolders();

  async function connect(gate: Gate, record?: (act: Act) => Promise<unknown>) {
    const problems: unknown[] = [];
    const memory = memoryLedger(await folder(), gate, record);
    const { entries } = memory;
    const [clientSide, gatewaySide] = InMemoryTransport.createLinkedPair();
    const gateway = new ToolGateway({
      client: new SdkPort(gatewaySide),
      server: await ChildPort.open({ program: process.execPath, args: [serverScript, "stdio"] }),
      ledger: memory.ledger,
      session: "session-1",
      onProblem: (problem) => problems.push(problem),
    });
    await gateway.start();
    const client = new Client({ name: "test", version: "1" });
    opened.push(gateway, client, memory);
    await client.connect(clientSide);
    return { client, gateway, entries, problems };
  }

  afterEach(async () => {
    for (const open of opened.splice(0)) await open.close();
  });

  const textOf = (result: unknown): string => (result as { content: { text: string }[] }).content[0]?.text ?? "";

  it("passes everything on, and enters each tool call with its result", async () => {
    const { client, entries, problems } = await connect(() => undefined);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).to.include("echo");
    expect((await client.listPrompts()).prompts).not.to.have.length(0);
    const result = await client.callTool({ name: "echo", arguments: { message: "hello" } });
    expect(textOf(result)).to.contain("hello");
    expect(entries).to.have.length(1);
    expect(entries[0]).to.deep.include({ act: "echo", kind: "act", input: { message: "hello" }, thread: "session-1" });
    expect((entries[0]?.output as { content: unknown }).content).to.deep.equal(result.content);
    expect(problems).to.deep.equal([]);
  });

  it("refuses what the policy forbids before the server hears of it", async () => {
    const { client, entries } = await connect(policyGate(policy, "did:ethr:0x1:0x01"));
    const allowed = await client.callTool({ name: "get-sum", arguments: { a: 100, b: 1 } });
    expect(textOf(allowed)).to.contain("101");
    const refused = await client.callTool({ name: "get-sum", arguments: { a: 101, b: 1 } });
    expect(refused.isError).to.equal(true);
    expect(textOf(refused)).to.contain("The first number is at most 100").and.to.contain("ERR_AUTH_POLICY");
    expect(entries.map(({ kind }) => kind)).to.deep.equal(["act", "refusal"]);
    expect(entries[1]?.output).to.deep.include({ refused: "ERR_AUTH_POLICY" });
  });

  it("refuses a tool that the policy does not know", async () => {
    const { client } = await connect(policyGate(policy, "did:ethr:0x1:0x01"));
    const refused = await client.callTool({ name: "get-env", arguments: {} });
    expect(textOf(refused)).to.contain("ERR_AUTH_POLICY");
  });

  it("refuses what the contract does not cover, naming the clause", async () => {
    const contract = await issueDelegation(
      {
        audience: holder.did,
        command: "/mcp/echo",
        policy: [["like", ".message", "public*"]],
        nonce: new Uint8Array(12),
        expiresAtSec: nowSec + 60,
      },
      issuer,
    );
    const terms = { chain: [contract], owner: issuer.did, holder: holder.did };
    let now = nowSec;
    const gate = contractGate({ ...terms, nowSec: () => now });
    const { client, entries } = await connect(allGates([gate]));
    const allowed = await client.callTool({ name: "echo", arguments: { message: "public notice" } });
    expect(allowed.isError).not.to.equal(true);
    const secret = await client.callTool({ name: "echo", arguments: { message: "secret" } });
    expect(textOf(secret)).to.contain('["like",".message","public*"]');
    const other = await client.callTool({ name: "get-sum", arguments: { a: 1, b: 1 } });
    expect(textOf(other)).to.contain("ERR_AUTH_CONTRACT_SCOPE");
    expect(entries.map(({ kind }) => kind)).to.deep.equal(["act", "refusal", "refusal"]);

    const call = { tool: "echo", args: { message: "public notice" }, index: 0 };
    const others = contractGate({ ...terms, holder: issuer.did, nowSec: () => nowSec });
    expect(await others(call, [])).to.deep.include({ code: "ERR_AUTH_CONTRACT_CHAIN" });
    now += 60;
    expect(await gate(call, [])).to.deep.include({ code: "ERR_AUTH_CONTRACT_TIME" });
  });

  it("cannot be made of a contract that its holder issued to itself", async () => {
    const claims = { audience: holder.did, command: "/", policy: [], nonce: new Uint8Array(12), expiresAtSec: null };
    const own = await issueDelegation(claims, holder);
    const terms = { chain: [own], holder: holder.did, nowSec: () => nowSec };
    expect(() => contractGate({ ...terms, owner: issuer.did }))
      .to.throw()
      .with.property("code", "ERR_AUTH_CONTRACT_CHAIN");
    expect(await contractGate({ ...terms, owner: holder.did })({ tool: "echo", args: {}, index: 0 }, [])).to.equal(
      undefined,
    );
  });

  it("refuses a call under a contract that the chain calls revoked, or says nothing about", async () => {
    const claims = { audience: holder.did, command: "/mcp/echo", policy: [], nonce: new Uint8Array(12) };
    const issuerAgent = formatEthrDid(31337n, "0x00000000000000000000000000000000000000aa");
    const contract = await issueDelegation({ ...claims, expiresAtSec: nowSec + 60, agent: issuerAgent }, issuer);
    const call = { tool: "echo", args: {}, index: 0 };
    const answer = (read: RevocationSource["read"]) =>
      revocationGate([contract], new CachedRevocations({ read }, 0), () => nowSec)(call, []);

    expect(await answer(() => Promise.resolve({ blockNumber: 7 }))).to.equal(undefined);
    const revoked = { link: 0, by: issuerAgent, blockNumber: 6 };
    expect(await answer(() => Promise.resolve({ blockNumber: 7, revoked }))).to.deep.equal({
      code: "ERR_AUTH_CONTRACT_REVOKED",
      detail: `revoked by ${issuerAgent} in block 6`,
    });
    expect(await answer(() => Promise.resolve({ blockNumber: 7, unboundLink: 0 }))).to.include({
      code: "ERR_AUTH_CONTRACT_CHAIN",
    });
    expect(await answer(() => Promise.reject(new Error("no chain")))).to.include({ code: "ERR_UNAVAILABLE_CHAIN" });
  });

  it("does not let through what could not be judged", async () => {
    const { client, entries } = await connect(() => Promise.reject(new Error("broken")));
    const refused = await client.callTool({ name: "echo", arguments: { message: "hello" } });
    expect(refused.isError).to.equal(true);
    expect(textOf(refused)).not.to.contain("broken");
    expect(entries.map(({ kind }) => kind)).to.deep.equal(["refusal"]);
  });

  it("hands no result out that is not on record", async () => {
    const { client } = await connect(
      () => undefined,
      () => Promise.reject(new Error("disk full")),
    );
    const failure = await client.callTool({ name: "echo", arguments: { message: "hello" } }).then(
      () => undefined,
      (error: unknown) => String(error),
    );
    expect(failure).to.contain("could not be put on record");
  });

  it("enters a call that was cancelled or never answered", async () => {
    const { client, gateway, entries } = await connect(() => undefined);
    const cancel = new AbortController();
    const long = { name: "trigger-long-running-operation", arguments: { duration: 30, steps: 30 } };
    const call = client.callTool(long, undefined, { signal: cancel.signal }).catch(() => undefined);
    const unanswered = client.callTool(long).catch(() => undefined);
    await client.ping();
    cancel.abort();
    await client.ping();
    await gateway.close();
    await Promise.all([call, unanswered]);
    // Nobody knows whether a call that was cancelled was made all the same.
    const unknown = { outcome: "unknown", why: "the session ended without an answer" };
    expect(entries.map(({ output }) => output)).to.deep.equal([unknown, unknown]);
  });
});
