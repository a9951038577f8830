import type { Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { requireDeployment, requireRelayerUrl, requireRpcUrl } from "./environment.ts";
import { columns } from "./output.ts";
import { Registries } from "../agent/chain/registries.ts";
import { Rpc } from "../agent/chain/rpc.ts";
import { readAgentFacts } from "../agent/keys/agentFolder.ts";
import { RelayerClient } from "../agent/relayer/relayerClient.ts";
import { parseEthrDid } from "../protocol/did/ethr.ts";
import { AffiantError } from "../protocol/errors/affiantError.ts";
import { compilePolicy } from "../protocol/policy/compile.ts";
import { policyHashOf } from "../protocol/policy/policyHash.ts";

export function policyShowCommand(): Command {
  return command("show", "Show the policy that is in force for an agent, as the chain has it.", "all", [
    "affiant policy show support",
    "affiant policy show did:ethr:0x7a69:0x1699cb51369ba5562acff6c8435e637ac58f3f29",
  ])
    .argument("<agent>", "name of an agent in the data folder, or a DID")
    .action(
      run<CommonFlags, [string]>(async ({ environment }, _flags, agent) => {
        const did = agent.startsWith("did:") ? agent : (await readAgentFacts(environment.dataDir, agent)).did;
        const { address } = parseEthrDid(did);
        const deployment = requireDeployment(environment);
        const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId });
        const committed = await new Registries(rpc, deployment).policyOf(address).finally(() => rpc.close());
        if (!committed) throw new AffiantError("ERR_CONFLICT_NO_POLICY", `${did} has committed to no policy`);
        const bundle = await new RelayerClient({ url: requireRelayerUrl(environment) }).policy(committed.policyHash);
        if (policyHashOf(bundle) !== committed.policyHash) {
          throw new AffiantError("ERR_PROOF_POLICY", "the relayer gave another bundle than the one that is in force");
        }
        const rules = [...compilePolicy(bundle).rules.values()].map(({ id, rule }) => ({ id, rule }));
        return {
          data: { agent: did, ...committed, bundle, rules },
          lines: [
            ...columns([
              ["agent", did],
              ["policy", bundle.name],
              ["hash", committed.policyHash],
              ["version", committed.version],
              ["since block", committed.sinceBlock],
            ]),
            ...rules.map(({ id, rule }) => `  ${id}: ${rule}`),
          ],
        };
      }),
    );
}
