import { Http, type HttpOptions } from "./http.ts";
import type { KeyOwnershipSubmission } from "../../protocol/api/keyOwnershipProof.ts";
import type { DisclosuresAnswer, ErasureAnswer } from "../../protocol/api/disclosures.ts";
import type { AnchorInfo, Receipt } from "../../protocol/api/receipt.ts";
import type { SealedKeyAnswer, SealedKeysAnswer, SealedKeysUpload } from "../../protocol/api/sealedKeys.ts";
import type {
  AgentEntries,
  AgentHead,
  BatchResult,
  EntrySubmission,
  LogInfo,
  RequestStatus,
  SponsoredCall,
} from "../../protocol/api/types.ts";
import type { EthrDid } from "../../protocol/did/ethr.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { canonicalJsonBytes, parseCanonicalJson } from "../../protocol/json/canonical.ts";
import type { PolicyBundle } from "../../protocol/policy/types.ts";
import type { CallMessage } from "../../protocol/ucan/callMessage.ts";

export interface RelayerClientOptions extends HttpOptions {
  /** Of the relayer's operator, for what is the operator's alone. */
  readonly operatorToken?: string | undefined;
  /** Secret of a ticket, where the relayer asks newcomers for one. */
  readonly admissionTicket?: string | undefined;
}

/**
 * The relayer's HTTP API, typed. Every method throws AffiantError with the code of the relayer's problem, or
 * ERR_UNAVAILABLE_RELAYER. Nothing it returns is verified here.
 */
export class RelayerClient {
  readonly url: string;
  readonly #http: Http;
  readonly #operatorToken: string | undefined;
  readonly #admission: Readonly<Record<string, string>>;

  constructor(options: RelayerClientOptions) {
    this.#http = new Http(options);
    this.#operatorToken = options.operatorToken;
    this.#admission = options.admissionTicket === undefined ? {} : { "admission-ticket": options.admissionTicket };
    this.url = this.#http.url;
  }

  /** Hands one entry in. An entry that is there already gives its receipt again. */
  submit(entry: EntrySubmission): Promise<Receipt> {
    return this.#http.json({ method: "POST", path: "/v1/entries", body: entry });
  }

  /** Hands up to `maxBatchEntries` entries in; one result each, in order. */
  async submitBatch(entries: readonly EntrySubmission[]): Promise<readonly BatchResult[]> {
    const { results } = await this.#http.json<{ results: readonly BatchResult[] }>({
      method: "POST",
      path: "/v1/entries:batch",
      body: { entries },
    });
    if (!Array.isArray(results) || results.length !== entries.length) {
      throw new AffiantError("ERR_UNAVAILABLE_RELAYER", "the relayer did not answer for each entry of the batch");
    }
    return results;
  }

  receipt(entryId: Hex): Promise<Receipt> {
    return this.#get(`/v1/entries/${entryId}/receipt`);
  }

  /** @param call a signed `/disclosure/read` (`agent/disclosures/`) */
  async readDisclosures(entryId: Hex, call: CallMessage): Promise<readonly string[]> {
    const path = `/v1/entries/${entryId}/disclosures:read`;
    return (await this.#http.json<DisclosuresAnswer>({ method: "POST", path, body: call })).disclosures;
  }

  /** @param call a signed `/disclosure/erase`. @returns false if nothing was kept */
  async eraseDisclosures(entryId: Hex, call: CallMessage): Promise<boolean> {
    const path = `/v1/entries/${entryId}/disclosures:erase`;
    return (await this.#http.json<ErasureAnswer>({ method: "POST", path, body: call })).erased;
  }

  /** Leaves sealed keys for their holders. Sent again, they are the same keys. */
  putSealedKeys(group: Hex, keyCommitment: Hex, upload: SealedKeysUpload): Promise<SealedKeysAnswer> {
    return this.#http.json({ method: "PUT", path: `/v1/groups/${group}/keys/${keyCommitment}`, body: upload });
  }

  /**
   * @param whose the member's address in lower case, or `recovery/<request id>`
   * @param call a signed `/escrow/key/read`
   */
  readSealedKey(group: Hex, keyCommitment: Hex, whose: string, call: CallMessage): Promise<SealedKeyAnswer> {
    const path = `/v1/groups/${group}/keys/${keyCommitment}/${whose}:read`;
    return this.#http.json({ method: "POST", path, body: call });
  }

  /** Where an agent's entries end: in the newest tree, or in that of a size at which a checkpoint was signed. */
  head(did: EthrDid, size?: number): Promise<AgentHead> {
    return this.#get(`/v1/agents/${did}/head${size === undefined ? "" : `?size=${size}`}`);
  }

  entriesOf(did: EthrDid, from: number, limit: number): Promise<AgentEntries> {
    return this.#get(`/v1/agents/${did}/entries?from=${from}&limit=${limit}`);
  }

  log(): Promise<LogInfo> {
    return this.#get("/v1/log");
  }

  /** @returns the newest checkpoint, or the one of a size that was once signed: a signed note */
  async checkpoint(size?: number): Promise<string> {
    const query = size === undefined ? "" : `?size=${size}`;
    return (await this.#http.send({ method: "GET", path: `/v1/log/checkpoint${query}` })).text;
  }

  /** @returns RFC 9162 inclusion proof, leaf side first, 32 bytes each */
  async inclusionProof(index: number, size: number): Promise<readonly Hex[]> {
    return (await this.#get<{ proof: Hex[] }>(`/v1/log/proof/inclusion?index=${index}&size=${size}`)).proof;
  }

  async consistencyProof(from: number, to: number): Promise<readonly Hex[]> {
    return (await this.#get<{ proof: Hex[] }>(`/v1/log/proof/consistency?from=${from}&to=${to}`)).proof;
  }

  /** Anchors by their index, up to `limit` of them. */
  async anchors(from = 0, limit = 100): Promise<readonly AnchorInfo[]> {
    return (await this.#get<{ anchors: AnchorInfo[] }>(`/v1/log/anchors?from=${from}&limit=${limit}`)).anchors;
  }

  /**
   * Asks the relayer to anchor now what is in the log; it answers before that is done.
   * @throws AffiantError ERR_AUTH_OPERATOR without the operator's token
   */
  async requestAnchor(): Promise<void> {
    const token = this.#operatorToken;
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    await this.#http.send({ method: "POST", path: "/v1/log/anchor", headers });
  }

  /** Leaves a bundle where auditors and others find it by its hash. @param agent address of who has committed to it */
  async putPolicy(hash: Hex, bundle: PolicyBundle, agent: string): Promise<void> {
    const path = `/v1/policies/${hash}?agent=${agent.toLowerCase()}`;
    await this.#http.send({ method: "PUT", path, body: canonicalJsonBytes(bundle) });
  }

  /** @returns the bundle as it came; the caller checks its hash */
  async policy(hash: Hex): Promise<PolicyBundle> {
    const { text } = await this.#http.send({ method: "GET", path: `/v1/policies/${hash}` });
    return parseCanonicalJson(text) as unknown as PolicyBundle;
  }

  /** Has the relayer carry a signed call to a registry. The same key with the same call is the same request. */
  async sendCall(call: SponsoredCall, idempotencyKey: string): Promise<{ readonly id: string }> {
    const headers = { "idempotency-key": idempotencyKey, ...this.#admission };
    return this.#http.json({ method: "POST", path: "/v1/requests", body: call, headers });
  }

  /** Hands in a proof of key ownership: checked off chain, then carried. The same claim again is the same request. */
  proveKeyOwnership(submission: KeyOwnershipSubmission): Promise<{ readonly id: string }> {
    return this.#http.json({
      method: "POST",
      path: "/v1/proofs/key-ownership",
      body: submission,
      headers: this.#admission,
    });
  }

  callStatus(id: string): Promise<RequestStatus> {
    return this.#get(`/v1/requests/${encodeURIComponent(id)}`);
  }

  #get<T>(path: string): Promise<T> {
    return this.#http.json<T>({ method: "GET", path });
  }
}
