import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

import { Wallet } from "ethers";

import { formatKeyDid } from "../../../protocol/did/key.ts";
import { formatEthrDid } from "../../../protocol/did/ethr.ts";
import { type Hex, toHex } from "../../../protocol/encoding/hex.ts";
import type { EntryClaims, NotBeforeBlock } from "../../../protocol/entry/claims.ts";
import { entryType } from "../../../protocol/entry/leaf.ts";
import { canonicalJsonBytes } from "../../../protocol/json/canonical.ts";
import { agentRegistryAbi } from "../../../protocol/generated/abi/AgentRegistry.ts";
import { policyRegistryAbi } from "../../../protocol/generated/abi/PolicyRegistry.ts";
import type { World } from "./world.ts";

const policy = `0x${"ab".repeat(32)}` as Hex;

/** A registered agent that signs entries as fast as the machine allows. */
export class Writer {
  readonly did: string;
  readonly publicKey: Uint8Array;
  readonly #key: KeyObject;
  readonly #header: string;
  readonly #nb: NotBeforeBlock;
  #seq = 0;
  #prev: Hex | null = null;

  private constructor(did: string, key: KeyObject, publicKey: Uint8Array, nb: NotBeforeBlock) {
    this.did = did;
    this.publicKey = publicKey;
    this.#key = key;
    this.#nb = nb;
    const header = { alg: "EdDSA", kid: formatKeyDid(publicKey), typ: entryType };
    this.#header = Buffer.from(canonicalJsonBytes(header)).toString("base64url");
  }

  /** Registers `count` agents and commits their policies. */
  static async register(world: World, count: number): Promise<Writer[]> {
    const agents = Array.from({ length: count }, () => {
      const { privateKey, publicKey } = generateKeyPairSync("ed25519");
      const bytes = Buffer.from(publicKey.export({ format: "jwk" }).x as string, "base64url");
      return { account: new Wallet(toHex(randomBytes(32)), world.provider), privateKey, publicKey: bytes };
    });
    await Promise.all(
      agents.map(async ({ account, publicKey }) => {
        await world.provider.send("anvil_setBalance", [account.address, "0x56bc75e2d63100000"]);
        const registry = world.contract("agentRegistry", agentRegistryAbi, account);
        await (await registry.getFunction("register")(toHex(publicKey))).wait();
        const policies = world.contract("policyRegistry", policyRegistryAbi, account);
        await (await policies.getFunction("commit")(account.address, policy)).wait();
      }),
    );
    const block = await world.provider.getBlock("latest");
    const { chainId } = world.deployment;
    const nb = { blockHash: block?.hash as Hex, blockNumber: block?.number ?? 0, chainId };
    return agents.map(({ account, privateKey, publicKey }) => {
      return new Writer(formatEthrDid(BigInt(chainId), account.address), privateKey, publicKey, nb);
    });
  }

  /** The next `count` entries, about 800 bytes each: leaves as they are sent. */
  sign(count: number): string[] {
    return Array.from({ length: count }, () => this.#next());
  }

  #next(): string {
    const digest = createHash("sha256").update(`${this.did}${this.#seq}`).digest("base64url");
    const claims: EntryClaims = {
      _sd: [digest],
      _sd_alg: "sha-256",
      act: "bench.act",
      iat: 1_800_000_000,
      iss: this.did as EntryClaims["iss"],
      kind: "act",
      nb: this.#nb,
      policy,
      prev: this.#prev,
      seq: this.#seq,
    };
    // The claims above stand in canonical order and hold nothing that RFC 8785 would write otherwise.
    const input = `${this.#header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
    const leaf = `${input}.${sign(null, Buffer.from(input, "latin1"), this.#key).toString("base64url")}`;
    this.#seq++;
    this.#prev = `0x${createHash("sha256").update(leaf).digest("hex")}`;
    return leaf;
  }
}
