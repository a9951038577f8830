import { randomBytes } from "node:crypto";

import { Wallet } from "ethers";

import { type Act, signEntry } from "../../../agent/entry/signEntry.ts";
import { SigningKey } from "../../../agent/keys/signingKey.ts";
import { type EthrDid, formatEthrDid } from "../../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import type { NotBeforeBlock } from "../../../protocol/entry/claims.ts";
import type { TestChain } from "./chain.ts";
import { mined } from "../../../orchestrator/chain/mined.ts";

export const testPolicy = `0x${"ab".repeat(32)}` as Hex;

/** An agent reduced to its keys: it signs what a test tells it to, right or wrong. */
export class Actor {
  readonly account = new Wallet(toHex(randomBytes(32)));
  readonly key = new SigningKey(randomBytes(32));
  readonly did: EthrDid;
  readonly #chain: TestChain;
  seq = 0;
  prev: Hex | null = null;

  constructor(chain: TestChain) {
    this.#chain = chain;
    this.did = formatEthrDid(BigInt(chain.deployment.chainId), this.account.address);
  }

  /** An actor whose key and policy stand in the registries. */
  static async registered(chain: TestChain): Promise<Actor> {
    const actor = new Actor(chain);
    await chain.fund(actor.account.address);
    const account = actor.account.connect(chain.provider);
    const agents = chain.agents.connect(account) as typeof chain.agents;
    const policies = chain.policies.connect(account) as typeof chain.policies;
    await mined(agents.getFunction("register").send(toHex(actor.key.publicKey)));
    await mined(policies.getFunction("commit").send(account.address, testPolicy));
    return actor;
  }

  /** Puts another policy in force. */
  async commit(policyHash: Hex): Promise<void> {
    const { policies: unsigned, provider } = this.#chain;
    const policies = unsigned.connect(this.account.connect(provider)) as typeof unsigned;
    await mined(policies.getFunction("commit").send(this.account.address, policyHash));
  }

  async block(tag: number | "latest" = "latest"): Promise<NotBeforeBlock> {
    const block = await this.#chain.provider.getBlock(tag);
    if (!block?.hash) throw new Error(`no block ${tag}`);
    return { blockHash: block.hash as Hex, blockNumber: block.number, chainId: this.#chain.deployment.chainId };
  }

  /** The next entry of its chain; `change` makes it wrong in the ways a test wants. */
  async sign(act: Partial<Act> = {}, change: Partial<Parameters<typeof signEntry>[1]> = {}) {
    const nb = change.nb ?? (await this.block());
    return this.signAt(nb, act, change);
  }

  signAt(nb: NotBeforeBlock, act: Partial<Act> = {}, change: Partial<Parameters<typeof signEntry>[1]> = {}) {
    const place = { iss: this.did, seq: this.seq, prev: this.prev, nb, policy: testPolicy, iat: 1_800_000_000 };
    const entry = signEntry({ act: "test.act", ...act }, { ...place, ...change }, this.key);
    if (change.seq === undefined && change.prev === undefined) {
      this.seq++;
      this.prev = entry.entryId;
    }
    return entry;
  }
}
