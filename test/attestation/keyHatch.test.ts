import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough } from "node:stream";

import { expect } from "chai";

import { newEncryptionKeyPair } from "../../agent/sealing/hpke.ts";
import { EncryptionKeys } from "../../attestation/evidence/encryptionKeys.ts";
import { KeyHatch } from "../../attestation/wrap/keyHatch.ts";
import { evidenceHashOf, decodeEvidence } from "../../protocol/attestation/evidence.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { hpkeSeal } from "../../protocol/hpke/hpke.ts";
import { chainId, commissioned, wrap, type Program } from "../../scripts/torture/attestation/wrapped.ts";
import { eventually } from "../helpers/eventually.ts";
import { tempFolders } from "../helpers/tempFolder.ts";

const repository = new URL("../../", import.meta.url);

/** Opens what it finds in a file, with the keys of its wrapper, and writes down what was in it. */
async function openingProgram(root: string): Promise<Program> {
  await mkdir(root, { recursive: true });
  const url = (path: string) => JSON.stringify(new URL(path, repository).href);
  const main = `
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { WrapperKeys } from ${url("agent/escrow/wrapperKeys.ts")};
import { hpkeOpen } from ${url("protocol/hpke/hpke.ts")};
const keys = WrapperKeys.of(process.env);
const bytes = (hex) => new Uint8Array(Buffer.from(hex.slice(2), "hex"));
setInterval(async () => {
  if (!existsSync(${JSON.stringify(join(root, "sealed"))})) return;
  const { enc, ciphertext, senderKey } = JSON.parse(readFileSync(${JSON.stringify(join(root, "sealed"))}, "utf8"));
  const found = [];
  for (const recipientPrivateKey of await keys.recipientKeys()) {
    const input = { enc: bytes(enc), ciphertext: bytes(ciphertext), senderKey: bytes(senderKey), recipientPrivateKey };
    const none = new Uint8Array();
    found.push(await hpkeOpen({ ...input, info: none, aad: none }).then((it) => Buffer.from(it).toString(), (e) => e.code));
  }
  writeFileSync(${JSON.stringify(join(root, "part"))}, JSON.stringify(found));
  renameSync(${JSON.stringify(join(root, "part"))}, ${JSON.stringify(join(root, "opened"))});
}, 50);`;
  await writeFile(join(root, "main.mjs"), main);
  return {
    command: [process.execPath, "--disable-warning=ExperimentalWarning", join(root, "main.mjs")],
    root,
    file: "main.mjs",
  };
}

describe("attestation: the keys of evidence, as the wrapped program has them", () => {
  const folder = tempFolders();

  it("lets the program open what was sealed to its evidence, and shows the evidence by its hash", async () => {
    const root = join(await folder(), "program");
    const agent = await wrap(await openingProgram(root));
    try {
      const target = formatEthrDid(BigInt(chainId), agent.account.address);
      const [evidence, other] = await Promise.all(
        [4, 7].map((round) =>
          agent.wrapper.answer(commissioned({ round, target, verifier: target, nonce: toHex(randomBytes(32)) }, agent)),
        ),
      );
      const { encryptionKey } = decodeEvidence(evidence!).claims;
      const sender = await newEncryptionKeyPair();
      const none = new Uint8Array();
      const { enc, ciphertext } = await hpkeSeal({
        plaintext: new Uint8Array(Buffer.from("the key of the epoch")),
        info: none,
        aad: none,
        recipientKey: fromHex(encryptionKey, 32),
        senderPrivateKey: sender.privateKey,
        ephemeralSeed: new Uint8Array(randomBytes(32)),
      });
      const sealed = { enc: toHex(enc), ciphertext: toHex(ciphertext), senderKey: toHex(sender.publicKey) };
      await writeFile(join(root, "draft"), JSON.stringify(sealed));
      await rename(join(root, "draft"), join(root, "sealed"));
      await eventually(() => existsSync(join(root, "opened")));
      // Both rounds were asked in; the key belongs to one of them.
      expect(JSON.parse(await readFile(join(root, "opened"), "utf8"))).to.have.members([
        "the key of the epoch",
        "ERR_PROOF_SEALED_KEY",
      ]);
      for (const shown of [evidence!, other!]) {
        const response = await fetch(`${agent.url}/v1/attestation/evidence/${evidenceHashOf(shown)}`);
        expect(await response.json()).to.deep.equal({ evidence: shown });
      }
      const unknown = await fetch(`${agent.url}/v1/attestation/evidence/${toHex(randomBytes(32))}`);
      expect([unknown.status, ((await unknown.json()) as { code: string }).code]).to.deep.equal([
        404,
        "ERR_NOT_FOUND_EVIDENCE",
      ]);
    } finally {
      await agent.close();
    }
  }).timeout(60_000);

  it("answers with an error to what it does not know, and gives away no private key", async () => {
    const keys = new EncryptionKeys();
    const said: string[] = [];
    const socket = new PassThrough();
    // A stream that reads what is written to it would hear itself: one half stands for the program's side.
    const written = socket.write.bind(socket);
    socket.write = ((text: string) => said.push(text) > 0) as typeof socket.write;
    new KeyHatch(keys, () => [1]).serve(socket);
    const { publicKey } = await keys.forRound(1);
    const zero: Hex = `0x${"00".repeat(32)}`;
    const requests = [
      "no JSON",
      '{"id":1,"op":"private keys"}',
      JSON.stringify({ id: 2, op: "decapsulate", round: 1, enc: zero, senderKey: toHex(publicKey) }),
      '{"id":3,"op":"rounds"}',
    ];
    written(`${requests.join("\n")}\n`);
    await eventually(() => said.length === requests.length);
    const answers = said.map((text) => JSON.parse(text) as { id: number }).sort((a, b) => a.id - b.id);
    expect(answers).to.deep.equal([
      { id: 0, code: "ERR_INPUT_MALFORMED" },
      { id: 0, code: "ERR_INPUT_MALFORMED" },
      { id: 2, code: "ERR_PROOF_SEALED_KEY" },
      { id: 3, rounds: [1] },
    ]);
  });
});
