import type { ChainEvent } from "../events/event.ts";
import { type Change, type Projection, set, textOf, update } from "./projection.ts";

/** Role numbers go up to 2^64 − 1, which is the public one: twenty digits. */
const role = (value: unknown): string => String(value).padStart(20, "0");

const upgradeable = [
  "agentRegistry",
  "policyRegistry",
  "contractRegistry",
  "attestationRegistry",
  "keyEscrow",
] as const;

function ofEach(event: string, change: (contract: string, event: ChainEvent) => Change) {
  return Object.fromEntries(
    upgradeable.map((name) => [`${name}.${event}`, (happened: ChainEvent) => [change(name, happened)]] as const),
  );
}

/**
 * Who may do what (`role/…`, `function/…`, `target/…`), what is announced and not yet done (`operation/…`: an upgrade is one),
 * and which code stands behind each registry (`code/…`). Times are Unix seconds of the chain's clock.
 */
export const governance: Projection = {
  name: "governance",
  version: 1,
  on: {
    "accessManager.RoleGranted": ({ args }) => {
      const { delay = 0, since = 0, newMember = false } = args;
      const key = `member/${role(args["roleId"])}/${textOf(args["account"])}`;
      return [
        newMember
          ? { key, to: () => ({ delaySec: delay, sinceSec: since }) }
          : update(key, (row) => ({ ...row, nextDelaySec: delay, nextDelaySinceSec: since })),
      ];
    },
    "accessManager.RoleRevoked": ({ args }) => [
      { key: `member/${role(args["roleId"])}/${textOf(args["account"])}`, to: () => undefined },
    ],
    "accessManager.RoleLabel": ({ args }) => [set(`role/${role(args["roleId"])}`, { label: args["label"] ?? "" })],
    "accessManager.RoleAdminChanged": ({ args }) => [
      set(`role/${role(args["roleId"])}`, { admin: String(args["admin"]) }),
    ],
    "accessManager.RoleGuardianChanged": ({ args }) => [
      set(`role/${role(args["roleId"])}`, { guardian: String(args["guardian"]) }),
    ],
    "accessManager.RoleGrantDelayChanged": ({ args }) => [
      set(`role/${role(args["roleId"])}`, {
        grantDelaySec: args["delay"] ?? 0,
        grantDelaySinceSec: args["since"] ?? 0,
      }),
    ],
    "accessManager.TargetClosed": ({ args }) => [
      set(`target/${textOf(args["target"])}`, { isClosed: args["closed"] ?? false }),
    ],
    "accessManager.TargetAdminDelayUpdated": ({ args }) => [
      set(`target/${textOf(args["target"])}`, {
        adminDelaySec: args["delay"] ?? 0,
        adminDelaySinceSec: args["since"] ?? 0,
      }),
    ],
    "accessManager.TargetFunctionRoleUpdated": ({ args }) => [
      set(`function/${textOf(args["target"])}/${textOf(args["selector"])}`, { roleId: String(args["roleId"]) }),
    ],
    "accessManager.FunctionDelayed": ({ args }) => [
      set(`function/${textOf(args["target"])}/${textOf(args["selector"])}`, { isDelayed: true }),
    ],
    "accessManager.OperationScheduled": ({ args, blockNumber }) => {
      const { nonce = 0, schedule = 0, caller = "", target = "", data = "" } = args;
      const row = { nonce, notBeforeSec: schedule, caller, target, data, announcedAtBlock: blockNumber };
      return [{ key: `operation/${textOf(args["operationId"])}`, to: () => row }];
    },
    "accessManager.OperationExecuted": (event) => [done(event)],
    "accessManager.OperationCanceled": (event) => [done(event)],
    ...ofEach("Upgraded", (contract, { args, blockNumber }) =>
      set(`code/${contract}`, { implementation: args["implementation"] ?? "", sinceBlock: blockNumber }),
    ),
    ...ofEach("UpgradesFrozen", (contract, { blockNumber }) => set(`code/${contract}`, { frozenAtBlock: blockNumber })),
    ...ofEach("AuthorityUpdated", (contract, { args }) =>
      set(`code/${contract}`, { authority: args["authority"] ?? "" }),
    ),
    "verifierRegistry.VerifierScheduled": ({ args, blockNumber }) => {
      const { verifier = "", publicSignalCount = 0, codeHash = "", activatableAtSec = 0 } = args;
      const scheduled = { verifier, publicSignalCount, codeHash, activatableAtSec, announcedAtBlock: blockNumber };
      return [set(`verifier/${textOf(args["circuitId"])}`, { scheduled })];
    },
    "verifierRegistry.VerifierActivated": ({ args, blockNumber }) => [
      update(`verifier/${textOf(args["circuitId"])}`, ({ scheduled: _, ...row }) => ({
        ...row,
        active: { verifier: args["verifier"] ?? "", codeHash: args["codeHash"] ?? "", sinceBlock: blockNumber },
      })),
    ],
    "verifierRegistry.VerifierCancelled": ({ args }) => [
      update(`verifier/${textOf(args["circuitId"])}`, ({ scheduled: _, ...row }) => row),
    ],
    "verifierRegistry.VerifierDisabled": ({ args, blockNumber }) => [
      update(`verifier/${textOf(args["circuitId"])}`, ({ active: _, ...row }) => ({
        ...row,
        disabledAtBlock: blockNumber,
      })),
    ],
  },
};

/** Only what waits is state; that it was done or called off is in its event. */
function done({ args }: ChainEvent): Change {
  return { key: `operation/${textOf(args["operationId"])}`, to: () => undefined };
}
