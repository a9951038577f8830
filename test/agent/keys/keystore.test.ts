import { chmod, cp, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { ed25519 } from "@noble/curves/ed25519.js";
import { expect } from "chai";
import { decryptKeystoreJson, encryptKeystoreJson, Wallet } from "ethers";

import { agentFolder, listAgents, readAgentFacts } from "../../../agent/keys/agentFolder.ts";
import { createAgentKeys, openAgentKeys } from "../../../agent/keys/keystore.ts";
import { decryptSecret, encryptSecret, type KeystoreV3 } from "../../../agent/keys/keystoreV3.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { parseKeyDid } from "../../../protocol/did/key.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const chainId = 31337;
/** scrypt's N: as cheap as it goes, the tests are not about guessing. */
const cost = 2 ** 10;

describe("agent/keys: the folder of an agent", () => {
  const folder = tempFolders();

  it("gives the keys back that were made", async () => {
    const dataDir = await folder();
    const facts = await createAgentKeys({ dataDir, name: "shop", chainId });
    const keys = await openAgentKeys(dataDir, "shop");
    expect(keys.facts).to.deep.equal(facts);
    expect(keys.account.address).to.equal(facts.address);
    expect(facts.did).to.equal(`did:ethr:0x7a69:${facts.address.toLowerCase()}`);
    const message = Buffer.from("hello");
    expect(ed25519.verify(keys.signing.sign(message), message, parseKeyDid(facts.signingKey))).to.equal(true);
  });

  it("makes other keys each time", async () => {
    const dataDir = await folder();
    const one = await createAgentKeys({ dataDir, name: "one", chainId });
    const two = await createAgentKeys({ dataDir, name: "two", chainId });
    expect(one.address).to.not.equal(two.address);
    expect(one.signingKey).to.not.equal(two.signingKey);
    expect((await listAgents(dataDir)).map(({ name }) => name)).to.deep.equal(["one", "two"]);
  });

  it("lets nobody but its owner read it", async function () {
    if (process.platform === "win32") this.skip();
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId });
    const { path } = agentFolder(dataDir, "shop");
    expect((await stat(path)).mode & 0o077).to.equal(0);
    for (const file of ["account.key.json", "signing.key.json"]) {
      expect((await stat(join(path, file))).mode & 0o777, file).to.equal(0o600);
    }
  });

  it("is not opened when others could have read a key", async function () {
    if (process.platform === "win32") this.skip();
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId });
    await chmod(agentFolder(dataDir, "shop").signingKey, 0o640);
    expect(await rejectionCode(openAgentKeys(dataDir, "shop"))).to.equal("ERR_AUTH_FILE_MODE");
  });

  it("is never overwritten", async () => {
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId });
    const before = await readFile(agentFolder(dataDir, "shop").accountKey, "utf8");
    expect(await rejectionCode(createAgentKeys({ dataDir, name: "shop", chainId }))).to.equal(
      "ERR_CONFLICT_AGENT_EXISTS",
    );
    expect(await readFile(agentFolder(dataDir, "shop").accountKey, "utf8")).to.equal(before);
    expect(await readdir(join(dataDir, "agents")), "no draft is left").to.deep.equal(["shop"]);
  });

  it("is made once by many who try at once", async () => {
    const dataDir = await folder();
    const tries = Array.from({ length: 8 }, () => createAgentKeys({ dataDir, name: "shop", chainId }));
    const outcomes = await Promise.allSettled(tries);
    const [made, ...others] = outcomes.filter(({ status }) => status === "fulfilled");
    expect(others).to.deep.equal([]);
    expect((made as PromiseFulfilledResult<unknown>).value).to.deep.equal(await readAgentFacts(dataDir, "shop"));
  });

  it("is not there: says so", async () => {
    const dataDir = await folder();
    expect(await rejectionCode(openAgentKeys(dataDir, "nobody"))).to.equal("ERR_NOT_FOUND_AGENT");
    expect(await listAgents(dataDir)).to.deep.equal([]);
  });

  it("passes over what a crash left half made", async () => {
    const dataDir = await folder();
    await mkdir(join(dataDir, "agents", ".shop-abc123"), { recursive: true });
    await mkdir(join(dataDir, "agents", "empty"));
    await createAgentKeys({ dataDir, name: "shop", chainId });
    expect((await listAgents(dataDir)).map(({ name }) => name)).to.deep.equal(["shop"]);
  });

  for (const name of ["", ".", "..", ".hidden", "a/b", "a\\b", "a b", "ä", "x".repeat(64)]) {
    it(`cannot be named ${JSON.stringify(name)}`, async () => {
      const dataDir = await folder();
      expect(await rejectionCode(createAgentKeys({ dataDir, name, chainId }))).to.equal("ERR_INPUT_MALFORMED");
    });
  }

  it("says which folder cannot be written", async () => {
    const dataDir = join(await folder(), "file");
    await writeFile(dataDir, "");
    expect(await rejectionCode(createAgentKeys({ dataDir, name: "shop", chainId }))).to.equal("ERR_INPUT_CONFIG");
  });

  it("is refused when its parts are of two agents", async () => {
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "one", chainId });
    await createAgentKeys({ dataDir, name: "two", chainId });
    const [one, two] = [agentFolder(dataDir, "one"), agentFolder(dataDir, "two")];
    await cp(two.signingKey, one.signingKey);
    expect(await rejectionCode(openAgentKeys(dataDir, "one"))).to.equal("ERR_INPUT_FILE");
  });

  it("is refused when agent.json contradicts itself", async () => {
    const dataDir = await folder();
    const facts = await createAgentKeys({ dataDir, name: "shop", chainId });
    await writeFile(agentFolder(dataDir, "shop").facts, JSON.stringify({ ...facts, chainId: 1 }));
    expect(await rejectionCode(readAgentFacts(dataDir, "shop"))).to.equal("ERR_INPUT_FILE");
  });

  it("is refused when a key file is missing or no key file, and its text stays unsaid", async () => {
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId });
    const { signingKey } = agentFolder(dataDir, "shop");
    await writeFile(signingKey, "hunter2 hunter2");
    const error = await openAgentKeys(dataDir, "shop").catch((thrown: Error) => thrown);
    expect(error).to.include({ code: "ERR_INPUT_FILE" });
    expect((error as Error).message).to.not.contain("hunter2");
    expect((error as Error).cause).to.equal(undefined);
    await rm(signingKey);
    expect(await rejectionCode(openAgentKeys(dataDir, "shop"))).to.equal("ERR_INPUT_FILE");
  });
});

describe("agent/keys: with a passphrase", () => {
  const folder = tempFolders();
  const passphrase = "correct horse";

  it("opens with it, and with nothing else", async () => {
    const dataDir = await folder();
    const facts = await createAgentKeys({ dataDir, name: "shop", chainId, passphrase, cost });
    expect((await openAgentKeys(dataDir, "shop", passphrase)).signing.did).to.equal(facts.signingKey);
    for (const wrong of [undefined, "", "correct horse ", "Correct horse"]) {
      expect(await rejectionCode(openAgentKeys(dataDir, "shop", wrong)), String(wrong)).to.equal("ERR_AUTH_PASSPHRASE");
    }
  });

  it("takes one passphrase however an accented letter was typed", async () => {
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId, passphrase: "caf\u00e9", cost });
    expect(await openAgentKeys(dataDir, "shop", "cafe\u0301")).to.have.property("account");
  });

  it("leaves no secret readable on the disk", async () => {
    const dataDir = await folder();
    await createAgentKeys({ dataDir, name: "shop", chainId, passphrase, cost });
    const { account } = await openAgentKeys(dataDir, "shop", passphrase);
    const { path } = agentFolder(dataDir, "shop");
    for (const file of await readdir(path)) {
      expect((await readFile(join(path, file), "utf8")).includes(account.privateKey.slice(2)), file).to.equal(false);
    }
  });

  it("writes the account key so that ethers opens it", async () => {
    const dataDir = await folder();
    const facts = await createAgentKeys({ dataDir, name: "shop", chainId, passphrase, cost });
    const json = await readFile(agentFolder(dataDir, "shop").accountKey, "utf8");
    expect((await decryptKeystoreJson(json, passphrase)).address).to.equal(facts.address);
  });

  it("opens what ethers wrote", async () => {
    const { address, privateKey } = Wallet.createRandom();
    const json = await encryptKeystoreJson({ address, privateKey }, passphrase, { scrypt: { N: cost, r: 8, p: 1 } });
    const keystore = lowerKeys(JSON.parse(json)) as unknown as KeystoreV3;
    expect(`0x${Buffer.from(await decryptSecret(keystore, passphrase)).toString("hex")}`).to.equal(privateKey);
  });

  // Each differs from a good file in one thing.
  const changes: readonly (readonly [what: string, change: (crypto: KeystoreV3["crypto"]) => unknown, code: string])[] =
    [
      ["another ciphertext", (c) => ({ ...c, ciphertext: flip(c.ciphertext) }), "ERR_AUTH_PASSPHRASE"],
      ["another MAC", (c) => ({ ...c, mac: flip(c.mac) }), "ERR_AUTH_PASSPHRASE"],
      [
        "another salt",
        (c) => ({ ...c, kdfparams: { ...c.kdfparams, salt: flip(c.kdfparams.salt) } }),
        "ERR_AUTH_PASSPHRASE",
      ],
      ["another cipher", (c) => ({ ...c, cipher: "aes-256-cbc" }), "ERR_INPUT_FILE"],
      ["another KDF", (c) => ({ ...c, kdf: "pbkdf2" }), "ERR_INPUT_FILE"],
      [
        "a cost that would take the memory of the machine",
        (c) => ({ ...c, kdfparams: { ...c.kdfparams, n: 2 ** 30 } }),
        "ERR_INPUT_FILE",
      ],
      ["a cost that is no power of two", (c) => ({ ...c, kdfparams: { ...c.kdfparams, n: 1000 } }), "ERR_INPUT_FILE"],
      ["half a ciphertext", (c) => ({ ...c, ciphertext: c.ciphertext.slice(32) }), "ERR_INPUT_FILE"],
    ];
  for (const [what, change, code] of changes) {
    it(`refuses a file with ${what}`, async () => {
      const keystore = await encryptSecret(new Uint8Array(32).fill(7), passphrase, { cost });
      expect(await decryptSecret(keystore, passphrase)).to.deep.equal(Buffer.alloc(32, 7));
      const changed = { ...keystore, crypto: change(keystore.crypto) } as KeystoreV3;
      expect(await rejectionCode(decryptSecret(changed, passphrase))).to.equal(code);
    });
  }
});

describe("agent/keys: the Ed25519 key", () => {
  // RFC 8032 §7.1, TEST 1 to 3: seed, public key, message, signature.
  const vectors: readonly (readonly [seed: string, publicKey: string, message: string, signature: string])[] = [
    [
      "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      "",
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
      "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      "72",
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
      "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      "af82",
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
  ];
  for (const [seed, publicKey, message, signature] of vectors) {
    it(`signs "${message}" as RFC 8032 §7.1 does`, () => {
      const key = new SigningKey(Buffer.from(seed, "hex"));
      expect(Buffer.from(key.publicKey).toString("hex")).to.equal(publicKey);
      expect(Buffer.from(key.sign(Buffer.from(message, "hex"))).toString("hex")).to.equal(signature);
    });
  }
});

function flip(hex: string): string {
  return (hex.startsWith("0") ? "1" : "0") + hex.slice(1);
}

/** ethers writes `Crypto`, geth writes `crypto`. */
function lowerKeys(keystore: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(keystore).map(([key, value]) => [key.toLowerCase(), value]));
}
