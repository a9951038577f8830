import type { Hex } from "../../protocol/encoding/hex.ts";
import type { AffiantError } from "../../protocol/errors/affiantError.ts";
import type { EvidenceHeader } from "../../protocol/evidence/types.ts";
import type { ChainReader } from "../chain/chainReader.ts";
import { orElse, orSilence, silenceVerdict } from "./silence.ts";
import { fails, holds, unproven, type Verdict } from "../verdict.ts";

export const contractNames = [
  "agentRegistry",
  "policyRegistry",
  "contractRegistry",
  "attestationRegistry",
  "logAnchor",
] as const;
export type ContractName = (typeof contractNames)[number];

/** The contracts that the reader of the report trusts, if he named them; 20 bytes each, lower-case hex. */
export type TrustedContracts = Readonly<Record<ContractName, Hex>>;

export interface ContractCode {
  readonly name: ContractName;
  readonly address: Hex;
  /** keccak-256; null where there is no code. */
  readonly codeHash: Hex | null;
  /** The same for what an ERC-1967 proxy at the address delegates to; absent where it is none. */
  readonly implementation?: { readonly address: Hex; readonly codeHash: Hex | null };
}

/** Whether the endpoint serves the chain that the file speaks of. Only then does any of its answers mean something. */
export async function checkChain(header: EvidenceHeader, chain: ChainReader | undefined): Promise<Verdict> {
  const subject = { line: 1 };
  if (!chain) {
    return unproven("chain", subject, "AUDIT_CHAIN_NOT_GIVEN", {
      expected: header.chainId,
      detail: "No endpoint was given, so nothing that only the chain knows was checked.",
    });
  }
  const found = await chain.chainId();
  if (found !== header.chainId) {
    return fails("chain", subject, "AUDIT_CHAIN_OTHER", {
      expected: header.chainId,
      found,
      detail: "The endpoint serves another chain than the one the evidence speaks of.",
    });
  }
  return holds("chain", subject, `The endpoint serves chain ${found}.`);
}

/**
 * Whether there is code at the addresses and, if a deployment was given, whether they are its addresses. Without one the
 * addresses come from the file, that is from whoever wrote it: the report names that limit.
 */
export async function checkContracts(
  header: EvidenceHeader,
  chain: ChainReader,
  trusted: TrustedContracts | undefined,
): Promise<{ verdicts: Verdict[]; code: ContractCode[] }> {
  const found = await Promise.all(
    contractNames.map(async (name) => {
      const code = await orElse(
        () => codeOf(name, header.contracts[name], chain),
        (silence) => silence,
      );
      return { code, verdict: await judgeContract(name, header, code, { chain, trusted }) };
    }),
  );
  return {
    verdicts: found.map(({ verdict }) => verdict),
    code: found.map(({ code }) => code).filter((code): code is ContractCode => !(code instanceof Error)),
  };
}

async function codeOf(name: ContractName, address: Hex, chain: ChainReader): Promise<ContractCode> {
  const [codeHash, implementation] = await Promise.all([chain.codeHash(address), chain.implementationOf(address)]);
  if (implementation === null) return { name, address, codeHash };
  return {
    name,
    address,
    codeHash,
    implementation: { address: implementation, codeHash: await chain.codeHash(implementation) },
  };
}

async function judgeContract(
  name: ContractName,
  { contracts }: EvidenceHeader,
  code: ContractCode | AffiantError,
  { chain, trusted }: { readonly chain: ChainReader; readonly trusted: TrustedContracts | undefined },
): Promise<Verdict> {
  const subject = { line: 1 };
  const address = contracts[name];
  if (trusted && trusted[name] !== address) {
    return fails("contracts", subject, "AUDIT_CONTRACT_OTHER", {
      expected: trusted[name],
      found: address,
      detail: `The evidence names another ${name} than the deployment that was given.`,
    });
  }
  if (code instanceof Error) return silenceVerdict("contracts", subject, code);
  if (code.codeHash === null) {
    return fails("contracts", subject, "AUDIT_CONTRACT_ABSENT", {
      found: address,
      detail: `There is no code at the address of ${name}.`,
    });
  }
  const held = holds(
    "contracts",
    subject,
    `${name} is at ${address}${trusted ? ", as in the deployment that was given" : ""}.`,
  );
  if (name === "agentRegistry" || name === "logAnchor") return held;
  return orSilence("contracts", subject, async () => {
    const root = await chain.agentRegistryOf(address);
    if (root === contracts.agentRegistry) return held;
    return fails("contracts", subject, "AUDIT_CONTRACT_OTHER", {
      expected: root,
      found: contracts.agentRegistry,
      detail: `The ${name} belongs to another registry of agents than the evidence names.`,
    });
  });
}
