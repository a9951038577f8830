import { concat, Contract, dataLength, dataSlice, id, Interface, isError, ZeroAddress } from "ethers";

import type { Deployment } from "../../protocol/deployment.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { agentRegistryAbi } from "../../protocol/generated/abi/AgentRegistry.ts";
import type { Rpc } from "./rpc.ts";

/** Who may sign for an agent, as the registry would ask. */
export interface OwnerAccount {
  /** EIP-55; null once the agent was deactivated. */
  readonly owner: string | null;
  /** `key`: an account without code; `delegated`: one whose key delegated to a contract (EIP-7702); `contract` (ERC-1271). */
  readonly kind: "none" | "key" | "delegated" | "contract";
  /** Whose code a delegated account runs. */
  readonly delegate?: string;
  /** Signatures that nobody made and its code takes all the same: with one of them anyone writes in the agent's name. */
  readonly takes: readonly string[];
}

const erc1271 = new Interface(["function isValidSignature(bytes32 digest, bytes signature) view returns (bytes4)"]);
const yes = `0x1626ba7e${"00".repeat(28)}`;
/** EIP-7702: code of a delegated account is this and the address, 23 bytes. */
const delegation = "0xef0100";

/** What nobody signed: empty, all zero (ecrecover then answers zero, as an empty storage slot does), and a stranger's. */
const nobodys: readonly (readonly [what: string, signature: string])[] = [
  ["an empty signature", "0x"],
  ["65 zero bytes", `0x${"00".repeat(65)}`],
  ["64 zero bytes", `0x${"00".repeat(64)}`],
  ["a signature of a key that nobody has", concat([id("r"), `0x00${id("s").slice(4)}`, "0x1b"])],
  ["a word of ones", `0x${"ff".repeat(65)}`],
];

/**
 * Looks at the account whose signature counts for an agent. An account that delegated by EIP-7702 hands its voice to the
 * delegate's code, which may take any signature for its own.
 * @throws AffiantError ERR_UNAVAILABLE_CHAIN
 */
export async function ownerAccountOf(rpc: Rpc, { contracts }: Deployment, agent: string): Promise<OwnerAccount> {
  const registry = new Contract(contracts.agentRegistry.address, agentRegistryAbi, rpc.provider);
  const owner = await rpc.ask(() => registry.getFunction("identityOwner").staticCall(agent) as Promise<string>);
  if (owner === ZeroAddress) return { owner: null, kind: "none", takes: [] };
  const code = await rpc.ask((provider) => provider.getCode(owner));
  if (code === "0x") return { owner, kind: "key", takes: [] };
  const takes: string[] = [];
  for (const [what, signature] of nobodys) if (await saysYes(rpc, owner, signature as Hex)) takes.push(what);
  if (dataLength(code) === 23 && code.startsWith(delegation)) {
    return { owner, kind: "delegated", delegate: dataSlice(code, 3), takes };
  }
  return { owner, kind: "contract", takes };
}

async function saysYes(rpc: Rpc, account: string, signature: Hex): Promise<boolean> {
  const data = erc1271.encodeFunctionData("isValidSignature", [id("affiant: nobody signed this"), signature]);
  try {
    const answer = await rpc.ask((provider) => provider.call({ to: account, data }));
    return answer.slice(0, yes.length) === yes;
  } catch (error) {
    if (isError(error, "CALL_EXCEPTION")) return false;
    throw error;
  }
}
