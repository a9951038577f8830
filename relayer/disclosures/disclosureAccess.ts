import { parseKeyDid } from "../../protocol/did/key.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Call, parseCall } from "../../protocol/ucan/callMessage.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import { verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import { disclosureCommands, type DisclosureCommand } from "../../protocol/api/disclosures.ts";
import { type ContractReader } from "../chain/contracts.ts";
import { type Registries } from "../chain/registries.ts";

export interface DisclosureAccessOptions {
  /** Of this log: a call made for another log is refused, so that no relayer can use at another what it was sent. */
  readonly logId: string;
  readonly registries: Registries;
  readonly scopedContracts: ContractReader;
  /** Unix seconds. */
  readonly nowSec: () => number;
}

/** What is asked of which entry, and whose it is. */
export interface DisclosureRequest {
  readonly command: DisclosureCommand;
  readonly entryId: string;
  /** The did:ethr that signed the entry. */
  readonly owner: string;
}

const clockSkewSec = 5;
/** A call that lives longer could be sent again by whoever saw it. */
const maxLifetimeSec = 300;

/**
 * Whether the caller may read or erase the disclosures of an entry: a UCAN invocation whose subject is a current signing
 * key of the entry's agent, made by that key itself or by whom it allows through contracts, none of them revoked.
 * Both commands can be repeated without harm, so no memory of calls is kept.
 */
export class DisclosureAccess {
  readonly #options: DisclosureAccessOptions;

  constructor(options: DisclosureAccessOptions) {
    this.#options = options;
  }

  /**
   * @param message body of the request, of unknown form
   * @throws AffiantError ERR_INPUT_UCAN, ERR_AUTH_CONTRACT_*, ERR_AUTH_SIGNING_KEY, ERR_UNAVAILABLE_CHAIN
   */
  async check(message: unknown, request: DisclosureRequest): Promise<void> {
    const { invocation, delegations } = parseCall(message);
    const nowSec = this.#options.nowSec();
    this.#checkTask(invocation, request, nowSec);
    const verdict = verifyInvocation(invocation, delegations, {
      nowSec,
      executor: invocation.subject,
      clockSkewSec,
      verifySignature: verifyNative,
    });
    if (!verdict.allowed) {
      const details = verdict.link === undefined ? {} : { link: verdict.link };
      throw new AffiantError(verdict.code, verdict.detail, { details });
    }
    await this.#options.registries.checkKeyNow(request.owner, toHex(parseKeyDid(invocation.subject)));
    await this.#checkRevocation(verdict.chain);
  }

  #checkTask(invocation: Call["invocation"], { command, entryId }: DisclosureRequest, nowSec: number): void {
    const { args, expiresAtSec } = invocation;
    if (invocation.command !== disclosureCommands[command])
      throw scope(`the call is not ${disclosureCommands[command]}`);
    if (args["entryId"] !== entryId) throw scope("the call is about another entry");
    if (args["logId"] !== this.#options.logId) throw scope("the call is made for another log");
    if (expiresAtSec === null || expiresAtSec > nowSec + maxLifetimeSec + clockSkewSec) {
      throw new AffiantError("ERR_AUTH_CONTRACT_TIME", `the call does not expire within ${maxLifetimeSec} seconds`);
    }
  }

  /** One `eth_call` for the whole chain of contracts. No answer is never taken for "not revoked". */
  async #checkRevocation(chain: readonly Delegation[]): Promise<void> {
    if (chain.length === 0) return;
    const links = chain.map((delegation, link) => {
      const { issuerAgent, issuer } = delegation;
      if (!issuerAgent) {
        const detail = "the contract names no account that could revoke it (meta.agent)";
        throw new AffiantError("ERR_AUTH_CONTRACT_CHAIN", detail, { details: { link } });
      }
      const contractId = contractIdOf(delegation);
      return { contractId, issuer: parseEthrDid(issuerAgent).address, issuerKey: toHex(parseKeyDid(issuer)) };
    });
    const [state, link] = await this.#options.scopedContracts.read("checkChain", [links]);
    if (state === 1n) {
      const detail = "the contract was not signed with a key of the account it names";
      throw new AffiantError("ERR_AUTH_CONTRACT_CHAIN", detail, { details: { link: Number(link) } });
    }
    if (state !== 0n) {
      throw new AffiantError("ERR_AUTH_CONTRACT_REVOKED", "the contract was revoked", {
        details: { link: Number(link) },
      });
    }
  }
}

function scope(detail: string): AffiantError {
  return new AffiantError("ERR_AUTH_CONTRACT_SCOPE", detail);
}
