import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { AbiCoder, getBytes, keccak256, SigningKey, toUtf8Bytes, TypedDataEncoder, Wallet } from "ethers";

import { fromBase64 } from "../../../protocol/encoding/base64.ts";
import { toHex } from "../../../protocol/encoding/hex.ts";
import { formatCheckpoint, parseCheckpoint } from "../../../protocol/log/checkpoint.ts";
import { logIdOf } from "../../../protocol/log/logId.ts";
import { ed25519NoteSigner, ed25519NoteVerifier, formatEd25519VerifierKey } from "../../../protocol/log/noteKey.ts";
import {
  checkpointDigest,
  formatOperatorVerifierKey,
  operatorNoteSigner,
  operatorNoteVerifier,
  parseOperatorVerifierKey,
  signedCheckpointOf,
} from "../../../protocol/log/operatorNote.ts";
import { signNote, verifyNote } from "../../../protocol/log/signedNote.ts";

const fails = (run: () => unknown, code = "ERR_INPUT_NOTE") => expect(run).to.throw().with.property("code", code);

// The example of the C2SP tlog-checkpoint specification.
const example = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const root = fromBase64("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=");

describe("checkpoints (C2SP)", () => {
  it("are read and written as published", () => {
    const checkpoint = parseCheckpoint(example);
    expect(checkpoint).to.deep.equal({ origin: "example.com/behind-the-sofa", size: 20852163, root });
    expect(formatCheckpoint(checkpoint)).to.equal(example);
  });

  it("may have size 0 and the largest exact size", () => {
    for (const size of [0, 2 ** 53 - 1]) {
      expect(parseCheckpoint(example.replace("20852163", String(size))).size).to.equal(size);
    }
  });

  for (const [what, text] of Object.entries({
    "a leading zero": example.replace("20852163", "020852163"),
    "two zeros": example.replace("20852163", "00"),
    "a sign": example.replace("20852163", "+1"),
    "a hexadecimal size": example.replace("20852163", "0x10"),
    "an exponent": example.replace("20852163", "1e3"),
    "a space beside the size": example.replace("20852163", "20852163 "),
    "a size that is not exact": example.replace("20852163", String(2 ** 53)),
    "no size": example.replace("20852163", ""),
    "other digits": example.replace("20852163", "٢"),
    "an extension line": `${example}extension\n`,
    "an empty extension line": `${example}\n`,
    "no final newline": example.slice(0, -1),
    "no origin": example.replace("example.com/behind-the-sofa", ""),
    "a root of 31 bytes": example.replace(
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
      "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==",
    ),
    "a root with loose bits": example.replace("q2I=", "q2J="),
    "a root without padding": example.replace("=", ""),
  })) {
    it(`are not read with ${what}`, () => fails(() => parseCheckpoint(text)));
  }

  it("are not written from what could not be read", () => {
    fails(() => formatCheckpoint({ origin: "two\nlines", size: 1, root }));
    fails(() => formatCheckpoint({ origin: "", size: 1, root }));
    fails(() => formatCheckpoint({ origin: "log", size: 1, root: root.slice(1) }));
    for (const size of [-1, 0.5, 2 ** 53]) {
      fails(() => formatCheckpoint({ origin: "log", size, root }), "ERR_INPUT_MALFORMED");
    }
  });
});

describe("log ids", () => {
  it("are the hash that the contract computes, here by another implementation", () => {
    const typeHash = keccak256(toUtf8Bytes("Log(string origin)"));
    const words = AbiCoder.defaultAbiCoder().encode(
      ["bytes32", "bytes32"],
      [typeHash, keccak256(toUtf8Bytes("log.example/main"))],
    );
    expect(logIdOf("log.example/main")).to.equal(keccak256(words));
  });
});

describe("the operator's line in a checkpoint's note", () => {
  const origin = "log.example/main";
  const wallet = new Wallet(`0x${"42".repeat(32)}`);
  const key = { chainId: 31337n, logAnchor: "0x5FbDB2315678afecb367f032d93F642f64180aa3", operator: wallet.address };
  const signer = operatorNoteSigner(origin, key, (digest) =>
    getBytes(new SigningKey(wallet.privateKey).sign(digest).serialized),
  );
  const secret = new Uint8Array(32).fill(7);
  const noteSigner = ed25519NoteSigner(origin, ed25519.getPublicKey(secret), (message) =>
    ed25519.sign(message, secret),
  );
  const noteVerifier = ed25519NoteVerifier(formatEd25519VerifierKey(origin, ed25519.getPublicKey(secret)));
  const text = formatCheckpoint({ origin, size: 5, root });
  const note = signNote(text, noteSigner, signer);

  it("stands beside the Ed25519 line and leaves that one to readers who know C2SP only", () => {
    expect(verifyNote(note, [noteVerifier]).outcome).to.equal("verified");
    const both = verifyNote(note, [noteVerifier, operatorNoteVerifier(origin, key)]);
    expect([both.outcome, both.verified.length]).to.deep.equal(["verified", 2]);
  });

  it("is the EIP-712 signature that any wallet would make", async () => {
    const domain = { name: "Affiant LogAnchor", version: "1", chainId: 31337n, verifyingContract: key.logAnchor };
    const types = {
      Checkpoint: [
        { name: "logId", type: "bytes32" },
        { name: "size", type: "uint64" },
        { name: "root", type: "bytes32" },
      ],
    };
    const message = { logId: logIdOf(origin), size: 5, root: toHex(root) };
    expect(checkpointDigest(key, { origin, size: 5, root })).to.equal(TypedDataEncoder.hash(domain, types, message));
    expect(signedCheckpointOf(note, origin, key)).to.deep.equal({
      signer: wallet.address,
      size: 5,
      root: toHex(root),
      signature: await wallet.signTypedData(domain, types, message),
    });
  });

  it("has a verifier key with one text", () => {
    const vkey = formatOperatorVerifierKey(origin, key);
    const { name, keyId, ...read } = parseOperatorVerifierKey(vkey);
    expect([name, keyId, read]).to.deep.equal([origin, signer.keyId, key]);
    fails(() => parseOperatorVerifierKey(formatEd25519VerifierKey(origin, ed25519.getPublicKey(secret))));
    fails(() => ed25519NoteVerifier(vkey));
  });

  it("does not verify for another size, root, chain, contract or operator", () => {
    const line = note.split("\n").at(-2)!;
    const of = (body: string) => verifyNote(`${body}\n${line}\n`, [operatorNoteVerifier(origin, key)]).outcome;
    expect(of(text)).to.equal("verified");
    expect(of(formatCheckpoint({ origin, size: 6, root }))).to.equal("bad-signature");
    expect(of(formatCheckpoint({ origin, size: 5, root: root.with(0, 0) }))).to.equal("bad-signature");
    expect(of(formatCheckpoint({ origin: "other", size: 5, root }))).to.equal("bad-signature");
    expect(of("not a checkpoint\n")).to.equal("bad-signature");
    const other = new Wallet(`0x${"43".repeat(32)}`).address;
    const { signature } = verifyNote(note, [operatorNoteVerifier(origin, key)]).verified[0]!;
    for (const changed of [{ chainId: 1n }, { logAnchor: other }, { operator: other }]) {
      expect(operatorNoteVerifier(origin, { ...key, ...changed }).verify(text, signature)).to.equal(false);
    }
  });

  it("does not verify in another encoding of the same signature", () => {
    const { verify } = operatorNoteVerifier(origin, key);
    const { signature } = verifyNote(note, [operatorNoteVerifier(origin, key)]).verified[0]!;
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const s = order - BigInt(toHex(signature.slice(32, 64)));
    const highS = Uint8Array.of(
      ...signature.slice(0, 32),
      ...getBytes(`0x${s.toString(16).padStart(64, "0")}`),
      55 - signature[64]!,
    );
    expect(verify(text, signature)).to.equal(true);
    expect(verify(text, highS)).to.equal(false);
    expect(verify(text, signature.with(64, signature[64]! - 27))).to.equal(false);
    expect(verify(text, signature.slice(0, 64))).to.equal(false);
  });

  it("is made for checkpoints of this log alone", () => {
    fails(() => signer.sign(formatCheckpoint({ origin: "log.example/other", size: 5, root })));
    fails(() => signer.sign("anything\n"));
  });
});
