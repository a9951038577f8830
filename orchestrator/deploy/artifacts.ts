import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Artifact as IgnitionArtifact, ArtifactResolver, BuildInfo } from "@nomicfoundation/ignition-core";
import type { InterfaceAbi } from "ethers";

import { AffiantError } from "../../protocol/errors/affiantError.ts";

/** What the compiler wrote of one contract: enough to deploy it. */
export interface Artifact {
  readonly contractName: string;
  readonly sourceName: string;
  readonly abi: InterfaceAbi;
  readonly bytecode: string;
}

/** `artifacts/` of this checkout, where `npm run build` writes. */
export const defaultArtifactsDir = join(import.meta.dirname, "../../artifacts");

/** Every contract that a deployment puts on a chain, by the compiler's name. */
export const deployedArtifactNames = [
  "GovernanceManager",
  "VerifierRegistry",
  "AgentRegistry",
  "PolicyRegistry",
  "ContractRegistry",
  "AttestationDesk",
  "AttestationRegistry",
  "KeyEscrow",
  "LogAnchor",
  "ERC1967Proxy",
  "KeyOwnershipVerifier",
] as const;

/**
 * Finds compiled contracts by name, wherever their source lies.
 * @throws AffiantError ERR_INPUT_FILE if one is not compiled, or if two sources define the name
 */
export async function readArtifacts(
  names: readonly string[],
  artifactsDir = defaultArtifactsDir,
): Promise<ReadonlyMap<string, Artifact>> {
  const paths = await listArtifacts(artifactsDir);
  const found = new Map<string, Artifact>();
  for (const name of names) {
    const [path, second] = paths.filter((candidate) => candidate.endsWith(`/${name}.sol/${name}.json`));
    if (path === undefined || second !== undefined) {
      const problem = second === undefined ? "is not compiled" : "is defined by two sources";
      throw new AffiantError("ERR_INPUT_FILE", `the contract ${name} ${problem}`, { hint: "Run: npm run build" });
    }
    found.set(name, JSON.parse(await readFile(join(artifactsDir, path), "utf8")) as Artifact);
  }
  return found;
}

/** The same for Ignition, which also keeps the compiler's input beside its journal, for the verification of sources. */
export function artifactResolver(
  artifacts: ReadonlyMap<string, Artifact>,
  artifactsDir = defaultArtifactsDir,
): ArtifactResolver {
  const loadArtifact = (name: string): Promise<IgnitionArtifact> => {
    const artifact = artifacts.get(name);
    if (!artifact)
      return Promise.reject(new AffiantError("ERR_INTERNAL_UNEXPECTED", `no artifact was read for ${name}`));
    return Promise.resolve(artifact as unknown as IgnitionArtifact);
  };
  return {
    loadArtifact,
    getBuildInfo: async (name) => {
      const { buildInfoId } = await loadArtifact(name);
      if (buildInfoId === undefined) return undefined;
      const text = await readFile(join(artifactsDir, "build-info", `${buildInfoId}.json`), "utf8").catch(
        () => undefined,
      );
      return text === undefined ? undefined : (JSON.parse(text) as BuildInfo);
    },
  };
}

async function listArtifacts(artifactsDir: string): Promise<readonly string[]> {
  try {
    const files = await readdir(artifactsDir, { recursive: true });
    return files.map((file) => `/${file.replaceAll("\\", "/")}`).filter((file) => !file.startsWith("/build-info/"));
  } catch (cause) {
    throw new AffiantError("ERR_INPUT_FILE", "the contracts are not compiled", { hint: "Run: npm run build", cause });
  }
}
