import { expect } from "chai";

import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { recoverAddress, Transaction, Wallet } from "ethers";

import { openSenderKey, retiredSigner } from "../../../relayer/sender/signer.ts";
import { rejectionCode, thrownCode } from "../../helpers/errorCode.ts";
import { tempFolders } from "../../helpers/tempFolder.ts";

const unsigned = {
  ...{ chainId: 31337, nonce: 7, to: `0x${"11".repeat(20)}`, data: "0xabcdef01", gasLimit: 90_000 },
  ...{ maxFeeWei: 20_000_000_001n, priorityFeeWei: 1_000_000_001n },
};

describe("relayer: a lane's key file", () => {
  const tempFolder = tempFolders();
  let file: string;

  beforeEach(async () => {
    file = join(await tempFolder(), "sender.key");
  });

  it("is made where there is none, for its owner's eyes, and read again", async () => {
    const { address } = openSenderKey(file);
    expect((await stat(file)).mode & 0o777).to.equal(0o600);
    expect(openSenderKey(file).address).to.equal(address);
  });

  it("signs the bytes that ethers' own wallet signs, twice the same", async () => {
    const signer = openSenderKey(file);
    const { maxFeeWei: maxFeePerGas, priorityFeeWei: maxPriorityFeePerGas, ...rest } = unsigned;
    const wallet = new Wallet((await readFile(file, "utf8")).trim());
    const expected = await wallet.signTransaction({ ...rest, type: 2, maxFeePerGas, maxPriorityFeePerGas });
    const signed = await signer.sign(unsigned);
    expect(signed).to.deep.equal({ raw: expected, hash: Transaction.from(expected).hash });
    expect(await signer.sign(unsigned)).to.deep.equal(signed);
    expect(Transaction.from(signed.raw).from).to.equal(signer.address);
  });

  it("signs a digest so that the account is recovered from it", () => {
    const signer = openSenderKey(file);
    const digest = `0x${"5a".repeat(32)}`;
    const signature = `0x${Buffer.from(signer.signDigest(digest)).toString("hex")}`;
    expect(recoverAddress(digest, signature)).to.equal(signer.address);
  });

  it("that holds no key is named, and not quoted", async () => {
    await writeFile(file, "0xsecret-that-is-no-key");
    expect(thrownCode(() => openSenderKey(file))).to.equal("ERR_INPUT_FILE");
    try {
      openSenderKey(file);
    } catch (error) {
      expect(String(error)).to.contain(file).and.not.to.contain("secret-that");
    }
  });

  it("that was taken out of the settings signs nothing", async () => {
    const signer = retiredSigner(unsigned.to);
    expect([signer.isRetired, signer.address]).to.deep.equal([true, unsigned.to]);
    expect(await rejectionCode(signer.sign(unsigned))).to.equal("ERR_INPUT_FILE");
    expect(thrownCode(() => signer.signDigest(`0x${"00".repeat(32)}`))).to.equal("ERR_INPUT_FILE");
  });
});
