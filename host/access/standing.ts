import type { ScopeConditions } from "../../protocol/access/conditions.ts";
import type { Deployment } from "../../protocol/deployment.ts";
import { parseEthrDid } from "../../protocol/did/ethr.ts";
import { isAffiantError } from "../../protocol/errors/affiantError.ts";
import type { ErrorCode } from "../../protocol/errors/codes.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import { attestationDeskAbi } from "../../protocol/generated/abi/AttestationDesk.ts";
import { attestationRegistryAbi } from "../../protocol/generated/abi/AttestationRegistry.ts";
import { keyEscrowAbi } from "../../protocol/generated/abi/KeyEscrow.ts";
import { policyRegistryAbi } from "../../protocol/generated/abi/PolicyRegistry.ts";
import { type ChainView, type ReadableContract, readable } from "./chainView.ts";

export type StandingVerdict =
  | {
      readonly stands: true;
      /** The block that all of it was asked of. */
      readonly block: number;
      /** How often trust had been lost; absent where none was asked for. */
      readonly losses?: number;
      /** Last block of the attestation; absent where none was asked for. */
      readonly untilBlock?: number;
    }
  | { readonly stands: false; readonly code: ErrorCode; readonly detail: string };

/** What the proxy answers: its own functions, and those that it hands on. */
const attestationAbi = [...attestationRegistryAbi, ...attestationDeskAbi].filter(({ type }) => type === "function");
/** Of OpenZeppelin's AccessManager. */
const accessManagerAbi = [
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)",
];

interface Contracts {
  readonly agents: ReadableContract;
  readonly attestation: ReadableContract;
  readonly policies: ReadableContract;
  readonly escrow: ReadableContract;
  readonly roles: ReadableContract;
}

/** Says of an agent, for the newest block, whether it meets what scopes ask for. */
export class Standings {
  readonly #view: ChainView;
  readonly #contracts: Contracts;
  readonly #chainId: bigint;

  constructor(view: ChainView, { chainId, contracts }: Deployment) {
    this.#view = view;
    this.#chainId = BigInt(chainId);
    this.#contracts = {
      agents: readable(contracts.agentRegistry.address, agentRegistryAbi),
      attestation: readable(contracts.attestationRegistry.address, attestationAbi),
      policies: readable(contracts.policyRegistry.address, policyRegistryAbi),
      escrow: readable(contracts.keyEscrow.address, keyEscrowAbi),
      roles: readable(contracts.accessManager.address, accessManagerAbi),
    };
  }

  /**
   * Whether an agent meets all conditions at one and the same block. Never throws: what the chain does not say is refused, with a
   * code that says so.
   * @param did of unknown origin
   */
  async judge(did: string, conditions: readonly ScopeConditions[]): Promise<StandingVerdict> {
    try {
      const { chainId, address } = parseEthrDid(did);
      if (chainId !== this.#chainId) return refused("the DID is of another chain");
      for (let attempt = 0; attempt < 3; attempt++) {
        const before = await this.#view.head();
        const verdict = await this.#judgeAt(before.number, address, conditions);
        // A block that came in between would make this a verdict of two states.
        if ((await this.#view.head()).hash === before.hash) return verdict;
      }
      return { stands: false, code: "ERR_UNAVAILABLE_CHAIN", detail: "blocks come faster than they can be read" };
    } catch (error) {
      if (isAffiantError(error, "ERR_INPUT_DID")) return refused("the subject is no agent's DID");
      const detail = isAffiantError(error) ? error.message : "the chain does not answer";
      return { stands: false, code: "ERR_UNAVAILABLE_CHAIN", detail };
    }
  }

  /** Whether a key is one of the agent's signing keys, of an agent that is active, now. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
  async isSigningKey(address: string, publicKeyHex: string): Promise<boolean> {
    const { number } = await this.#view.head();
    const valid = await this.#one(this.#contracts.agents, "signingKeyValidAt", [address, publicKeyHex, number]);
    return valid === true && (await this.#one(this.#contracts.agents, "isActive", [address])) === true;
  }

  /** The commitment of the agent's zero-knowledge identity; 0 if there is none. @throws AffiantError ERR_UNAVAILABLE_CHAIN */
  async commitmentOf(address: string): Promise<bigint> {
    const commitment = await this.#one(this.#contracts.agents, "commitmentOf", [address]);
    return typeof commitment === "bigint" ? commitment : 0n;
  }

  async #judgeAt(block: number, address: string, conditions: readonly ScopeConditions[]): Promise<StandingVerdict> {
    const { agents, policies } = this.#contracts;
    if ((await this.#one(agents, "isActive", [address])) !== true) return refused("not an active agent");
    const attested = conditions.some((one) => one.attested !== false);
    const trust = attested ? await this.#trust(address) : {};
    if (trust === undefined) return refused("not attested, or not trusted any more");
    if (conditions.some((one) => one.policy !== false)) {
      const inForce = await this.#view.read(policies, "inForce", [address, block]);
      if (!inForce || !(typeof inForce[1] === "bigint" && inForce[1] > 0n)) return refused("no policy in force");
    }
    for (const { group, role } of conditions) {
      if (group !== undefined && !(await this.#isMember(group, address))) return refused("not a member of the group");
      if (role !== undefined && !(await this.#hasRole(role, address))) return refused("does not hold the role");
    }
    return { stands: true, block, ...trust };
  }

  async #trust(address: string): Promise<{ readonly losses: number; readonly untilBlock: number } | undefined> {
    const { attestation } = this.#contracts;
    const [trust, standing] = await Promise.all([
      this.#view.read(attestation, "trustOf", [address]),
      this.#view.read(attestation, "statusOf", [address]),
    ]);
    if (trust?.[0] !== true) return undefined;
    const until = (standing?.[0] as { readonly expiresAtBlock?: unknown } | undefined)?.expiresAtBlock;
    if (typeof until !== "bigint") return undefined;
    return { losses: Number(trust[1]), untilBlock: Number(until) };
  }

  async #isMember(group: string, address: string): Promise<boolean> {
    return (await this.#one(this.#contracts.escrow, "isMember", [group, address])) === true;
  }

  /** A role is held by accounts: by the one that owns the agent. */
  async #hasRole(role: bigint, address: string): Promise<boolean> {
    const owner = await this.#one(this.#contracts.agents, "activeOwner", [address]);
    if (typeof owner !== "string") return false;
    return (await this.#one(this.#contracts.roles, "hasRole", [role, owner])) === true;
  }

  async #one(contract: ReadableContract, name: string, args: readonly unknown[]): Promise<unknown> {
    return (await this.#view.read(contract, name, args))?.[0];
  }
}

function refused(detail: string): StandingVerdict {
  return { stands: false, code: "ERR_AUTH_STANDING", detail };
}
