import { AbiCoder, type FunctionFragment, type Interface } from "ethers";

import { checkCardUri } from "../../protocol/card/cardUri.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** A function that this relayer carries for others. */
export interface AllowedCall {
  readonly name: string;
  /** The agent that the call is for, lower-case address; the contract's own where the call names none. */
  readonly agent: string;
  /** The same call may be asked for again once it is mined: nothing in it is used up. */
  readonly repeatable: boolean;
  /** False where the contract's state decides alone what the call does: it begins nothing for a newcomer. */
  readonly needsAdmission: boolean;
}

/** A contract whose calls are carried. */
export interface CarriedContract {
  readonly abi: Interface;
  /** Functions beside `…Signed` that are carried. */
  readonly open?: Readonly<Record<string, OpenFunction>>;
  /** What is asked of a function's arguments here already, so that nothing of it is simulated, kept or shown. */
  readonly checks?: Readonly<Record<string, (args: readonly unknown[]) => void>>;
}

/** A function that anybody may call, because its arguments or the contract's state decide alone what it does. */
export interface OpenFunction {
  /** Index of the argument that names the agent. Absent: the call is charged to the contract's own account. */
  readonly agentArgument?: number;
  /** Its arguments are the same each time; the contract refuses it while it is not due. */
  readonly repeatable?: boolean;
  /** Default true. */
  readonly needsAdmission?: boolean;
}

/** Of the agent registry: an address that the contract would not take. @throws AffiantError ERR_INPUT_CARD_URI */
export const agentCallChecks = {
  setCardSigned: ([, uri]: readonly unknown[]): void => checkCardUri(String(uri)),
} as const;

/** Of the agent registry: a proof is bound to its arguments. */
export const openAgentCalls = { proveKeyOwnership: { agentArgument: 0 } } as const;

/**
 * Of the attestation registry: verdicts are signed, the draw takes the secret that was committed to, and rounds end when
 * they are over. None of them can be carried to no effect: what is not due, or was done, reverts and is not sent.
 */
export const openAttestationCalls = {
  introduce: { agentArgument: 0, needsAdmission: false },
  recordVerdicts: { agentArgument: 1, needsAdmission: false },
  drawRound: { needsAdmission: false },
  voidRound: { repeatable: true, needsAdmission: false },
  closeRound: { repeatable: true, needsAdmission: false },
  prune: { repeatable: true, needsAdmission: false },
} as const;

interface CarriedFunction {
  readonly fragment: FunctionFragment;
  readonly rule: OpenFunction;
  readonly check: ((args: readonly unknown[]) => void) | undefined;
}

/**
 * Calldata may point many arrays at the same bytes: decoded it is then larger than it is long, by a factor of its writer's
 * choice. What is canonically encoded is read about once; a decoder that has read this many times as much stops.
 */
AbiCoder._setDefaultMaxInflation(8);
const coder = AbiCoder.defaultAbiCoder();

/**
 * Which calls of others are carried: functions that prove by themselves who asked for them (`…Signed`: an EIP-712
 * signature), and those that anybody may call, of our registries only. Such a call does the same whoever sends it, so the
 * relayer can delay it but not change it.
 */
export class AllowList {
  /** By address, lower case, and selector. Asking an Interface would hash every signature of the contract each time. */
  readonly #functions = new Map<string, CarriedFunction>();

  /** @param targets by address */
  constructor(targets: ReadonlyMap<string, CarriedContract>) {
    for (const [address, contract] of targets) {
      contract.abi.forEachFunction((fragment) => {
        const rule = ruleOf(contract, fragment);
        const check = contract.checks?.[fragment.name];
        if (rule) this.#functions.set(address.toLowerCase() + fragment.selector, { fragment, rule, check });
      });
    }
  }

  /**
   * @throws AffiantError ERR_AUTH_TARGET for any other contract or function, ERR_INPUT_ENCODING for calldata that is
   * not the one encoding of its arguments, ERR_INPUT_CARD_URI
   */
  check(target: string, data: string): AllowedCall {
    const selector = data.slice(0, 10);
    const found = this.#functions.get(target.toLowerCase() + selector);
    if (!found) {
      throw new AffiantError("ERR_AUTH_TARGET", "only the registries' …Signed functions are carried", {
        details: { target, selector },
      });
    }
    const { fragment, rule, check } = found;
    const args = decodeCanonical(fragment, data);
    check?.(args);
    const agent = rule.agentArgument === undefined ? target : args[rule.agentArgument];
    return {
      name: fragment.name,
      agent: String(agent).toLowerCase(),
      repeatable: rule.repeatable ?? false,
      needsAdmission: rule.needsAdmission ?? true,
    };
  }
}

function ruleOf({ open }: CarriedContract, { name, inputs }: FunctionFragment): OpenFunction | undefined {
  if (!name.endsWith("Signed")) return open?.[name];
  return inputs[0]?.type === "address" ? { agentArgument: 0 } : undefined;
}

function decodeCanonical(fragment: FunctionFragment, data: string): readonly unknown[] {
  let args: readonly unknown[];
  let canonical: string;
  try {
    args = coder.decode(fragment.inputs, `0x${data.slice(10)}`);
    canonical = data.slice(0, 10) + coder.encode(fragment.inputs, args).slice(2);
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_ENCODING", `the calldata does not decode as ${fragment.name}`, { cause });
  }
  // Trailing bytes would make two requests, and two charges, of one.
  if (canonical !== data) throw new AffiantError("ERR_INPUT_ENCODING", "the calldata is not canonically encoded");
  return args;
}
