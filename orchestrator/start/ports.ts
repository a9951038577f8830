import { assertPortFree, freePorts } from "../preflight/ports.ts";
import type { GroundPorts } from "./ground.ts";
import type { SystemOptions } from "./system.ts";

export interface Ports extends GroundPorts {
  readonly agents: Record<string, { readonly program: number; readonly wrapper: number }>;
}

/** @throws AffiantError ERR_CONFLICT_PORT */
export async function choosePorts({ relayerPort, rpcPort, pipeline }: SystemOptions): Promise<Ports> {
  if (relayerPort !== 0) await assertPortFree(relayerPort, "the relayer", "--port");
  if (rpcPort !== 0) await assertPortFree(rpcPort, "the local chain", "--rpc-port");
  const [relayer = 0, rpc = 0, attestation = 0, ...rest] = await freePorts(2 * pipeline.agents.length + 3);
  const agents = pipeline.agents.map(({ name }, i) => {
    return [name, { program: rest[2 * i] ?? 0, wrapper: rest[2 * i + 1] ?? 0 }] as const;
  });
  return { relayer: relayerPort || relayer, rpc: rpcPort || rpc, attestation, agents: Object.fromEntries(agents) };
}
