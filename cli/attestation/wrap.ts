import { join } from "node:path";

import { type Command } from "commander";
import { Contract } from "ethers";

import { agentFolder } from "../../agent/keys/agentFolder.ts";
import { openAgentKeys } from "../../agent/keys/keystore.ts";
import { Registries } from "../../agent/chain/registries.ts";
import { Rpc } from "../../agent/chain/rpc.ts";
import { RegistryReader } from "../../attestation/service/registry.ts";
import { drawnByChain } from "../../attestation/verifier/drawnByChain.ts";
import { Verifier } from "../../attestation/verifier/verifier.ts";
import { serveAttestation } from "../../attestation/wrap/attestationServer.ts";
import { readWrapping } from "../../attestation/wrap/wrapping.ts";
import { Wrapper } from "../../attestation/wrap/wrapper.ts";
import { AffiantError } from "../../protocol/errors/affiantError.ts";
import { iAttestationRegistryAbi } from "../../protocol/generated/abi/IAttestationRegistry.ts";
import { command, type CommonFlags } from "../command.ts";
import { readEnvironment, requireDeployment, requireRpcUrl } from "../environment.ts";
import { printError } from "../output.ts";

interface Flags extends CommonFlags {
  readonly agent: string;
  readonly wrapping?: string;
  readonly port: string;
  readonly host: string;
}

export function wrapCommand(): Command {
  return command(
    "wrap",
    "Run an agent's program under supervision, answer challenges about what runs, and verify other agents when drawn.",
    "chain",
    ["affiant wrap --agent support --port 4100 -- node agent.ts"],
  )
    .argument("<command...>", "the program and its arguments, after --")
    .requiredOption("--agent <name>", "whose program it is")
    .option("--wrapping <file>", "what the attestation service gave (default: wrapping.json in the agent's folder)")
    .option("--port <port>", "where challenges are answered; 0 = any that is free", "0")
    .option("--host <address>", "on which address", "127.0.0.1")
    .action(async (words: readonly string[], flags: Flags) => {
      try {
        await wrap(words, flags);
      } catch (error) {
        printError(error, flags.json ?? false);
        process.exit();
      }
    });
}

async function wrap([program, ...args]: readonly string[], flags: Flags): Promise<void> {
  if (program === undefined) throw new AffiantError("ERR_INPUT_CONFIG", "give a program to wrap, after --");
  const environment = readEnvironment(flags);
  const { dataDir, passphrase } = environment;
  const deployment = requireDeployment(environment);
  const { account, signing, facts } = await openAgentKeys(dataDir, flags.agent, passphrase);
  const path = flags.wrapping ?? join(agentFolder(dataDir, flags.agent).path, "wrapping.json");
  const wrapping = await readWrapping(path);
  if (wrapping.agent !== facts.did) {
    throw new AffiantError("ERR_INPUT_CONFIG", `${path} is the wrapping of ${wrapping.agent}, not of ${flags.agent}`);
  }
  const rpc = new Rpc({ url: requireRpcUrl(environment), chainId: deployment.chainId });
  const registries = new Registries(rpc, deployment);
  const wrapper = await Wrapper.start({ command: [program, ...args], wrapping, signing });
  const { address } = deployment.contracts.attestationRegistry;
  const reader = new RegistryReader(new Contract(address, iAttestationRegistryAbi, rpc.provider), address);
  const verifier = new Verifier({
    account,
    chainId: deployment.chainId,
    registry: address,
    encryptionKeys: wrapper.encryptionKeys,
    servicePublicKey: wrapping.servicePublicKey,
    isSigningKey: (agent, key) => registries.isSigningKey(agent, key),
    isDrawn: drawnByChain(reader, account.address),
  });
  const server = await serveAttestation({ wrapper, verifier, host: flags.host, port: readPort(flags.port) });
  // stdout belongs to the program.
  process.stderr.write(`affiant wrap: process ${wrapper.pid}, challenges at ${server.url}\n`);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void wrapper.stop());
  const { code, signal } = await wrapper.ended;
  await server.close();
  rpc.close();
  process.exit(code ?? (signal === null ? 1 : 0));
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^[0-9]{1,5}$/.test(text) && port <= 65_535) return port;
  throw new AffiantError("ERR_INPUT_CONFIG", `--port is a port from 0 to 65535, not "${text}"`);
}
