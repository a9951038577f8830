import { randomBytes } from "node:crypto";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { Wallet } from "ethers";

import { newSigningSeed, SigningKey } from "../../../agent/keys/signingKey.ts";
import { newEncryptionKeyPair } from "../../../agent/sealing/hpke.ts";
import { measureCommand } from "../../../attestation/measure/measureCommand.ts";
import { newReference, type Reference } from "../../../attestation/service/references.ts";
import { serveAttestation } from "../../../attestation/wrap/attestationServer.ts";
import { Wrapper } from "../../../attestation/wrap/wrapper.ts";
import type { Wrapping } from "../../../attestation/wrap/wrapping.ts";
import { type Challenge, commissionOf, type Question } from "../../../protocol/attestation/challenge.ts";
import type { Manifest } from "../../../protocol/attestation/manifest.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { fromHex, toHex } from "../../../protocol/encoding/hex.ts";

export const chainId = 31337;
export const settleMs = 300;
/** So long a program runs, in seconds: it must not end in the middle of a torture on a slow machine. */
const aDay = 86_400;

export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly root: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What is to be changed in attacks. */
  readonly file: string;
}

/** A Node program of two files. */
export async function nodeProgram(root: string): Promise<Program> {
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "price.mjs"), "export const price = 10;\n");
  const main = 'import { price } from "./price.mjs";\nsetInterval(() => globalThis.last = price, 1000);\n';
  await writeFile(join(root, "main.mjs"), main);
  return { command: [process.execPath, join(root, "main.mjs")], root, file: join(root, "price.mjs") };
}

export async function pythonProgram(root: string): Promise<Program> {
  await mkdir(root, { recursive: true });
  await writeFile(join(root, "price.py"), "price = 10\n");
  await writeFile(join(root, "main.py"), `import time\nfrom price import price\ntime.sleep(${aDay})\n`);
  return { command: ["python3", join(root, "main.py")], root, file: join(root, "price.py") };
}

/** A native program with a library of its own. Cheap: many of them fit on one machine. */
export async function nativeProgram(root: string): Promise<Program> {
  await mkdir(root, { recursive: true });
  const [program, library] = [join(root, "sleep"), join(root, "libown.so")];
  await copyFile("/bin/sleep", program);
  await copyFile(await anyLibrary(), library);
  return { command: [program, String(aDay)], root, env: { ...process.env, LD_PRELOAD: library }, file: library };
}

async function anyLibrary(): Promise<string> {
  const { files } = await measureCommand({ command: ["/bin/sleep", "60"], root: "/", settleMs, stdio: "ignore" });
  const library = files.find(({ path }) => /libc\.so|libc-|musl/.test(path));
  if (!library) throw new Error("the C library was not found");
  return join("/", library.path);
}

export function measure(program: Program, libraries: readonly string[] = []): Promise<Manifest> {
  return measureCommand({ ...program, libraries, settleMs, stdio: "ignore" });
}

/** An agent that is wrapped, with what the service knows of it. */
export interface WrappedAgent {
  readonly account: Wallet;
  readonly signing: SigningKey;
  readonly reference: Reference;
  readonly wrapping: Wrapping;
  readonly wrapper: Wrapper;
  readonly url: string;
  close(): Promise<void>;
}

/** A challenge as the service has it sent to an agent: what a verifier sends, or a host that knows its agent's key. */
export function commissioned(question: Question, { wrapping }: Pick<WrappedAgent, "wrapping">): Challenge {
  return { ...question, commission: commissionOf(question, fromHex(wrapping.agentKey, 32)) };
}

/** @param given to make a twin: the same keys or wrapping on another place */
export async function wrap(
  program: Program,
  given: { readonly account?: Wallet; readonly signing?: SigningKey; readonly manifest?: Manifest } = {},
): Promise<WrappedAgent> {
  const account = given.account ?? new Wallet(toHex(randomBytes(32)));
  const signing = given.signing ?? new SigningKey(newSigningSeed());
  const manifest = given.manifest ?? (await measure(program));
  const draft = newReference(account.address, 1, "software", "http://127.0.0.1", manifest);
  const wrapping: Wrapping = {
    format: "affiant-wrapping/1",
    agent: formatEthrDid(BigInt(chainId), account.address),
    version: 1,
    agentKey: draft.agentKey,
    servicePublicKey: toHex((await newEncryptionKeyPair()).publicKey),
    root: program.root,
    include: [],
    libraries: manifest.files.filter(({ role }) => role === "library").map(({ path }) => path),
  };
  const { command, env } = program;
  const wrapper = await Wrapper.start({
    command,
    env,
    stdio: "ignore",
    wrapping,
    signing,
    settleMs,
    restartDelayMs: 10,
  });
  const server = await serveAttestation({ wrapper });
  return {
    account,
    signing,
    reference: { ...draft, url: server.url },
    wrapping,
    wrapper,
    url: server.url,
    async close() {
      await server.close();
      await wrapper.stop();
    },
  };
}
