/** A core contract: what is mutated, and which tests have to notice. */
export interface Subject {
  readonly name: string;
  /** What is compiled: the contract, and whatever else of these sources is deployed. */
  readonly entries: readonly string[];
  /** Every source that is mutated. A source that several contracts share belongs to one of them. */
  readonly sources: readonly string[];
  /** Tests in the order in which they are run, the quick ones first; the first that fails ends the mutant. */
  readonly tests: readonly TestGroup[];
  /** Contracts that only the mocha tests deploy. */
  readonly support: readonly string[];
}

export interface TestGroup {
  readonly runner: "mocha" | "solidity";
  readonly files: readonly string[];
}

const mocha = (...names: string[]): TestGroup => ({
  runner: "mocha",
  files: names.map((name) => `test/contracts/${name}.test.ts`),
});
const solidity = (...names: string[]): TestGroup => ({
  runner: "solidity",
  files: names.map((name) => `test/contracts/${name}.t.sol`),
});
const inFolder = (folder: string, ...names: string[]): string[] =>
  names.map((name) => `contracts/${folder}/${name}.sol`);

export const subjects: readonly Subject[] = [
  {
    name: "AgentRegistry",
    entries: ["contracts/AgentRegistry.sol"],
    sources: [
      "contracts/AgentRegistry.sol",
      ...inFolder("agent", "AgentStore", "AgentKeys", "KeyWindows", "AgentDocument", "AgentOwnership", "AgentRecovery"),
      "contracts/types/IdentityWord.sol",
      ...inFolder("libraries", "Ed25519Key", "OwnerSignature"),
      "contracts/base/GovernedRegistry.sol",
    ],
    tests: [
      solidity(
        ...["keys", "document", "keyOwnership", "owners", "recovery"].map((part) => `AgentRegistry.${part}`),
        ...["Ed25519Key", "OwnerSignature", "RegistryGovernance"],
      ),
      mocha("AgentRegistry.signed", "AgentRegistry.keyOwnership", "AgentRegistry.resolver"),
      solidity("Registry.invariant"),
    ],
    support: [],
  },
  {
    name: "PolicyRegistry",
    entries: ["contracts/PolicyRegistry.sol"],
    sources: ["contracts/PolicyRegistry.sol", "contracts/types/PolicyWord.sol"],
    tests: [solidity("PolicyRegistry", "RegistryGovernance"), solidity("Registry.invariant")],
    support: [],
  },
  {
    name: "LogAnchor",
    entries: ["contracts/LogAnchor.sol"],
    sources: ["contracts/LogAnchor.sol", "contracts/libraries/Rfc9162.sol"],
    tests: [mocha("LogAnchor", "LogAnchorEquivocation"), solidity("Rfc9162")],
    support: [],
  },
  {
    name: "AttestationRegistry",
    entries: ["contracts/AttestationRegistry.sol", "contracts/attestation/AttestationDesk.sol"],
    sources: [
      "contracts/AttestationRegistry.sol",
      ...inFolder(
        "attestation",
        ...["AttestationStore", "AttestationRoster", "AttestationRounds", "AttestationPanels", "AttestationHearing"],
        ...["AttestationVerdicts", "AttestationEnrolments", "AttestationOpening", "AttestationReader"],
      ),
      "contracts/libraries/AttestationSchedule.sol",
      "contracts/types/AttestationWords.sol",
    ],
    tests: [
      solidity("AttestationSchedule"),
      mocha(
        "AttestationRegistry",
        "AttestationRegistry.verdicts",
        "AttestationRegistry.limits",
        "AttestationRegistry.attacks",
      ),
      solidity("AttestationRegistry.invariant"),
    ],
    support: [],
  },
  {
    name: "KeyEscrow",
    entries: ["contracts/KeyEscrow.sol"],
    sources: ["contracts/KeyEscrow.sol", ...inFolder("escrow", "EscrowStore", "EscrowEpochs", "EscrowRecovery")],
    tests: [mocha("KeyEscrow", "KeyEscrow.recovery", "KeyEscrow.limits"), solidity("KeyEscrow.invariant")],
    support: ["test/contracts/support/TrustStub.sol"],
  },
  {
    name: "ContractRegistry",
    entries: ["contracts/ContractRegistry.sol"],
    sources: ["contracts/ContractRegistry.sol"],
    tests: [mocha("ContractRegistry")],
    support: [],
  },
  {
    name: "VerifierRegistry",
    entries: ["contracts/VerifierRegistry.sol"],
    sources: ["contracts/VerifierRegistry.sol"],
    tests: [mocha("VerifierRegistry")],
    support: [],
  },
];
