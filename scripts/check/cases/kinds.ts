import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, readFile } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";

import { verifyAgentCardSignature } from "@a2a-js/sdk";
import { importJWK } from "jose";

import { parseKeyDid } from "../../../protocol/did/key.ts";
import { toBase64url } from "../../../protocol/encoding/base64url.ts";
import { type CaseWorld, program } from "./caseWorld.ts";
import { isAnswer } from "./isAnswer.ts";
import type { Outcome } from "./expectation.ts";

/** Runs a case with the command that a user would type. `name` is one that no other case has. */
export type Kind = (world: CaseWorld, file: string, name: string) => Promise<Outcome>;

const transcripts: Kind = async (world, file, name) => {
  const outcome = await world.run([
    "log",
    "import",
    file,
    "--agent",
    name,
    "--policy",
    world.policy,
    "--json",
    ...world.on,
  ]);
  return { ...outcome, entries: await world.entriesOf(name) };
};

const cedar: Kind = (world, folder) => world.run(["policy", "check", folder, ...world.on]);

const ucan: Kind = (world, file) => world.run(["contract", "show", file, ...world.on]);

/** `https://agent.example/card.json`, or what the case's name says: `….ipfs.json`, `….data.json`. */
const cards: Kind = async (world, file, name) => {
  const copy = join(world.dataDir, `${name}.json`);
  await copyFile(file, copy);
  await world.run(["agent", "create", name, ...world.on]);
  const uri = file.endsWith(".ipfs.json")
    ? "ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    : "https://agent.example/card.json";
  const to = file.endsWith(".data.json") ? ["--uri", "data:"] : ["--uri", uri];
  const outcome = await world.run(["agent", "card", "publish", copy, "--agent", name, ...to, ...world.on]);
  if (outcome.code !== 0) return outcome;
  const signed = JSON.parse(await readFile(copy.replace(/\.json$/, ".signed.json"), "utf8")) as {
    signatures: { protected: string; signature: string }[];
  };
  const own = signed.signatures.at(-1);
  const check = verifyAgentCardSignature(async (kid) => {
    const x = toBase64url(parseKeyDid(kid));
    return (await importJWK({ kty: "OKP", crv: "Ed25519", x }, "Ed25519")) as Awaited<
      ReturnType<Parameters<typeof verifyAgentCardSignature>[0]>
    >;
  });
  const a2a = await check({ ...signed, signatures: [own] } as unknown as Parameters<typeof check>[0]).then(
    () => "verifies",
    (error: unknown) => String(error),
  );
  return { ...outcome, signatures: signed.signatures.length, a2a };
};

const mcp: Kind = async (world, file, name) => {
  await world.run(["agent", "create", name, ...world.on]);
  await world.run(["policy", "commit", world.policy, "--agent", name, ...world.on]);
  const log = join(world.dataDir, `${name}.log`);
  const isHttp = file.endsWith(".http");
  const server = ["--", process.execPath, "--no-warnings", join(import.meta.dirname, "scriptedServer.ts"), file, log];
  const args = [program, "mcp-proxy", "--agent", name, ...world.on, ...(isHttp ? ["--http", "0"] : []), ...server];
  const gateway = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "pipe"] });
  const ended = once(gateway, "close");
  const said = isHttp
    ? await overHttp(gateway, await readFile(file, "utf8"))
    : await overStdio(gateway, await readFile(file, "utf8"));
  gateway.kill("SIGTERM");
  await ended;
  const heard = await readFile(log, "utf8").catch(() => "");
  return { ...said, server: heard.split("\n").filter((line) => line !== ""), entries: await world.entriesOf(name) };
};

export const kinds: Readonly<Record<string, Kind>> = { mcp, transcripts, cards, cedar, ucan };

type Gateway = ReturnType<typeof spawn>;

/** Says the client's lines; each request waits for its answer, so that what comes after it may be about it. */
async function overStdio(gateway: Gateway, script: string): Promise<Outcome> {
  const client: string[] = [];
  const lines = createInterface({ input: gateway.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  gateway.stderr?.resume();
  const all = script.split("\n").filter((line) => line.trim() !== "");
  const own = all.filter((line) => !isAnswer(line));
  // A case may hold an answer alone: then it is that of a call.
  const asked = all
    .filter((line) => !own.includes(line))
    .flatMap((answer) => {
      const id = /"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)/.exec(answer)?.[1];
      const has = own.some((line) => id !== undefined && new RegExp(`"id"\\s*:\\s*${id}\\s*[,}]`).test(line));
      return has || id === undefined
        ? []
        : [`{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"case","arguments":{}}}`];
    });
  for (const line of [...own, ...asked]) {
    gateway.stdin?.write(`${line}\n`);
    if (!/"id"\s*:/.test(line)) continue;
    const { value, done } = await lines.next();
    if (done) break;
    client.push(value);
  }
  gateway.stdin?.end();
  for (let rest = await lines.next(); !rest.done; rest = await lines.next()) client.push(rest.value);
  return { client };
}

async function overHttp(gateway: Gateway, script: string): Promise<Outcome> {
  const [head = "", ...rest] = script.split(/\r?\n\r?\n/);
  const [first = "", ...headerLines] = head.split(/\r?\n/);
  const [method = "POST", path = "/mcp"] = first.split(" ");
  const headers = Object.fromEntries(
    headerLines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()]),
  );
  let origin: string | undefined;
  for await (const line of createInterface({ input: gateway.stderr as NodeJS.ReadableStream })) {
    origin = /clients connect to (http:\/\/\S+)\/mcp/.exec(line)?.[1];
    if (origin !== undefined) break;
  }
  if (origin === undefined) return {};
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${origin}${path}`, { method, headers }, resolve).once("error", reject).end(rest.join("\n\n").trimEnd());
  });
  const body = await text(response);
  return { status: response.statusCode ?? 0, client: body === "" ? [] : [body] };
}
