import { type Interface } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** A function that this relayer carries for others. */
export interface AllowedCall {
  readonly name: string;
  /** The agent that the call is for, lower-case address. */
  readonly agent: string;
}

/**
 * Which calls of others are carried: functions that prove by themselves who asked for them (`…Signed`: an EIP-712
 * signature; `proveKeyOwnership`: a proof bound to its arguments), of our registries only. Such a call does the same
 * whoever sends it, so the relayer can delay it but not change it.
 */
export class AllowList {
  readonly #targets: ReadonlyMap<string, Interface>;

  /** @param targets address → ABI */
  constructor(targets: ReadonlyMap<string, Interface>) {
    this.#targets = new Map([...targets].map(([address, abi]) => [address.toLowerCase(), abi]));
  }

  /**
   * @throws AffiantError ERR_AUTH_TARGET for any other contract or function, ERR_INPUT_ENCODING for calldata that is
   * not the one encoding of its arguments
   */
  check(target: string, data: string): AllowedCall {
    const abi = this.#targets.get(target.toLowerCase());
    const fragment = abi?.getFunction(data.slice(0, 10));
    if (!abi || !fragment || !(fragment.name.endsWith("Signed") || fragment.name === "proveKeyOwnership")) {
      throw new AffiantError("ERR_AUTH_TARGET", "only the registries' …Signed functions are carried", {
        details: { target, selector: data.slice(0, 10) },
      });
    }
    const [first] = fragment.inputs;
    if (first?.type !== "address") throw new AffiantError("ERR_AUTH_TARGET", `${fragment.name} names no agent`);
    let agent: unknown;
    let canonical: string;
    try {
      const args = abi.decodeFunctionData(fragment, data);
      agent = args[0];
      canonical = abi.encodeFunctionData(fragment, args);
    } catch (cause) {
      throw new AffiantError("ERR_INPUT_ENCODING", `the calldata does not decode as ${fragment.name}`, { cause });
    }
    // Trailing bytes would make two requests, and two charges, of one.
    if (canonical !== data) throw new AffiantError("ERR_INPUT_ENCODING", "the calldata is not canonically encoded");
    return { name: fragment.name, agent: String(agent).toLowerCase() };
  }
}
