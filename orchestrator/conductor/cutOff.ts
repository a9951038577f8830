import { readAgentFacts } from "../../agent/keys/agentFolder.ts";
import type { Hex } from "../../protocol/encoding/hex.ts";
import { issuedContracts } from "../fleet/contractFiles.ts";
import { threadOf } from "../fleet/fleet.ts";
import type { Incumbent } from "../state/records.ts";
import type { Conductor } from "./conductor.ts";

/**
 * Cuts a convicted agent off: its program is ended, the contracts that it granted and those granted to it are revoked, its
 * wrapper is ended, and its groups rotate away from the keys that it held. The escrow has ended those keys by itself in
 * the block of the quarantine; a new one for the others is what is left to do. Done again after a crash it does the rest.
 *
 * @param block of the conviction
 */
export async function cutOff(conductor: Conductor, incumbent: Incumbent, block: number, say: Say): Promise<Incumbent> {
  const { self, fleet, records } = conductor.options;
  const { agent, folder } = incumbent;
  const thread = threadOf(incumbent);
  const input = { agent, did: incumbent.did ?? "", status: "convicted", block };
  // Its own policy is asked before anything is done.
  await self.record({ act: "agent.cut-off", thread, key: `${thread} cut-off`, input });
  await fleet.command(agent, { do: "end-program" }).catch(() => undefined);
  const revoked = await revokeContracts(conductor, incumbent);
  await fleet.dismiss(agent);
  say(`${folder} is cut off: program ended, ${revoked} contracts revoked, wrapper ended`);
  const convicted = records.change(incumbent, { state: "convicted", convictedAtBlock: block });
  for (const publisher of await conductor.groups()) {
    if (conductor.pipeline.groups.some(({ members }) => members.includes(agent))) {
      const published = await publisher.step();
      if (!published) continue;
      await conductor.admit(publisher);
      say(`${publisher.name}: key ${published.epoch} given to ${published.members.length} agents, without ${folder}`);
    }
  }
  return convicted;
}

type Say = (text: string) => void;

/** Each contract is revoked by whoever granted it: nobody else holds the key that can. */
async function revokeContracts(conductor: Conductor, convicted: Incumbent): Promise<number> {
  const { layout, fleet, records } = conductor.options;
  const { signingKey } = await readAgentFacts(layout.dataDir, convicted.folder);
  const byIssuer = new Map<string, Hex[]>();
  for (const { id, issuer, audience } of issuedContracts(layout.dataDir)) {
    if (issuer === signingKey || audience === signingKey) byIssuer.set(issuer, [...(byIssuer.get(issuer) ?? []), id]);
  }
  let revoked = 0;
  for (const { name } of conductor.pipeline.agents) {
    const incumbent = records.incumbent(name);
    if (!incumbent) continue;
    const facts = await readAgentFacts(layout.dataDir, incumbent.folder).catch(() => undefined);
    const contractIds = facts && byIssuer.get(facts.signingKey);
    if (!contractIds) continue;
    const done = fleet.command(name, { do: "revoke", contractIds }).then(
      () => contractIds.length,
      () => 0,
    );
    revoked += await done;
  }
  return revoked;
}
