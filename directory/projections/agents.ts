import type { ChainEvent } from "../events/event.ts";
import { type Change, type Projection, type Row, set, textOf, update, without, zeroAddress } from "./projection.ts";

const agentOf = ({ args }: ChainEvent): string => textOf(args["agent"] ?? args["identity"]);
const of = (change: (event: ChainEvent) => Change) => (event: ChainEvent) => [change(event)];

/**
 * Agents by account: who owns them, since when they are there, who may recover them. An account that used ERC-1056's functions
 * without registering has a row without `registeredAtBlock`. While no owner changed, an account owns itself.
 */
export const agents: Projection = {
  name: "agents",
  version: 1,
  on: {
    "agentRegistry.AgentRegistered": of((event) =>
      set(agentOf(event), { registeredAtBlock: event.blockNumber, changedAtBlock: event.blockNumber }),
    ),
    "agentRegistry.DIDOwnerChanged": of((event) => ({
      key: agentOf(event),
      to: (row = {}) => ({
        ...without(row, "offeredTo"),
        owner: textOf(event.args["owner"]),
        changedAtBlock: event.blockNumber,
      }),
    })),
    "agentRegistry.DIDAttributeChanged": of((event) => set(agentOf(event), { changedAtBlock: event.blockNumber })),
    "agentRegistry.DIDDelegateChanged": of((event) => set(agentOf(event), { changedAtBlock: event.blockNumber })),
    "agentRegistry.OwnerOffered": of((event) => ({
      key: agentOf(event),
      to: (row = {}) => {
        const offeredTo = textOf(event.args["newOwner"]);
        return { ...without(row, "offeredTo"), ...(offeredTo === zeroAddress ? {} : { offeredTo }) };
      },
    })),
    "agentRegistry.AgentEnded": of((event) => {
      const successor = textOf(event.args["successor"]);
      const ended: Row = { endedAtBlock: event.blockNumber };
      return set(agentOf(event), successor === zeroAddress ? ended : { ...ended, successor });
    }),
    "agentRegistry.GuardiansSet": of((event) => ({
      key: agentOf(event),
      to: (row = {}) => {
        const { guardians = [], threshold = 0, delayBlocks = 0 } = event.args;
        const bare = without(row, "guardians", "recovery");
        return threshold === 0 ? bare : { ...bare, guardians: { accounts: guardians, threshold, delayBlocks } };
      },
    })),
    "agentRegistry.RecoveryScheduled": of((event) => {
      const { newOwner = zeroAddress, readyAtBlock = 0 } = event.args;
      return set(agentOf(event), { recovery: { newOwner, readyAtBlock } });
    }),
    "agentRegistry.RecoveryDisarmed": of((event) => update(agentOf(event), (row) => without(row, "recovery"))),
    "agentRegistry.RecoveryVetoed": of((event) => update(agentOf(event), (row) => without(row, "recovery"))),
    "agentRegistry.RecoveryExecuted": of((event) => update(agentOf(event), (row) => without(row, "recovery"))),
    // A commitment is stored after its zero-knowledge proof verified, and not otherwise.
    "agentRegistry.KeyOwnershipProved": of((event) => {
      const commitment = textOf(event.args["commitment"]);
      return set(agentOf(event), { commitment, commitmentBlock: event.blockNumber });
    }),
  },
};
