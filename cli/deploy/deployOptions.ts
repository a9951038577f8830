import type { DeployFlags } from "./deployNamed.ts";

/** What `affiant deploy` and `npx hardhat deploy` take beside the network; without `value` it is a switch. */
export const deployOptions: readonly {
  readonly name: Exclude<keyof DeployFlags, "network">;
  readonly value?: string;
  readonly about: string;
}[] = [
  { name: "yes", about: "do not ask before spending" },
  { name: "dryRun", about: "show what it would cost, and end" },
  { name: "keys", value: "folder", about: "the circuits' keys: a ceremony's export (needed on public chains)" },
  { name: "upgrader", value: "address", about: "may replace code, after a delay (default: the deployer)" },
  {
    name: "upgraderDelay",
    value: "seconds",
    about: "between an upgrade's announcement and its effect (default 172800)",
  },
  {
    name: "blockTime",
    value: "seconds",
    about: "a block, for delays that count blocks (default: as the chain's last thousand blocks had it)",
  },
  { name: "guardian", value: "address", about: "may cancel upgrades and stop circuits (default: the deployer)" },
  { name: "orchestrator", value: "address", about: "keeps groups and their keys' epochs (default: the deployer)" },
  { name: "attestationService", value: "address", about: "opens rounds of attestation (default: the deployer)" },
  { name: "confirmations", value: "blocks", about: "how deep it must lie to count as done (default 5)" },
  { name: "maxFee", value: "gwei", about: "never pay more for a gas" },
  { name: "signer", value: "url", about: "a service that answers eth_signTransaction, instead of a key here" },
  { name: "from", value: "address", about: "the signer service's account" },
  { name: "artifacts", value: "folder", about: "compiled contracts (default artifacts/)" },
  { name: "deployments", value: "folder", about: "where <chainId>.json is written (default deployments/)" },
  { name: "journals", value: "folder", about: "where the journal is kept (default ignition/deployments/)" },
];
