import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";

import {
  ed25519NoteSigner,
  ed25519NoteVerifier,
  formatEd25519VerifierKey,
  formatVerifierKey,
  isKeyName,
  parseVerifierKey,
} from "../../../protocol/log/noteKey.ts";
import { formatNote, parseNote, signNote, verifyNote } from "../../../protocol/log/signedNote.ts";

// Published with golang.org/x/mod/sumdb/note: two keys, one text and their signatures over it.
const peterKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const enochKey = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterLine =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const enochLine =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";
const peter = ed25519NoteVerifier(peterKey);
const enoch = ed25519NoteVerifier(enochKey);

// The example of the C2SP signed-note specification.
const exampleKey = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const example =
  "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

const secret = new Uint8Array(32).fill(7);
const signer = (name: string) =>
  ed25519NoteSigner(name, ed25519.getPublicKey(secret), (message) => ed25519.sign(message, secret));

const names = (lines: readonly { name: string }[]) => lines.map(({ name }) => name);
const fails = (run: () => unknown) => expect(run).to.throw().with.property("code", "ERR_INPUT_NOTE");

describe("signed notes (C2SP)", () => {
  it("verify as published", () => {
    expect(verifyNote(example, [ed25519NoteVerifier(exampleKey)])).to.include({
      outcome: "verified",
      text: "This is an example message.\n",
    });
    const both = verifyNote(`${text}\n${peterLine}${enochLine}`, [peter, enoch]);
    expect(both).to.include({ outcome: "verified", text });
    expect(names(both.verified)).to.deep.equal(["PeterNeumann", "EnochRoot"]);
  });

  it("ignore the lines of unknown keys", () => {
    const verdict = verifyNote(`${text}\n${peterLine}${enochLine}`, [peter]);
    expect(verdict.outcome).to.equal("verified");
    expect([names(verdict.verified), names(verdict.unknown)]).to.deep.equal([["PeterNeumann"], ["EnochRoot"]]);
  });

  it("do not verify without a known key, and then show no text", () => {
    const verdict = verifyNote(`${text}\n${peterLine}`, [enoch]);
    expect([verdict.outcome, verdict.text]).to.deep.equal(["no-known-key", undefined]);
    const otherName = verifyNote(`${text}\n${peterLine.replace("PeterNeumann", "CarmenSandiego")}`, [peter]);
    expect(otherName.outcome).to.equal("no-known-key");
    const otherId = verifyNote(`${text}\n${peterLine.replace("x08g", "xxxx")}`, [peter]);
    expect(otherId.outcome).to.equal("no-known-key");
  });

  it("are rejected whole if one known key's line is wrong", () => {
    const wrong = enochLine.replace("rwz+eBzm", "rwz+eBzn");
    const verdict = verifyNote(`${text}\n${peterLine}${wrong}`, [peter, enoch]);
    expect([verdict.outcome, verdict.text]).to.deep.equal(["bad-signature", undefined]);
    expect(names(verdict.failed)).to.deep.equal(["EnochRoot"]);
    expect(verifyNote(`${text} \n\n${peterLine}`, [peter]).outcome).to.equal("bad-signature");
  });

  it("list a repeated line once, but a second signature of one key is looked at", () => {
    const twice = verifyNote(`${text}\n${peterLine}${peterLine}${enochLine}${enochLine}`, [peter]);
    expect([names(twice.verified), names(twice.unknown)]).to.deep.equal([["PeterNeumann"], ["EnochRoot"]]);
    const second = peterLine.replace("x08go/ZJ", "x08go/ZK");
    expect(verifyNote(`${text}\n${peterLine}${second}`, [peter]).outcome).to.equal("bad-signature");
  });

  it("are refused when two known keys have one name and id", () => {
    fails(() => verifyNote(`${text}\n${peterLine}`, [peter, peter]));
  });

  it("are signed so that they verify, in the order of the signers", () => {
    const note = signNote("one line\n", signer("a.example"), signer("b.example"));
    const keys = ["a.example", "b.example"].map((name) =>
      ed25519NoteVerifier(formatEd25519VerifierKey(name, ed25519.getPublicKey(secret))),
    );
    const verdict = verifyNote(note, keys);
    expect([verdict.outcome, names(verdict.verified)]).to.deep.equal(["verified", ["a.example", "b.example"]]);
    expect(formatNote(verdict.text!, verdict.verified)).to.equal(note);
  });

  it("split text from signatures at the last blank line", () => {
    expect(parseNote(`a\n\nb\n\n${peterLine}`).text).to.equal("a\n\nb\n");
  });

  for (const [what, note] of Object.entries({
    "no signatures": text,
    "an empty signature block": `${text}\n`,
    "no final newline": `${text}\n${peterLine.slice(0, -1)}`,
    "a control character": `\u0001${text}\n${peterLine}`,
    "a tab": `\t${text}\n${peterLine}`,
    "a carriage return": `${text}\r\n${peterLine}`,
    "a lone surrogate": `\ud800${text}\n${peterLine}`,
    "a name with a space": `${text}\n${peterLine.replace("PeterNeumann", "Peter Neumann")}`,
    "a name with a no-break space": `${text}\n${peterLine.replace("PeterNeumann", "Peter\u00a0Neumann")}`,
    "a name with a plus": `${text}\n${peterLine.replace("PeterNeumann", "Peter+Neumann")}`,
    "no name": `${text}\n${peterLine.replace("PeterNeumann", "")}`,
    "a line that is no signature": `${text}\n${peterLine}Unexpected line.\n`,
    "a hyphen for the dash": `${text}\n${peterLine.replace("—", "-")}`,
    "missing padding": `${text}\n${peterLine.replace("=", "")}`,
    "loose trailing bits": `${text}\n${peterLine.replace("AM=", "AN=")}`,
    base64url: `${text}\n${peterLine.replaceAll("/", "_")}`,
    "a key id and nothing more": `${text}\n— PeterNeumann x08gow==\n`,
    "101 signatures": `${text}\n${peterLine.repeat(101)}`,
  })) {
    it(`do not parse with ${what}`, () => fails(() => parseNote(note)));
  }

  it("do not get written from what would not parse", () => {
    fails(() => signNote("no newline", signer("a.example")));
    fails(() => signNote("a\u0002\n", signer("a.example")));
    fails(() => signNote("nobody signs\n"));
    fails(() => signer("a b"));
  });
});

describe("verifier keys", () => {
  it("have one text", () => {
    const { name, type, key } = parseVerifierKey(peterKey);
    expect([name, type, key.length]).to.deep.equal(["PeterNeumann", 1, 32]);
    expect(formatEd25519VerifierKey(name, key)).to.equal(peterKey);
  });

  it("are not read from any part of one", () => {
    for (let end = 0; end < peterKey.length; end++) fails(() => ed25519NoteVerifier(peterKey.slice(0, end)));
    for (let start = 1; start < peterKey.length; start++) fails(() => ed25519NoteVerifier(peterKey.slice(start)));
  });

  it("are not read with any character changed", () => {
    for (let i = 0; i < peterKey.length; i++) {
      const changed = peterKey.slice(0, i) + String.fromCharCode(peterKey.charCodeAt(i) + 1) + peterKey.slice(i + 1);
      fails(() => ed25519NoteVerifier(changed));
    }
  });

  // The last two with the key id adjusted, as published.
  it("are not read with another key length or type", () => {
    const { name, key } = parseVerifierKey(peterKey);
    for (const wrong of [key.slice(1), Uint8Array.of(...key, 0)]) {
      expect(() => ed25519NoteVerifier(formatVerifierKey(name, 1, wrong)))
        .to.throw()
        .with.property("code", "ERR_INPUT_PUBLIC_KEY");
    }
    fails(() => ed25519NoteVerifier("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY=="));
    fails(() => ed25519NoteVerifier("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"));
  });

  it("are not read in upper-case hex", () => fails(() => parseVerifierKey(peterKey.replace("c74f20a3", "C74F20A3"))));

  it("name what a name may be", () => {
    expect(["example.com/log", "é", "a-b_c"].map(isKeyName)).to.deep.equal([true, true, true]);
    expect(["", "a b", "a+b", "a\u2003b", "a\u0085b", "a\u0007"].map(isKeyName)).to.deep.equal(Array(6).fill(false));
  });
});
