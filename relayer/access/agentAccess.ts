import { formatKeyDid, type KeyDid, parseKeyDid } from "../../protocol/did/key.ts";
import { verifyNative } from "../../protocol/ed25519/nodeVerify.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { toHex } from "../../protocol/encoding/hex.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { type Call, parseCall } from "../../protocol/ucan/callMessage.ts";
import { contractIdOf, type Delegation } from "../../protocol/ucan/delegation.ts";
import { isSigned, keyOfDid } from "../../protocol/ucan/isSigned.ts";
import { verifyInvocation } from "../../protocol/ucan/verifyInvocation.ts";
import type { ContractReader } from "../chain/contracts.ts";
import type { Registries } from "../chain/registries.ts";

export interface AgentAccessOptions {
  readonly registries: Registries;
  readonly scopedContracts: ContractReader;
  /** Unix seconds. */
  readonly nowSec: () => number;
}

/** What is asked, of what, and whose it is. */
export interface AccessRequest {
  /** Command of the invocation, e.g. `/disclosure/read`. */
  readonly command: string;
  /**
   * Arguments that the invocation must name, in lower case: what it is about, and where. A call made for another log or
   * another chain is refused, so that no relayer can use at another what it was sent.
   */
  readonly args: Readonly<Record<string, string>>;
  /** The did:ethr that it belongs to. */
  readonly owner: string;
}

const clockSkewSec = 5;
/** A call that lives longer could be sent again by whoever saw it. */
const maxLifetimeSec = 300;

/**
 * Whether the caller may have what is kept here for an agent: a UCAN invocation whose subject is a current signing key
 * of the agent, made by that key itself or by whom it allows through contracts, none of them revoked. All commands can
 * be repeated without harm, so no memory of calls is kept.
 */
export class AgentAccess {
  readonly #options: AgentAccessOptions;

  constructor(options: AgentAccessOptions) {
    this.#options = options;
  }

  /**
   * @param message body of the request, of unknown form
   * @throws AffiantError ERR_INPUT_UCAN, ERR_AUTH_CONTRACT_*, ERR_AUTH_SIGNING_KEY, ERR_UNAVAILABLE_CHAIN
   */
  async check(message: unknown, request: AccessRequest): Promise<void> {
    const { invocation, delegations } = parseCall(message);
    const nowSec = this.#options.nowSec();
    this.#checkTask(invocation, request, nowSec);
    // Nobody makes us ask the chain in somebody else's name.
    if (!isSigned(invocation, verifyNative)) {
      throw new AffiantError("ERR_AUTH_CONTRACT_SIGNATURE", "the call's signature does not verify");
    }
    const owner = await this.#keyOf(request.owner, invocation.subject);
    const terms = { owner, executor: owner, nowSec, clockSkewSec, verifySignature: verifyNative };
    const verdict = verifyInvocation(invocation, delegations, terms);
    if (!verdict.allowed) {
      const details = verdict.link === undefined ? {} : { link: verdict.link };
      throw new AffiantError(verdict.code, verdict.detail, { details });
    }
    await this.#checkRevocation(verdict.chain);
  }

  /** The key that is said to be the agent's, once the chain has said so. */
  async #keyOf(agent: string, subject: string): Promise<KeyDid> {
    const key = keyOfDid(subject);
    if (!key) throw new AffiantError("ERR_AUTH_SIGNING_KEY", `not a signing key of ${agent}`);
    await this.#options.registries.checkKeyNow(agent, toHex(key));
    return formatKeyDid(key);
  }

  #checkTask({ command, args, expiresAtSec }: Call["invocation"], request: AccessRequest, nowSec: number): void {
    if (command !== request.command) throw scope(`the call is not ${request.command}`);
    for (const [name, value] of Object.entries(request.args)) {
      if (args[name] !== value) throw scope(`the call is made for another ${name}`);
    }
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
