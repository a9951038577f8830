import { getAddress } from "ethers";

import type { TaskPlace } from "../../protocol/attestation/task.ts";
import type { RegistryReader } from "../service/registry.ts";

/** Whether the chain, too, says that it is this agent's turn: the service brings tasks, it does not choose verifiers. */
export function drawnByChain(reader: RegistryReader, agent: string): (place: TaskPlace) => Promise<boolean> {
  return async ({ round, seed, target }) => {
    if (round === 0) return getAddress(await reader.introducer()) === agent;
    const now = await reader.round();
    if (now?.phase !== "drawn" || now.number !== round || now.seed !== seed) return false;
    return (await reader.panelOf(target)).verifiers.includes(agent);
  };
}
