import type { LogDescription } from "ethers";

import type { DeployedContractName } from "../../protocol/deployment.ts";

/** Someone who holds a role. */
export interface RoleMember {
  /** EIP-55. */
  readonly account: string;
  /** Seconds between announcing an act and doing it; 0 = at once. */
  readonly delaySec: number;
  /** Unix seconds from which the role counts; later than the block's time if the grant itself is delayed. */
  readonly sinceSec: number;
  /** A change of the delay that is on its way. */
  readonly pendingDelay?: { readonly delaySec: number; readonly fromSec: number };
}

export interface RoleState {
  /** Decimal. */
  readonly id: string;
  readonly name: string;
  readonly words: string;
  readonly members: readonly RoleMember[];
  /** The role that may cancel what its members announced. */
  readonly guardian: string;
  /** The role that grants and takes it. */
  readonly admin: string;
  readonly grantDelaySec: number;
  /** What it opens, by contract. */
  readonly functions: readonly { readonly contract: string; readonly function: string }[];
}

/** An act that was announced in the AccessManager and is neither done nor cancelled. */
export interface PendingOperation {
  readonly id: string;
  readonly caller: string;
  /** Contract's name, or its address where the deployment does not name it. */
  readonly target: string;
  readonly call: string;
  readonly readyAtSec: number;
  readonly expiresAtSec: number;
  readonly state: "waiting" | "ready" | "expired";
}

export interface GovernedContract {
  readonly contract: DeployedContractName;
  /** Behind the proxy now. */
  readonly implementation: string;
  /** Blocks in which the code was set, the first one included. */
  readonly setAtBlocks: readonly number[];
  readonly frozen: boolean;
  readonly closed: boolean;
}

export interface CircuitState {
  readonly circuitId: string;
  /** In effect; null if the circuit was stopped. */
  readonly verifier: string | null;
  readonly announced?: { readonly verifier: string; readonly fromSec: number };
}

/** Who can do what with the contracts of a deployment, and when, as a chain tells at one block. */
export interface Governance {
  readonly chainId: number;
  readonly blockNumber: number;
  readonly blockSec: number;
  readonly roles: readonly RoleState[];
  readonly pending: readonly PendingOperation[];
  readonly contracts: readonly GovernedContract[];
  readonly circuits: readonly CircuitState[];
  /** What a careful reader should not overlook. */
  readonly warnings: readonly string[];
}

/** One event of the contracts that are governed, decoded. */
export interface GovernanceEvent {
  readonly address: string;
  readonly blockNumber: number;
  readonly log: LogDescription;
}
