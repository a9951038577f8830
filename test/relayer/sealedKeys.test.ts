import { randomBytes } from "node:crypto";

import { expect } from "chai";
import { Contract, Wallet } from "ethers";

import { signAcknowledge, escrowLane } from "../../agent/escrow/escrowCalls.ts";
import { RelayerKeys } from "../../agent/escrow/relayerKeys.ts";
import { SigningKey } from "../../agent/keys/signingKey.ts";
import { RelayerClient } from "../../agent/relayer/relayerClient.ts";
import { draftEpoch, type EpochDraft } from "../../orchestrator/escrow/draftEpoch.ts";
import { RelayerDeliveries } from "../../orchestrator/escrow/relayerDeliveries.ts";
import { sealedKeyArgs, sealedKeyCommand, type SealedKeysUpload } from "../../protocol/api/sealedKeys.ts";
import { type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { encryptionKeyOf } from "../../protocol/hpke/hpke.ts";
import { groupIdOf } from "../../protocol/escrow/ids.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { formatCall } from "../../protocol/ucan/callMessage.ts";
import { issueInvocation } from "../../protocol/ucan/invocation.ts";
import type { CommitHook } from "../../relayer/store/database.ts";
import { Actor } from "../helpers/world/actor.ts";
import { startChain, type TestChain } from "../helpers/world/chain.ts";
import { RelayerHome, type RunningRelayer } from "../helpers/world/relayer.ts";
import { rejectionCode } from "../helpers/errorCode.ts";

const random = (length: 32): Uint8Array => new Uint8Array(randomBytes(length));
const group = groupIdOf("sealed keys");

describe("relayer: sealed keys", () => {
  let chain: TestChain;
  let home: RelayerHome;
  let relayer: RunningRelayer;
  let client: RelayerClient;
  let members: Actor[];
  let failing = false;
  const nowSec = () => Math.floor(Date.now() / 1_000);
  const hook: CommitHook = (point, name) => {
    if (failing && name === "sealedKey.put" && point === "before-commit") throw new Error("injected fault");
  };

  before(async () => {
    chain = await startChain();
    home = await RelayerHome.make(chain);
    await start();
    members = [await Actor.registered(chain), await Actor.registered(chain)];
  });

  after(async () => {
    await relayer?.close();
    await home?.remove();
    await chain?.close();
  });

  async function start(): Promise<void> {
    relayer = await home.start({}, { commitHook: hook });
    client = new RelayerClient({ url: relayer.url, retry: { attempts: 1 } });
  }

  const place = () => ({ chainId: 31_337n, escrow: chain.deployment.contracts.keyEscrow.address, group });
  const draft = (epoch: bigint): Promise<EpochDraft> =>
    draftEpoch({
      epoch: { ...place(), epoch },
      members: members.map(({ account }) => ({ holder: account.address, encryptionKey: encryptionKeyOf(random(32)) })),
      recoveryKey: encryptionKeyOf(random(32)),
      publisherPrivateKey: random(32),
      random,
    });
  const deliveries = (signer: Wallet | TestChain["deployer"] = chain.deployer) =>
    new RelayerDeliveries({ relayer: client, signer, group: place(), nowSec });
  const left = async (epoch: bigint): Promise<EpochDraft> => {
    const made = await draft(epoch);
    await deliveries().put({ ...made, epoch });
    return made;
  };
  const keysOf = (actor: Actor, signer: SigningKey = actor.key, recoveryRequest?: Hex) =>
    new RelayerKeys({
      relayer: client,
      group: place(),
      member: actor.account.address,
      signer,
      signingKey: signer.did,
      nowSec,
      ...(recoveryRequest ? { recoveryRequest } : {}),
    });

  it("gives each member its own key, also after a restart, and nobody another's", async () => {
    const { keyCommitment, deliveries: made } = await left(1n);
    const [a, b] = members as [Actor, Actor];
    const own = made.get(a.account.address.toLowerCase());
    expect(await keysOf(a).fetch(1n, keyCommitment)).to.deep.equal(own);
    // The signature is b's, everything else as a would send it.
    expect(await rejectionCode(keysOf(a, b.key).fetch(1n, keyCommitment))).to.equal("ERR_AUTH_SIGNING_KEY");
    const stranger = new SigningKey(randomBytes(32));
    expect(await rejectionCode(keysOf(a, stranger).fetch(1n, keyCommitment))).to.equal("ERR_AUTH_SIGNING_KEY");
    await relayer.close();
    await start();
    expect(await keysOf(a).fetch(1n, keyCommitment)).to.deep.equal(own);
    expect(await keysOf(b).fetch(1n, keyCommitment)).to.deep.equal(made.get(b.account.address.toLowerCase()));
  });

  it("knows nothing of a draft that was never left", async () => {
    const { keyCommitment } = await draft(1n);
    expect(await keysOf(members[0]!).fetch(1n, keyCommitment)).to.equal(undefined);
  });

  it("holds a call to its command, its key, its chain and its time", async () => {
    const { keyCommitment } = await left(2n);
    const [a] = members as [Actor];
    const holder = a.account.address.toLowerCase();
    const path = `/v1/groups/${group}/keys/${keyCommitment}/${holder}:read`;
    const read = async (change: object = {}, args: object = {}): Promise<[number, string | undefined]> => {
      const right = {
        subject: a.key.did,
        command: sealedKeyCommand,
        args: { ...sealedKeyArgs({ ...place(), keyCommitment, holder }), ...args },
        proofs: [],
        nonce: randomBytes(12),
        expiresAtSec: nowSec() + 60,
      };
      const call = formatCall(await issueInvocation({ ...right, ...change }, a.key), []);
      const { status, body } = await relayer.post(path, call);
      return [status, body.code];
    };
    expect(await read()).to.deep.equal([200, undefined]);
    const scope = [403, "ERR_AUTH_CONTRACT_SCOPE"];
    expect(await read({ command: "/disclosure/read" })).to.deep.equal(scope);
    expect(await read({}, { keyCommitment: group })).to.deep.equal(scope);
    expect(await read({}, { chainId: "1" })).to.deep.equal(scope);
    expect(await read({}, { escrow: holder })).to.deep.equal(scope);
    expect(await read({}, { holder: place().escrow.toLowerCase() })).to.deep.equal(scope);
    expect(await read({ expiresAtSec: nowSec() + 900 })).to.deep.equal([403, "ERR_AUTH_CONTRACT_TIME"]);
    expect(await read({ expiresAtSec: nowSec() - 60 })).to.deep.equal([403, "ERR_AUTH_CONTRACT_TIME"]);
  });

  it("takes keys from who may publish epochs, under the root that was signed, and from nobody else", async () => {
    const made = await draft(3n);
    let upload: SealedKeysUpload | undefined;
    const tapped = { putSealedKeys: (_group: Hex, _commitment: Hex, body: SealedKeysUpload) => (upload = body) };
    const options = { relayer: tapped as never, signer: chain.deployer, group: place(), nowSec };
    await new RelayerDeliveries(options).put({ ...made, epoch: 3n });
    const path = `/v1/groups/${group}/keys/${made.keyCommitment}`;
    const put = async (change: object): Promise<[number, string | undefined]> => {
      const { status, body } = await relayer.put(path, JSON.stringify({ ...upload, ...change }));
      return [status, body.code];
    };
    const stranger = Wallet.createRandom();
    const foreign = await rejectionCode(deliveries(stranger as unknown as Wallet).put({ ...made, epoch: 3n }));
    expect(foreign).to.equal("ERR_AUTH_PUBLISHER");
    const unsigned = [422, "ERR_PROOF_SIGNATURE"];
    expect(await put({ publisher: stranger.address.toLowerCase() })).to.deep.equal(unsigned);
    expect(await put({ epoch: 4 })).to.deep.equal(unsigned);
    expect(await put({ membersRoot: group })).to.deep.equal(unsigned);
    expect(await put({ deadlineSec: nowSec() - 60 })).to.deep.equal([401, "ERR_AUTH_DEADLINE"]);
    expect(await put({ deadlineSec: nowSec() + 900 })).to.deep.equal([401, "ERR_AUTH_DEADLINE"]);
    const [first, ...rest] = upload!.keys;
    const changed = `${first!.sealed.slice(0, -1)}${first!.sealed.endsWith("0") ? "1" : "0"}`;
    const notUnder = [422, "ERR_PROOF_SEALED_KEY"];
    expect(await put({ keys: [{ ...first, sealed: changed }, ...rest] })).to.deep.equal(notUnder);
    const short = [{ ...first, sealed: first!.sealed.slice(0, -2) }, ...rest];
    expect(await put({ keys: short })).to.deep.equal([400, "ERR_INPUT_SEALED_KEY"]);
    expect(await put({ keys: [] })).to.deep.equal([400, "ERR_INPUT_MALFORMED"]);
    expect(await put({})).to.deep.equal([201, undefined]);
    expect(await put({})).to.deep.equal([200, undefined]);
  });

  it("never gives a place another key, and all or none come with a commit that failed", async () => {
    const made = await draft(5n);
    failing = true;
    expect(await rejectionCode(deliveries().put({ ...made, epoch: 5n }))).to.equal("ERR_UNAVAILABLE_STORAGE");
    failing = false;
    expect(await keysOf(members[0]!).fetch(5n, made.keyCommitment)).to.equal(undefined);
    await deliveries().put({ ...made, epoch: 5n });
    const other = { ...(await draft(5n)), keyCommitment: made.keyCommitment };
    expect(await rejectionCode(deliveries().put({ ...other, epoch: 5n }))).to.equal("ERR_CONFLICT_SEALED_KEY");
    const kept = made.deliveries.get(members[0]!.account.address.toLowerCase());
    expect(await keysOf(members[0]!).fetch(5n, made.keyCommitment)).to.deep.equal(kept);
  });

  it("gives the recovery's key to nobody whose request the contract has not released", async () => {
    const { keyCommitment } = await left(6n);
    const requestId = toHex(random(32));
    // The chain knows no such request: it belongs to the zero address, whose key nobody has.
    const code = await rejectionCode(keysOf(members[0]!, undefined, requestId).fetch(6n, keyCommitment));
    expect(code).to.equal("ERR_AUTH_SIGNING_KEY");
  });

  it("carries a member's words to the KeyEscrow, and nobody else's calls of it", async () => {
    const { escrow } = place();
    const [a] = members as [Actor];
    const epoch = { ...place(), epoch: 1n };
    const deadline = BigInt(nowSec() + 600);
    const signing = { signer: a.account, agent: a.account.address, epoch, deadline, nonce: escrowLane << 64n };
    const { target, data: words } = await signAcknowledge(signing, toHex(random(32)));
    const said = await relayer.post("/v1/requests", { target, data: words }, { "idempotency-key": "acknowledge" });
    // It is carried as far as the contract, which knows no such group.
    expect([said.status, said.body.code]).to.deep.equal([404, "ERR_NOT_FOUND_ON_CHAIN"]);
    const data = new Contract(escrow, keyEscrowAbi).interface.encodeFunctionData("vetoRecovery", [group]);
    const refused = await relayer.post("/v1/requests", { target: escrow, data }, { "idempotency-key": "veto" });
    expect([refused.status, refused.body.code]).to.deep.equal([403, "ERR_AUTH_TARGET"]);
  });
});
