import { AbiCoder, getCreateAddress, Interface } from "ethers";

import type { Artifact } from "./artifacts.ts";
import type { TransactionRequest } from "./deployerAccount.ts";

/** Says in words what each transaction of a deployment does. */
export class TransactionNames {
  readonly #artifacts: readonly Artifact[];
  readonly #byAddress = new Map<string, string>();

  constructor(artifacts: ReadonlyMap<string, Artifact>) {
    this.#artifacts = [...artifacts.values()];
  }

  /** Has to see the transactions in their order: later ones name contracts that earlier ones made. */
  nameOf({ from, to, data = "0x", nonce }: Pick<TransactionRequest, "from" | "to" | "data" | "nonce">): string {
    if (to) {
      const target = this.#byAddress.get(to.toLowerCase()) ?? to;
      return `${target}.${this.#functionOf(data)}`;
    }
    const made = this.#artifacts.find(({ bytecode }) => data.startsWith(bytecode));
    const name = made === undefined ? "a contract" : this.#madeOf(made, data);
    this.#byAddress.set(getCreateAddress({ from, nonce: Number(nonce) }).toLowerCase(), name);
    return name;
  }

  #madeOf({ contractName, bytecode }: Artifact, data: string): string {
    if (contractName !== "ERC1967Proxy") return contractName;
    const [implementation] = AbiCoder.defaultAbiCoder().decode(["address"], `0x${data.slice(bytecode.length)}`);
    return `${this.#byAddress.get(String(implementation).toLowerCase()) ?? "a contract"} (proxy)`;
  }

  #functionOf(data: string): string {
    const selector = data.slice(0, 10);
    for (const { abi } of this.#artifacts) {
      const found = new Interface(abi).getFunction(selector);
      if (found) return found.name;
    }
    return selector;
  }
}
