import { Contract, type EventLog, type Provider } from "ethers";

import { decodeEvidence, type DecodedEvidence, evidenceHashOf } from "../../protocol/attestation/evidence.ts";
import { unpackRecord, unpackVerdicts } from "../../protocol/attestation/record.ts";
import { formatEthrDid } from "../../protocol/did/ethr.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { fromHex, type Hex, toHex } from "../../protocol/encoding/hex.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";

export interface AttestedKeysOptions {
  readonly provider: Provider;
  readonly chainId: bigint;
  /** Address of the AttestationRegistry. */
  readonly registry: string;
  /** Block from which on there are events. */
  readonly sinceBlock: number;
  /** Where an agent's wrapper listens; undefined while it is not known. */
  readonly urlOf: (agent: string) => Promise<string | undefined> | string | undefined;
  readonly timeoutMs?: number;
}

/**
 * The X25519 key of an agent's attested evidence: evidence whose hash stands, with a PASS, in the record on chain that the
 * agent's trust rests on. The wrapper is asked for it, and could give nothing else that has this hash.
 */
export class AttestedKeys {
  readonly #options: AttestedKeysOptions;
  readonly #registry: Contract;
  /** A record never changes, and its evidence's key neither: by agent, for the record it was last read of. */
  readonly #known = new Map<string, { readonly record: bigint; readonly key: Uint8Array }>();

  constructor(options: AttestedKeysOptions) {
    this.#options = options;
    this.#registry = new Contract(options.registry, iAttestationRegistryAbi, options.provider);
  }

  /** @returns 32 bytes; undefined if there is no such evidence to be had: nothing can be sealed to the agent now */
  async of(agent: string): Promise<Uint8Array | undefined> {
    const passed = await this.#lastPass(agent);
    if (!passed) return undefined;
    const known = this.#known.get(agent.toLowerCase());
    if (known?.record === passed.record) return known.key;
    for (const hash of passed.evidenceHashes) {
      const key = await this.#keyIn(agent, hash);
      if (!key) continue;
      this.#known.set(agent.toLowerCase(), { record: passed.record, key });
      return key;
    }
    return undefined;
  }

  /** The newest record with a PASS, which made or kept the agent trusted, and the evidence that its verdicts name. */
  async #lastPass(agent: string): Promise<{ record: bigint; evidenceHashes: readonly Hex[] } | undefined> {
    const filter = this.#registry.filters["AttestationRecorded"]?.(agent);
    if (!filter) return undefined;
    const events = (await this.#registry.queryFilter(filter, this.#options.sinceBlock)) as EventLog[];
    for (const { args } of events.reverse()) {
      const [, , , record, verdicts] = args as unknown as [string, bigint, bigint, bigint, readonly Hex[]];
      const { passes } = unpackRecord(record);
      const evidenceHashes = unpackVerdicts(verdicts)
        .filter(({ result }) => result === "pass")
        .map(({ evidenceHash }) => evidenceHash);
      if (passes > 0 && evidenceHashes.length > 0) return { record, evidenceHashes };
    }
    return undefined;
  }

  async #keyIn(agent: string, hash: Hex): Promise<Uint8Array | undefined> {
    const evidence = await this.#fetch(agent, hash);
    if (evidence === undefined || evidenceHashOf(evidence) !== hash) return undefined;
    const decoded = evidenceIn(evidence);
    if (!decoded) return undefined;
    const { claims, signature, signingInput, publicKey } = decoded;
    const ours = claims.agent === formatEthrDid(this.#options.chainId, agent);
    if (!ours || !verifyNative(signature, signingInput, publicKey)) return undefined;
    return (await this.#isSigningKey(agent, publicKey)) ? fromHex(claims.encryptionKey, 32) : undefined;
  }

  /** That this evidence was a PASS is a verifier's word, which may be a lie; whose it is, the agent registry says. */
  async #isSigningKey(agent: string, publicKey: Uint8Array): Promise<boolean> {
    const { provider } = this.#options;
    const at = (await this.#registry.getFunction("agentRegistry").staticCall()) as string;
    const valid = new Contract(at, agentRegistryAbi, provider).getFunction("signingKeyValidAt");
    return (await valid.staticCall(agent, toHex(publicKey), await provider.getBlockNumber())) as boolean;
  }

  async #fetch(agent: string, hash: Hex): Promise<string | undefined> {
    const url = await this.#options.urlOf(agent);
    if (url === undefined) return undefined;
    try {
      const response = await fetch(`${url}/v1/attestation/evidence/${hash}`, {
        redirect: "error",
        signal: AbortSignal.timeout(this.#options.timeoutMs ?? 5_000),
      });
      const { evidence } = (await response.json()) as { evidence?: unknown };
      return typeof evidence === "string" ? evidence : undefined;
    } catch {
      return undefined; // it is away: the next step asks again
    }
  }
}

/** A verifier may have passed anything at all: what cannot be read is nobody's evidence. */
function evidenceIn(text: string): DecodedEvidence | undefined {
  try {
    return decodeEvidence(text);
  } catch (error) {
    if (isAffiantError(error)) return undefined;
    throw error;
  }
}
