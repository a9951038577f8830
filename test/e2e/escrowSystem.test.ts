/** The key escrow with all of its parts: a chain, wrapped programs that attest each other, a relayer, a keeper, members. */
import { appendFile } from "node:fs/promises";

import { expect } from "chai";

import { signRecoveryRequest, escrowLane } from "../../agent/escrow/escrowCalls.ts";
import { ChainEscrow } from "../../agent/escrow/escrowReader.ts";
import { handOverShare, recoverKey } from "../../agent/escrow/recovery.ts";
import { RelayerKeys } from "../../agent/escrow/relayerKeys.ts";
import type { AuditedEntry } from "../../auditor/auditedEntry.ts";
import { RpcChain } from "../../auditor/chain/rpcChain.ts";
import { checkGroupKey } from "../../auditor/checks/groupKey.ts";
import { dealShares, type Dealt } from "../../orchestrator/escrow/dealShares.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { combine, recoveryPrivateKey, scalarBytes } from "../../protocol/escrow/feldman.ts";
import { recoveryRequestId } from "../../protocol/escrow/ids.ts";
import { openShare } from "../../protocol/escrow/sealedShare.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";
import { EscrowWorld, type WorldMember } from "../../scripts/torture/escrow/escrowWorld.ts";
import { rejectionCode } from "../helpers/errorCode.ts";
import { chainContents, folderContents, leaks, type Places, spelledOut, spellings } from "./secretScan.ts";
import { mined } from "../../orchestrator/chain/mined.ts";

const nowSec = (): number => Math.floor(Date.now() / 1000);

describe("the scan for secrets", () => {
  const secret = new Uint8Array(Buffer.from("8f2bd0c49a1be6f7035c11d9aa7e42b1e06c9f3d5487a2107be4cc93105fd86a", "hex"));

  for (const [name, spelling] of spellings(secret)) {
    it(`would find one that stands somewhere as ${name}`, () => {
      const place = Buffer.concat([Buffer.from('{"a":"'), spelling, Buffer.from('"}')]);
      const places: Places = new Map([
        ["elsewhere", Buffer.from("nothing")],
        ["a database", place],
      ]);
      expect(leaks(new Map([["key", secret]]), places)).to.have.lengthOf(1);
      const another = secret.map((byte, i) => (i === 15 ? byte ^ 0xff : byte));
      expect(leaks(new Map([["key", another]]), places)).to.deep.equal([]);
    });
  }

  it("would find one within a longer text in base64, wherever it begins", () => {
    for (const before of [0, 1, 2, 3, 4]) {
      const text = Buffer.concat([Buffer.alloc(before, 7), secret, Buffer.from("more")]).toString("base64url");
      expect(leaks(new Map([["key", secret]]), new Map([["a log", Buffer.from(text)]]))).to.have.lengthOf(1);
    }
  });
});

describe("the key escrow with all of its parts", function () {
  this.timeout(300_000);
  let world: EscrowWorld;
  let members: WorldMember[];
  const secrets = new Map<string, Uint8Array>();
  const errors: unknown[] = [];
  const refused = (promise: Promise<unknown>): Promise<unknown> =>
    rejectionCode(promise.catch((error: unknown) => (errors.push(error), Promise.reject(error as Error))));

  before(async () => {
    world = await EscrowWorld.start(3);
    members = world.members;
    secrets.set("private key of the publisher", world.publisherPrivateKey);
    for (const { agent, address } of members) {
      const { wrapper, account } = agent;
      secrets.set(`account key of ${address}`, fromHex(account.privateKey));
      secrets.set(`evidence key of ${address}`, (await wrapper.encryptionKeys.forRound(0)).privateKey);
    }
  });

  after(async () => {
    await world?.close();
  });

  it("gives each attested member the key through the relayer, and has it acknowledged", async () => {
    const published = await world.keeper.step();
    expect(published).to.include({ reason: "first", epoch: 1n });
    const [a, b] = members as [WorldMember, WorldMember];
    expect(await world.say(a, b, "hello")).to.deep.equal({ text: "hello", epoch: 1n });
    for (const { group } of members) await group.currentEpoch();
    for (const { group, trouble } of members) {
      await group.settled();
      expect(trouble).to.deep.equal([]);
    }
    const { acknowledgedCount } = await world.escrow.getFunction("epochOf").staticCall(world.group.group, 1);
    expect(acknowledgedCount).to.equal(3n);
    expect(await world.keeper.step()).to.equal(undefined);
  });

  it("brings a key back through trustees, by requests that the relayer carries", async () => {
    const { client, group, system } = world;
    const [a] = members as [WorldMember];
    const trustees = await Promise.all([1, 2, 3].map(() => world.stranger()));
    const privateKeys = new Map(trustees.map(({ address }) => [address, world.random(32)]));
    const keyOf = (address: string) => encryptionKeyOf(privateKeys.get(address)!);
    const dealt: Dealt = await dealShares({
      group,
      generation: 1n,
      trustees: trustees.map(({ address }) => ({ address, encryptionKey: keyOf(address) })),
      threshold: 2,
      dealerPrivateKey: world.publisherPrivateKey,
      random: world.random,
    });
    const { sharesRoot, recoveryKey } = dealt;
    const set = [group.group, dealt.trustees, dealt.commitments.map(toHex), sharesRoot, recoveryKey, 2, 3];
    await mined(world.escrow.getFunction("setTrustees")(...set));
    world.keeper.demandRotation(1n);
    const published = (await world.keeper.step())!;
    expect(published).to.include({ reason: "demanded", epoch: 2n });
    await a.group.currentEpoch();
    await a.group.settled();

    const recipientPrivateKey = world.random(32);
    const recipientKey = toHex(encryptionKeyOf(recipientPrivateKey));
    const { account, signing } = a.agent;
    const nonce = await world.escrow.getFunction("nonces(address,uint192)").staticCall(a.address, escrowLane);
    const epoch = { ...group, epoch: 2n };
    const request = { signer: account, agent: a.address, epoch, nonce, deadline: 10_000_000_000n };
    await world.carry(await signRecoveryRequest(request, recipientKey));
    const requestId = recoveryRequestId(group.group, 1n, 2n, a.address, recipientKey);
    const signer = { publicKey: signing.publicKey, sign: (message: Uint8Array) => signing.sign(message) };
    const own = { relayer: client, group, member: a.address, signer, signingKey: signing.did, nowSec };
    const deliveries = new RelayerKeys({ ...own, recoveryRequest: requestId });
    for (const trustee of trustees.slice(0, 2)) {
      await mined(world.as(trustee).getFunction("approveRecovery")(requestId));
    }
    expect(await refused(deliveries.fetch(2n, published.keyCommitment))).to.equal("ERR_AUTH_NOT_ATTESTED");
    await system.chain.mine(3);
    await mined(world.as(trustees[2]!).getFunction("releaseRecovery")(requestId));
    const delivery = (await deliveries.fetch(2n, published.keyCommitment))!;

    const { state } = await world.escrow.getFunction("recoveryOf").staticCall(requestId);
    const shares = await Promise.all(
      trustees.slice(0, 2).map(async ({ address: trustee }) => {
        const index = dealt.trustees.indexOf(trustee) + 1;
        const seat = { group, generation: 1n, trustee, index, commitments: dealt.commitments };
        const { sealed } = dealt.shares.get(trustee.toLowerCase())!;
        const opening = { seat, sealed, recipientPrivateKey: privateKeys.get(trustee)! };
        const share = await openShare({ ...opening, senderKey: encryptionKeyOf(world.publisherPrivateKey) });
        secrets.set(`share of ${trustee}`, scalarBytes(share.value));
        const view = { state, group: group.group, generation: 1n, recipientKey: recipientKey as Hex };
        const trusteePrivateKey = privateKeys.get(trustee)!;
        const handed = { seat, share, request: view, trusteePrivateKey, ephemeralSeed: world.random(32) };
        return { seat, share, sealed: await handOverShare(handed), trusteeKey: keyOf(trustee) };
      }),
    );
    const shared = combine(
      shares.map(({ share }) => share),
      dealt.commitments,
    );
    secrets.set("secret that was shared", scalarBytes(shared));
    secrets.set("private recovery key", recoveryPrivateKey(shared));
    const source = new ChainEscrow(system.chain.provider, group);
    const recovering = { group, epoch: 2n, source, delivery, shares, recipientPrivateKey };
    const recovered = await recoverKey(recovering);
    secrets.set("recovered key", recovered.key.slice());
    expect(world.drawn.some((drawn) => toHex(drawn) === toHex(recovered.key))).to.equal(true);
    expect(await refused(recoverKey({ ...recovering, shares: shares.slice(1) }))).to.equal("ERR_INPUT_SHARE");
  });

  it("cuts off a member whose program was changed: a new epoch within three blocks, without it", async () => {
    const { system, keeper } = world;
    const [a, b, tampered] = members as [WorldMember, WorldMember, WorldMember];
    const early = await a.group.seal(tampered.address, new Uint8Array(1));
    await appendFile(tampered.agent.program.file, "\n");
    await system.stepUntil(async () => (await system.status(tampered.agent)) === "quarantined", 200);
    const { sinceBlock } = await system.reader.standing(tampered.address);
    expect(await world.isCurrent()).to.equal(false);
    // From that very block on nobody sends, and what was sent before is not heard any more.
    expect(await refused(a.group.seal(b.address, new Uint8Array(1)))).to.equal("ERR_AUTH_EPOCH_STALE");
    expect(await refused(tampered.group.open(early))).to.equal("ERR_AUTH_EPOCH_STALE");
    const published = (await keeper.step())!;
    expect(published.reason).to.equal("trust-lost");
    expect(published.members).to.have.members([a.address, b.address]);
    expect(await world.say(a, b, "without it")).to.deep.equal({ text: "without it", epoch: 3n });
    expect(published.blockNumber - sinceBlock, "blocks from quarantine to the new epoch").to.be.at.most(3);
    expect(await refused(tampered.group.seal(a.address, new Uint8Array(1)))).to.equal("ERR_UNAVAILABLE_KEY");
  });

  it("shows an auditor, from the chain alone, who held each epoch's key and that all were attested", async () => {
    const { system, group } = world;
    const [a, b, tampered] = members.map(({ address }) => address.toLowerCase() as Hex) as [Hex, Hex, Hex];
    const escrow = group.escrow.toLowerCase() as Hex;
    const chain = await RpcChain.open(system.chain.url);
    try {
      const verdictOf = async (agent: Hex, epoch: number, blockNumber: number) => {
        const { keyCommitment } = await new ChainEscrow(system.chain.provider, group).epoch(BigInt(epoch));
        const use = { escrow, group: group.group, epoch, keyCommitment };
        const subject = { agentAddress: agent, subject: {}, decoded: { claims: { nb: { blockNumber } } } };
        return checkGroupKey(subject as AuditedEntry, { context: { groupKey: use } }, escrow, null, chain);
      };
      const { blockNumber } = await chain.head();
      const now = await verdictOf(a, 3, blockNumber);
      expect(now?.outcome).to.equal("holds");
      expect(now?.detail).to.contain(a).and.contain(b).and.not.contain(tampered);
      const second = await chain.groupEpoch(escrow, group.group, 2);
      const then = await verdictOf(tampered, 2, second!.publishedAtBlock);
      expect(then?.outcome).to.equal("holds");
      expect(then?.detail).to.contain(tampered);
      expect((await verdictOf(tampered, 3, blockNumber))?.code).to.equal("AUDIT_GROUP_KEY_NOT_HELD");
      expect((await verdictOf(a, 2, blockNumber))?.code).to.equal("AUDIT_GROUP_KEY_OVER");
    } finally {
      chain.close();
    }
  });

  it("takes out whom nobody wants any more, and back in whom somebody wants again", async () => {
    const { keeper, group, escrow } = world;
    const [a, b] = members as [WorldMember, WorldMember];
    const membersNow = async () => [...(await escrow.getFunction("membersOf").staticCall(group.group))] as string[];
    world.wanted = [a.address];
    expect((await keeper.step())!.members).to.deep.equal([a.address]);
    expect(await membersNow()).to.deep.equal([a.address]);
    expect(await refused(b.group.seal(a.address, new Uint8Array(1)))).to.equal("ERR_UNAVAILABLE_KEY");
    world.wanted = [a.address, b.address];
    expect((await keeper.step())!.reason).to.equal("joined");
    expect(await membersNow()).to.have.members([a.address, b.address]);
    expect(await world.say(b, a, "back")).to.deep.equal({ text: "back", epoch: 5n });
  });

  it("changes the grace period and the publisher's key, and what was published before stays readable", async () => {
    const { group, escrow, system } = world;
    const [a, b] = members as [WorldMember, WorldMember];
    const publisherPrivateKey = world.random(32);
    const other = world.keeperOf({ publisherPrivateKey, graceBlocks: 9 });
    expect(await other.step()).to.equal(undefined);
    const [publisherKey, graceBlocks] = await escrow.getFunction("groupOf").staticCall(group.group);
    expect([publisherKey, graceBlocks]).to.deep.equal([toHex(encryptionKeyOf(publisherPrivateKey)), 9n]);
    expect((await new ChainEscrow(system.chain.provider, group).epoch(5n)).publisherKey).to.equal(
      toHex(encryptionKeyOf(world.publisherPrivateKey)),
    );
    other.demandRotation(5n);
    expect((await other.step())!.epoch).to.equal(6n);
    expect(await world.say(a, b, "under another publisher")).to.include({ epoch: 6n });
  });

  it("leaves no key, share or private key in any transaction, event, file, database, log, metric or error", async () => {
    for (const [i, value] of world.drawn.entries()) secrets.set(`drawn at random, number ${i}`, value);
    for (const { group, address, agent } of members) {
      await group.settled();
      const { answered, encryptionKeys } = agent.wrapper;
      for (const round of answered.rounds) {
        secrets.set(`evidence key of ${address}, round ${round}`, (await encryptionKeys.forRound(round)).privateKey);
      }
    }
    const metrics = await (await fetch(`${world.relayer.url}/metrics`)).text();
    const places = new Map<string, Buffer>([
      ...(await chainContents(world.system.chain.provider)),
      ...(await folderContents(world.home.dir)),
      ...(await folderContents(world.folder)),
      ...(await folderContents(world.system.folder)),
      ["the attestation service's alerts", Buffer.from(JSON.stringify(world.system.alerts))],
      ["the relayer's log", Buffer.from(world.log.join("\n"))],
      ["metrics", Buffer.from(metrics)],
      ...errors.map((error, i) => [`error ${i}`, Buffer.from(spelledOut(error))] as const),
    ]);
    expect(secrets.size).to.be.greaterThan(30);
    expect([...places.keys()].filter((place) => place.endsWith(".db")).length).to.be.greaterThan(3);
    expect(errors.length).to.be.greaterThan(4);
    expect(leaks(secrets, places)).to.deep.equal([]);
    // It looks where it should: what is no secret, a commitment, is found on the chain and in the relayer's database.
    const { keyCommitment } = await new ChainEscrow(world.system.chain.provider, world.group).epoch(3n);
    const found = leaks(new Map([["commitment", fromHex(keyCommitment)]]), places).join("\n");
    for (const place of [/transaction/, /event/, /relayer\.db/]) expect(found).to.match(place);
    // And one secret, put into the relayer's own database, would not have gone unnoticed.
    const [key] = world.drawn as [Uint8Array];
    const database = [...places.keys()].find((place) => place.endsWith("relayer.db"))!;
    const planted = new Map([[database, Buffer.concat([places.get(database)!, Buffer.from(toHex(key))])]]);
    expect(leaks(secrets, planted)).to.have.lengthOf(1);
  });
});
