import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { network } from "hardhat";

import { GroupChannel } from "../../agent/channel/groupChannel.ts";
import { SqliteReplayWindows } from "../../agent/channel/replayWindow.ts";
import { ChainEscrow } from "../../agent/escrow/escrowReader.ts";
import { handOverShare, recoverKey } from "../../agent/escrow/recovery.ts";
import { dealShares } from "../../orchestrator/escrow/dealShares.ts";
import { toBase64 } from "../../protocol/encoding/base64.ts";
import { toBase64url } from "../../protocol/encoding/base64url.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { scalarBytes } from "../../protocol/escrow/feldman.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";
import { recoveryRequestId } from "../../protocol/escrow/ids.ts";
import { openShare } from "../../protocol/escrow/sealedShare.ts";
import { tempFolders } from "../helpers/tempFolder.ts";
import { bytes, escrowSystem, maxAgeBlocks, privateKeyOf } from "../orchestrator/escrow/world.ts";

const { ethers, networkHelpers } = await network.create();

/** A secret as it could stand somewhere: raw, or in one of the spellings that are in use here. */
function spellings(secret: Uint8Array): Buffer[] {
  const hex = toHex(secret).slice(2);
  const backwards = toHex(secret.slice().reverse()).slice(2);
  const decimal = BigInt(`0x${hex}`).toString();
  const texts = [hex, hex.toUpperCase(), backwards, decimal, toBase64(secret), toBase64url(secret), [...secret].join()];
  return [Buffer.from(secret), ...texts.map((text) => Buffer.from(text))];
}

/** Which secrets are found in which places. */
function leaks(secrets: ReadonlyMap<string, Uint8Array>, places: ReadonlyMap<string, Buffer>): string[] {
  return [...secrets].flatMap(([name, secret]) =>
    [...places]
      .filter(([, content]) => spellings(secret).some((spelling) => content.includes(spelling)))
      .map(([place]) => `${name} in ${place}`),
  );
}

/** Everything on the chain: each transaction's input, and each event. */
async function chainContents(): Promise<Map<string, Buffer>> {
  const places = new Map<string, Buffer>();
  const last = await ethers.provider.getBlockNumber();
  for (let number = 0; number <= last; number++) {
    const block = await ethers.provider.getBlock(number, true);
    for (const { hash, data } of block?.prefetchedTransactions ?? []) {
      places.set(`transaction ${hash}`, Buffer.from(data.slice(2), "hex"));
    }
  }
  for (const log of await ethers.provider.getLogs({ fromBlock: 0, toBlock: last })) {
    places.set(
      `event ${log.transactionHash} ${log.index}`,
      Buffer.from([...log.topics, log.data].join("").replaceAll("0x", ""), "hex"),
    );
  }
  return places;
}

async function folderContents(folder: string): Promise<Map<string, Buffer>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(await Promise.all(files.map(async (path) => [path, await readFile(path)] as const)));
}

describe("a full run of the key escrow", () => {
  const folder = tempFolders();

  it("leaves no key, share or private key in any transaction, event, file, database, log or error", async () => {
    const at = await folder();
    const printed: string[] = [];
    const [stdout, stderr] = [process.stdout.write, process.stderr.write];
    const capture = (chunk: string | Uint8Array) => printed.push(Buffer.from(chunk).toString("latin1")) > 0;
    process.stdout.write = capture as typeof stdout;
    process.stderr.write = capture as typeof stderr;
    const secrets = new Map<string, Uint8Array>();
    const errors: unknown[] = [];
    let commitment: Uint8Array;
    try {
      commitment = await run(at, secrets, errors);
    } finally {
      process.stdout.write = stdout;
      process.stderr.write = stderr;
    }
    const places = new Map([...(await chainContents()), ...(await folderContents(at))]);
    places.set("what was printed", Buffer.from(printed.join("\n"), "latin1"));
    for (const [i, error] of errors.entries()) places.set(`error ${i}`, Buffer.from(spelledOut(error)));
    expect(places.size).to.be.greaterThan(30);
    expect(secrets.size).to.be.greaterThan(20);
    expect(leaks(secrets, places)).to.deep.equal([]);
    // The scan finds what is there: a commitment stands in its transaction, in the event, and in the folder's names.
    expect(leaks(new Map([["commitment", commitment]]), places).length).to.be.greaterThan(1);
  }).timeout(300_000);

  /** Messages, causes and details, as deep as they go. */
  function spelledOut(error: unknown): string {
    const { message, stack, details, cause } = error as Error & { details?: unknown };
    return [message, stack, JSON.stringify(details), cause === undefined ? "" : spelledOut(cause)].join("\n");
  }

  async function run(at: string, secrets: Map<string, Uint8Array>, errors: unknown[]): Promise<Uint8Array> {
    const world = await escrowSystem(ethers, join(at, "deliveries"));
    const { agents, group, groupAt, escrow, drawn } = world;
    const trustees = world.others.slice(0, 3).map(({ address }) => address);
    for (const name of ["publisher", ...agents.map(({ address }) => address), ...trustees]) {
      secrets.set(`private key of ${name}`, privateKeyOf(name));
    }
    const trusteeKeys = trustees.map((address) => ({ address, encryptionKey: encryptionKeyOf(privateKeyOf(address)) }));
    const random = (length: number) => {
      const value = crypto.getRandomValues(new Uint8Array(length));
      drawn.push(value.slice());
      return value;
    };
    const dealerPrivateKey = world.publisherPrivateKey;
    const dealing = { group: groupAt, generation: 1n, trustees: trusteeKeys, threshold: 2, dealerPrivateKey, random };
    const dealt = await dealShares(dealing);
    const { sharesRoot: root } = dealt;
    await world.deliveries.put({ epoch: 0n, keyCommitment: root, membersRoot: root, deliveries: dealt.shares });
    const commitments = dealt.commitments.map(toHex);
    const { recoveryKey, sharesRoot } = dealt;
    await escrow.setTrustees(group, [...dealt.trustees], commitments, sharesRoot, recoveryKey, 2, 1);

    const publisher = world.publisher();
    const published = (await publisher.step())!;
    const members = agents.map(({ address }) => {
      const { watch, keys } = world.member(address);
      const replay = new SqliteReplayWindows(join(at, `${address}.db`));
      return { address, keys, channel: new GroupChannel({ group: groupAt, self: address, watch, keys, replay }) };
    });
    const [a, b] = members as [(typeof members)[number], (typeof members)[number]];
    await b.channel.open(await a.channel.seal(b.address, bytes("under the first epoch")));
    const first = (await a.keys.keyOf(1n)).secret;
    secrets.set("key of epoch 1", first.key.slice()).set("salt of epoch 1", first.salt.slice());
    await networkHelpers.mine(maxAgeBlocks);
    await publisher.step();
    const message = await a.channel.seal(b.address, bytes("under the second"));
    message[message.length - 1]! ^= 1;
    errors.push(await b.channel.open(message).catch((error: unknown) => error));
    const second = (await a.keys.keyOf(2n)).secret;
    secrets.set("key of epoch 2", second.key.slice()).set("salt of epoch 2", second.salt.slice());

    const recipientKey = toHex(encryptionKeyOf(privateKeyOf("recipient")));
    secrets.set("private key of the recipient", privateKeyOf("recipient"));
    const requestId = recoveryRequestId(group, 1n, 1n, a.address, recipientKey);
    await escrow.connect(agents[0]!).requestRecovery(a.address, group, 1, recipientKey);
    for (const trustee of world.others.slice(0, 2)) await escrow.connect(trustee).approveRecovery(requestId);
    await escrow.releaseRecovery(requestId);
    const request = await escrow.recoveryOf(requestId);
    const handed = await Promise.all(
      world.others.slice(0, 2).map(async ({ address: trustee }) => {
        const index = dealt.trustees.indexOf(trustee) + 1;
        const seat = { group: groupAt, generation: 1n, trustee, index, commitments: dealt.commitments };
        const own = {
          seat,
          sealed: dealt.shares.get(trustee.toLowerCase())!.sealed,
          recipientPrivateKey: privateKeyOf(trustee),
          senderKey: encryptionKeyOf(dealerPrivateKey),
        };
        const share = await openShare(own);
        secrets.set(`share of ${trustee}`, scalarBytes(share.value));
        const view = { state: request.state, group, generation: 1n, recipientKey: request.recipientKey as Hex };
        const trusteePrivateKey = privateKeyOf(trustee);
        const sealed = await handOverShare({
          seat,
          share,
          request: view,
          trusteePrivateKey,
          ephemeralSeed: random(32),
        });
        errors.push(await openShare({ ...own, recipientPrivateKey: privateKeyOf("nobody") }).catch((e: unknown) => e));
        return { seat, sealed, trusteeKey: encryptionKeyOf(trusteePrivateKey) };
      }),
    );
    const delivery = (await world.deliveries.for(world.escrowAt).fetch(1n, published.keyCommitment))!;
    const source = new ChainEscrow(ethers.provider, groupAt);
    const recovering = { group: groupAt, epoch: 1n, source, delivery, recipientPrivateKey: privateKeyOf("recipient") };
    const recovered = await recoverKey({ ...recovering, shares: handed });
    expect(toHex(recovered.key)).to.equal(toHex(secrets.get("key of epoch 1")!));
    errors.push(await recoverKey({ ...recovering, shares: handed.slice(1) }).catch((error: unknown) => error));

    for (const [i, value] of drawn.entries()) secrets.set(`drawn at random, number ${i}`, value);
    return fromHex(published.keyCommitment);
  }
});
