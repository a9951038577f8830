import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

import { AbiCoder, Interface, toBeHex } from "ethers";

import { formatKeyDid } from "../../../protocol/did/key.ts";
import type { Deployment } from "../../../protocol/deployment.ts";
import { canonicalJsonBytes } from "../../../protocol/json/canonical.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { issueDelegation } from "../../../protocol/ucan/delegation.ts";
import { issueInvocation } from "../../../protocol/ucan/invocation.ts";
import { formatCall } from "../../../protocol/ucan/callMessage.ts";
import type { Service, StrangersCase, StrangersRequest } from "./endpoints.ts";

/** What a stranger can read of the system that it attacks. */
export interface Target {
  readonly deployment: Deployment;
  readonly block: { readonly blockHash: string; readonly blockNumber: number };
  /** Leaves that are in the log. */
  readonly known: readonly string[];
  readonly entryId: string;
  readonly did: string;
}

const hex = (bytes: number) => `0x${randomBytes(bytes).toString("hex")}`;
const json = { "content-type": "application/json" };
const post = (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): StrangersRequest => ({
  method: "POST",
  path,
  headers: { ...json, ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});
const get = (path: string): StrangersRequest => ({ method: "GET", path });
const simply = (path: string): readonly StrangersCase[] => [{ what: "as it is", request: () => get(path) }];

function freshKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const bytes = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
  return { publicKey: bytes, sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)) };
}

/** An entry that is well formed and well signed, by a key that nobody knows. */
function selfSigned(target: Target, padding = 0): string {
  const key = freshKey();
  const iss = `did:ethr:0x${target.deployment.chainId.toString(16)}:${hex(20)}`;
  const digest = () => randomBytes(32).toString("base64url");
  const _sd = Array.from({ length: Math.min(16, 1 + padding) }, digest).sort();
  const nb = {
    blockHash: target.block.blockHash,
    blockNumber: target.block.blockNumber,
    chainId: target.deployment.chainId,
  };
  const policy = `0x${"ab".repeat(32)}`;
  const rest = { _sd, _sd_alg: "sha-256", act: "x", iat: 1, iss, kind: "act", nb, policy, prev: null, seq: 0 };
  const header = { alg: "EdDSA", kid: formatKeyDid(key.publicKey), typ: "affiant-entry+sd-jwt" };
  const text = [header, rest].map((part) => Buffer.from(canonicalJsonBytes(part)).toString("base64url")).join(".");
  return `${text}.${Buffer.from(key.sign(Buffer.from(text))).toString("base64url")}`;
}

/** Bodies that are costly to read, whatever they should have been. */
const unreadable = (path: string, method = "POST"): readonly StrangersCase[] => {
  const send = (body: string) => ({ ...post(path, body, { "idempotency-key": hex(8) }), method });
  return [
    { what: "a megabyte of opening brackets", request: () => send("[".repeat(1_000_000)) },
    { what: "200 kB of opening brackets", request: () => send("[".repeat(200_000)) },
    {
      what: "250 kB of keys",
      request: () => send(`{${Array.from({ length: 20_000 }, (_, i) => `"k${i}":0`).join()}}`),
    },
  ];
};

/** Calldata whose arrays all point at the same bytes: decoded it is larger than it is long, times the number of arrays. */
function abiBomb(deployment: Deployment): StrangersRequest {
  const registry = new Interface(agentRegistryAbi);
  const carried = registry.getFunction("setCardSigned");
  const inner = AbiCoder.defaultAbiCoder().encode(["bytes32[]"], [Array.from({ length: 2_000 }, () => hex(32))]);
  const data = `${carried?.selector ?? "0x00000000"}${toBeHex(32, 32).slice(2).repeat(1_500)}${inner.slice(2)}`.slice(
    0,
    260_000,
  );
  const { address } = deployment.contracts.agentRegistry;
  return post(
    "/v1/requests",
    { target: address, data: data.length % 2 === 0 ? data : `${data}0` },
    { "idempotency-key": hex(8) },
  );
}

async function calls(): Promise<readonly string[]> {
  const made: string[] = [];
  const nowSec = Math.floor(Date.now() / 1_000);
  for (let i = 0; i < 48; i++) {
    const me = freshKey();
    const subject = formatKeyDid(me.publicKey);
    const pattern = `*${"a".repeat(900)}b*`;
    const chain = await Promise.all(
      Array.from({ length: 8 }, () =>
        issueDelegation(
          {
            ...{ audience: subject, subject, command: "/", nonce: randomBytes(12), expiresAtSec: nowSec + 300 },
            ...{ policy: Array.from({ length: 8 }, () => ["like", ".t", pattern] as const) as never },
            agent: `did:ethr:0x7a69:0x${"11".repeat(20)}`,
          },
          me,
        ),
      ),
    );
    const invocation = await issueInvocation(
      {
        ...{ subject, executor: subject, command: "/call", args: { t: `${"a".repeat(20_000)}b` } },
        ...{ proofs: chain.map((link) => link.envelope.cid), nonce: randomBytes(12), expiresAtSec: nowSec + 60 },
      },
      me,
    );
    made.push(JSON.stringify(formatCall(invocation, chain)));
  }
  return made;
}

/** For every endpoint, by the name that its service has for it. */
export async function strangersCases(
  target: Target,
): Promise<Readonly<Record<Service, Readonly<Record<string, readonly StrangersCase[]>>>>> {
  const { deployment, entryId, did } = target;
  const signed = await calls();
  const ofCalls = (path: string): readonly StrangersCase[] => [
    {
      what: "eight contracts with eight patterns each, signed by nobody we know",
      request: (i) => post(path, signed[i % signed.length] ?? ""),
    },
    {
      what: "32 contracts of noise",
      request: () =>
        post(path, {
          invocation: randomBytes(2_000).toString("base64url"),
          contracts: Array.from({ length: 32 }, () => randomBytes(2_000).toString("base64url")),
        }),
    },
    ...unreadable(path),
  ];
  const group = `/v1/groups/0x${"1a".repeat(32)}/keys/0x${"2b".repeat(32)}`;
  const sealedKeys = () => ({
    ...{
      epoch: 1,
      membersRoot: hex(32),
      publisher: hex(20),
      deadlineSec: Math.floor(Date.now() / 1_000) + 60,
      signature: `${hex(64)}1b`,
    },
    keys: Array.from({ length: 256 }, () => ({
      holder: hex(20),
      sealed: hex(113),
      merkleProof: Array.from({ length: 32 }, () => hex(32)),
    })),
  });
  const bundle = (i: number) =>
    Buffer.from(JSON.stringify({ format: "affiant-policy/1", i, policies: '"\\"'.repeat(200_000) }).slice(0, 990_000));
  const challenge = () => ({ round: 1, target: did, verifier: did, nonce: hex(32), commission: hex(32) });
  const address = hex(20);
  const task = () => ({
    place: {
      chainId: deployment.chainId,
      registry: deployment.contracts.attestationRegistry.address,
      round: 1,
      seed: hex(32),
      target: address,
      enrolment: 1,
      verifier: did.split(":").at(-1),
    },
    enc: hex(32),
    ciphertext: hex(4_000),
  });
  const manifest = {
    format: "affiant-manifest/1",
    platform: "linux-x64",
    command: [],
    environment: {},
    files: [],
    memory: { compared: true, altered: [], anonymousCode: false },
  };
  const enrolment = () => ({
    request: { agent: did, manifest, replyKey: hex(32), ticket: hex(32), url: "http://127.0.0.1:1" },
    key: formatKeyDid(freshKey().publicKey),
    signature: hex(64),
  });
  return {
    relayer: {
      "POST /v1/entries": [
        { what: "well signed by an unknown key", request: () => post("/v1/entries", { leaf: selfSigned(target, 15) }) },
        { what: "64 kB of a leaf", request: () => post("/v1/entries", { leaf: `${"A".repeat(60_000)}.B.C` }) },
        {
          what: "a megabyte of disclosures",
          request: () => post("/v1/entries", { leaf: selfSigned(target), disclosures: ["A".repeat(1_000_000)] }),
        },
        {
          what: "300,000 disclosures",
          request: () => post("/v1/entries", { leaf: selfSigned(target), disclosures: Array(300_000).fill("") }),
        },
        ...unreadable("/v1/entries"),
      ],
      "POST /v1/entries:batch": [
        {
          what: "256 well signed by 256 unknown keys",
          request: () =>
            post("/v1/entries:batch", { entries: Array.from({ length: 256 }, () => ({ leaf: selfSigned(target) })) }),
        },
        {
          what: "256 that are in the log",
          request: () => post("/v1/entries:batch", { entries: target.known.map((leaf) => ({ leaf })) }),
        },
        {
          what: "256 of 4 kB of noise",
          request: () =>
            post("/v1/entries:batch", {
              entries: Array.from({ length: 250 }, () => ({ leaf: `${"A".repeat(4_000)}.B.C` })),
            }),
        },
        ...unreadable("/v1/entries:batch"),
      ],
      "GET /v1/entries/{entryId}": [
        { what: "one that is there", request: () => get(`/v1/entries/${entryId}`) },
        { what: "one that is not", request: () => get(`/v1/entries/${hex(32)}`) },
      ],
      "GET /v1/entries/{entryId}/receipt": [
        { what: "one that is there", request: () => get(`/v1/entries/${entryId}/receipt`) },
      ],
      "POST /v1/entries/{entryId}/disclosures:read": ofCalls(`/v1/entries/${entryId}/disclosures:read`),
      "POST /v1/entries/{entryId}/disclosures:erase": ofCalls(`/v1/entries/${entryId}/disclosures:erase`),
      "GET /v1/agents/{did}/head": [{ what: "of an agent with entries", request: () => get(`/v1/agents/${did}/head`) }],
      "GET /v1/agents/{did}/entries": [
        { what: "as many as there may be", request: () => get(`/v1/agents/${did}/entries?from=0&limit=1000`) },
      ],
      "GET /v1/agents/{did}/equivocations": simply(`/v1/agents/${did}/equivocations`),
      "GET /v1/log": simply("/v1/log"),
      "GET /v1/log/checkpoint": simply("/v1/log/checkpoint"),
      "GET /v1/log/tile/{path}": [
        { what: "a full bundle of entries", request: () => get("/v1/log/tile/entries/000") },
        { what: "a full tile", request: () => get("/v1/log/tile/0/000") },
        { what: "a path of 8 kB", request: () => get(`/v1/log/tile/0/${"x000/".repeat(1_600)}000`) },
      ],
      "GET /v1/log/entries/{index}": simply("/v1/log/entries/0"),
      "GET /v1/log/proof/inclusion": simply("/v1/log/proof/inclusion?index=0"),
      "GET /v1/log/proof/consistency": simply("/v1/log/proof/consistency?from=1"),
      "GET /v1/log/anchors": simply("/v1/log/anchors?from=0&limit=1000"),
      "POST /v1/log/anchor": [
        { what: "without the token", request: () => post("/v1/log/anchor", "{}") },
        ...unreadable("/v1/log/anchor"),
      ],
      "GET /v1/events": [{ what: "more readers than one address may have", request: () => get("/v1/events") }],
      "GET /v1/policies/{hash}": [{ what: "one that is not there", request: () => get(`/v1/policies/${hex(32)}`) }],
      "PUT /v1/policies/{hash}": [
        {
          what: "a megabyte that nobody has committed to",
          request: (i) => {
            const body = bundle(i);
            const hash = createHash("sha256").update(body).digest("hex");
            return { method: "PUT", path: `/v1/policies/0x${hash}?agent=${hex(20)}`, headers: json, body };
          },
        },
      ],
      "PUT /v1/groups/{group}/keys/{keyCommitment}": [
        {
          what: "256 keys, 32 nodes each, signed by nobody",
          request: () => ({ ...post(group, sealedKeys()), method: "PUT" }),
        },
        ...unreadable(group, "PUT"),
      ],
      "POST /v1/groups/{group}/keys/{keyCommitment}/{holder}:read": ofCalls(`${group}/${address}:read`),
      "POST /v1/groups/{group}/keys/{keyCommitment}/recovery/{requestId}:read": ofCalls(
        `${group}/recovery/0x${"3c".repeat(32)}:read`,
      ),
      "POST /v1/requests": [
        { what: "arrays that all point at one", request: () => abiBomb(deployment) },
        {
          what: "125 kB of calldata",
          request: () =>
            post(
              "/v1/requests",
              {
                target: deployment.contracts.agentRegistry.address,
                data: `${new Interface(agentRegistryAbi).getFunction("registerSigned")?.selector ?? ""}${"00".repeat(125_000)}`,
              },
              { "idempotency-key": hex(8) },
            ),
        },
        ...unreadable("/v1/requests"),
      ],
      "GET /v1/requests/{id}": [{ what: "one that is not there", request: () => get(`/v1/requests/${hex(16)}`) }],
      "POST /v1/proofs/key-ownership": [
        {
          what: "a proof of noise",
          request: () =>
            post("/v1/proofs/key-ownership", {
              claim: { agent: hex(20), commitment: "1", recipient: hex(20), nonce: "0", deadline: "4000000000" },
              proof: `0x${"01".repeat(256)}`,
              signature: hex(65),
            }),
        },
        ...unreadable("/v1/proofs/key-ownership"),
      ],
      "GET /healthz": simply("/healthz"),
      "GET /readyz": simply("/readyz"),
      "GET /metrics": simply("/metrics"),
      "GET /openapi.json": simply("/openapi.json"),
      "GET /docs": simply("/docs"),
      "GET /docs/style.css": simply("/docs/style.css"),
    },
    wrapper: {
      "POST /v1/attestation/challenge": [
        { what: "a challenge of anybody", request: () => post("/v1/attestation/challenge", challenge()) },
        ...unreadable("/v1/attestation/challenge"),
      ],
      "POST /v1/attestation/verify": [
        { what: "a task that nobody sealed", request: () => post("/v1/attestation/verify", task()) },
        ...unreadable("/v1/attestation/verify"),
      ],
      "GET /v1/attestation/evidence/*": [
        { what: "evidence that was not given", request: () => get(`/v1/attestation/evidence/${hex(32)}`) },
      ],
      "GET /healthz": simply("/healthz"),
    },
    attestation: {
      "POST /v1/attestation/tickets": [
        { what: "without the token", request: () => post("/v1/attestation/tickets", "x".repeat(60_000)) },
        ...unreadable("/v1/attestation/tickets"),
      ],
      "POST /v1/attestation/enrolments": [
        {
          what: "with a ticket that was never given out",
          request: () => post("/v1/attestation/enrolments", enrolment()),
        },
        {
          what: "the same in the header, and a megabyte",
          request: () =>
            post("/v1/attestation/enrolments", "[".repeat(1_000_000), { authorization: `AffiantTicket ${hex(32)}` }),
        },
        ...unreadable("/v1/attestation/enrolments"),
      ],
      "POST /v1/attestation/endpoints": [
        {
          what: "of an agent that is not enrolled",
          request: () =>
            post("/v1/attestation/endpoints", {
              endpoint: { agent: did, version: 1, url: "http://127.0.0.1:1", sequence: 1 },
              mac: hex(32),
            }),
        },
        ...unreadable("/v1/attestation/endpoints"),
      ],
      "POST /v1/attestation/rounds": [
        { what: "without the token", request: () => post("/v1/attestation/rounds", "{}") },
      ],
      "GET /v1/attestation/agents/:address": [
        { what: "an agent", request: () => get(`/v1/attestation/agents/${address}`) },
      ],
      "GET /v1/attestation/round": simply("/v1/attestation/round"),
      "GET /healthz": simply("/healthz"),
      "GET /readyz": simply("/readyz"),
      "GET /metrics": simply("/metrics"),
    },
    agent: { "POST /call": ofCalls("/call") },
  };
}
