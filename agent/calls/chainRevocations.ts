import { Contract, type Provider } from "ethers";

import { formatEthrDid, parseEthrDid } from "../../protocol/did/ethr.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { contractRegistryAbi } from "../../protocol/generated/abi/ContractRegistry.ts";
import type { ContractLink, RevocationFinding, RevocationSource } from "./revocations.ts";

/** `ContractChainState` of IContractRegistry. */
const inForce = 0n;
const issuerUnbound = 1n;
const revoked = 2n;

/** Reads a chain's ContractRegistry: one `eth_call` for a whole chain of contracts. */
export class ChainRevocations implements RevocationSource {
  readonly #provider: Provider;
  readonly #registry: Contract;
  readonly #chainId: bigint;
  /** The newest block that an answer was of: an endpoint that falls behind must not take back what it said. */
  #newestBlock = 0;

  /**
   * @param provider best a `ChainProvider`, which asks again, and only a chain that it was told of; whatever another one
   *   throws is no answer either
   * @param registry address of the ContractRegistry's proxy
   */
  constructor(provider: Provider, registry: string, chainId: bigint) {
    this.#provider = provider;
    this.#registry = new Contract(registry, contractRegistryAbi, provider);
    this.#chainId = chainId;
  }

  /** @throws AffiantError ERR_UNAVAILABLE_CHAIN, also for a contract whose issuer lives on another chain */
  async read(chain: readonly ContractLink[]): Promise<RevocationFinding> {
    const links = chain.map(({ contractId, issuerAgent, issuerKey }) => {
      const { chainId, address } = parseEthrDid(issuerAgent);
      if (chainId !== this.#chainId) {
        throw new AffiantError("ERR_UNAVAILABLE_CHAIN", `${issuerAgent} lives on a chain that is not read here`);
      }
      return { contractId, issuer: address, issuerKey };
    });
    try {
      // As of the very block that is put beside it, whatever the provider keeps of earlier answers.
      const blockNumber = Math.max(this.#newestBlock, await this.#provider.getBlockNumber());
      const found = await this.#registry.getFunction("checkChain").staticCall(links, { blockTag: blockNumber });
      const [state, link, by, atBlock] = found as unknown as readonly [bigint, bigint, string, bigint];
      this.#newestBlock = Math.max(this.#newestBlock, blockNumber);
      if (state === inForce) return { blockNumber };
      if (state === issuerUnbound) return { blockNumber, unboundLink: Number(link) };
      if (state !== revoked) throw new Error(`a state that this version does not know: ${state}`);
      const author = formatEthrDid(this.#chainId, by);
      return { blockNumber, revoked: { link: Number(link), by: author, blockNumber: Number(atBlock) } };
    } catch (cause) {
      throw new AffiantError("ERR_UNAVAILABLE_CHAIN", "the ContractRegistry cannot be read", { cause });
    }
  }
}
