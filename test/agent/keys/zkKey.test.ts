import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { writeKeyFile } from "../../../agent/keys/keyFile.ts";
import { openZkKey } from "../../../agent/keys/zkKey.ts";
import { subgroupOrder } from "../../../protocol/zk/fields.ts";
import { rejectionCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

/** scrypt's N: as cheap as it goes, the tests are not about guessing. */
const cost = 2 ** 10;

describe("agent/keys: the key of a zero-knowledge identity", () => {
  const folder = tempFolders();
  const fresh = async () => join(await folder(), "zk.key.json");
  const bytesOf = (key: bigint) => Buffer.from(key.toString(16).padStart(64, "0"), "hex");

  it("is made once, in [1, l), for its owner's eyes only, and leaves no draft", async () => {
    const path = await fresh();
    const key = await openZkKey(path, {});
    expect(key >= 1n && key < subgroupOrder).to.equal(true);
    expect(await openZkKey(path, {})).to.equal(key);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readdir(join(path, ".."))).to.deep.equal(["zk.key.json"]);
  });

  it("is the same for all who make it at once", async () => {
    const path = await fresh();
    const keys = await Promise.all(Array.from({ length: 8 }, () => openZkKey(path, {})));
    expect(new Set(keys).size).to.equal(1);
    expect(await readdir(join(path, ".."))).to.deep.equal(["zk.key.json"]);
  });

  it("is encrypted under the agent's passphrase", async () => {
    const path = await fresh();
    const key = await openZkKey(path, { passphrase: "open", cost });
    expect(await readFile(path, "utf8")).to.not.contain(key.toString(16));
    expect(await openZkKey(path, { passphrase: "open" })).to.equal(key);
    expect(await rejectionCode(openZkKey(path, { passphrase: "shut" }))).to.equal("ERR_AUTH_PASSPHRASE");
    expect(await rejectionCode(openZkKey(path, {}))).to.equal("ERR_AUTH_PASSPHRASE");
  });

  for (const [name, key, code] of [
    ["1", 1n, undefined],
    ["0", 0n, "ERR_INPUT_FILE"],
    ["l - 1", subgroupOrder - 1n, undefined],
    ["l", subgroupOrder, "ERR_INPUT_FILE"],
  ] as const) {
    it(`${name} is ${code ? "no key" : "a key"}`, async () => {
      const path = await fresh();
      await writeKeyFile(path, bytesOf(key), {});
      if (code) expect(await rejectionCode(openZkKey(path, {}))).to.equal(code);
      else expect(await openZkKey(path, {})).to.equal(key);
    });
  }

  it("is not replaced if its file is damaged", async () => {
    const path = await fresh();
    await writeFile(path, "{", { mode: 0o600 });
    expect(await rejectionCode(openZkKey(path, {}))).to.equal("ERR_INPUT_FILE");
    expect(await readFile(path, "utf8")).to.equal("{");
  });
});
