import { buildModule, type NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";

import { defaultBlockSec, lengthsAt } from "../../protocol/attestation/schedule.ts";
import {
  governanceRoleNames,
  governanceRoles,
  type RoleFunctions,
  selectorOf,
} from "../../protocol/governance/roles.ts";
import { circuitIdOf } from "../../protocol/zk/circuitId.ts";
import { publicSignalTable } from "../../protocol/zk/publicSignals.ts";

/**
 * The one description of what is deployed, for a local chain, a test and a public chain alike (DESIGN.md §10): the manager
 * of roles, the table of verifiers with its first entry, the registries behind UUPS proxies, the log's anchor, which has
 * neither proxy nor roles, and who may do what.
 *
 * Parameters, addresses unless said otherwise; who is not named is the deployer: `admin` (grants roles; has to be the
 * deployer here, a handover is a step of its own), `attestationService`, `orchestrator`, `upgrader`, `guardian`, and
 * `upgraderDelaySec`, seconds between the announcement of an upgrade and its earliest effect (default 0), which the manager
 * of roles holds every upgrade to, whoever is given that right later. The lengths of `protocol/attestation/schedule.ts`, each a
 * parameter of its name, are blocks; the defaults are those of a chain with a block every 12 seconds.
 *
 * The ids of the futures are part of the journals of deployments under way: never rename one.
 */
export default buildModule("Affiant", (m) => {
  const deployer = m.getAccount(0);
  const upgraderDelaySec = m.getParameter("upgraderDelaySec", 0);
  const accessManager = m.contract(
    "GovernanceManager",
    [deployer, governanceRoles.upgrader.id, governanceRoles.guardian.id, upgraderDelaySec],
    { id: "AccessManager" },
  );
  const verifierRegistry = m.contract("VerifierRegistry", [accessManager]);
  const logAnchor = m.contract("LogAnchor");
  const keyOwnershipVerifier = m.contract("KeyOwnershipVerifier");

  // A proxy is initialised in the transaction that creates it: there is no moment to seize it.
  type Contract = NamedArtifactContractDeploymentFuture<string>;
  type Arguments = NonNullable<Parameters<typeof m.encodeFunctionCall>[2]>;
  const behindProxy = (name: string, implementation: Contract, args: Arguments): Contract => {
    const call = m.encodeFunctionCall(implementation, "initialize", args, { id: `${name}_initialize` });
    return m.contract("ERC1967Proxy", [implementation, call], { id: `${name}_proxy` });
  };
  const lengths = lengthsAt(defaultBlockSec);
  const length = (name: keyof typeof lengths) => m.getParameter(name, lengths[name]);
  const agentImplementation = m.contract("AgentRegistry", [length("minRecoveryDelay")]);
  const agentRegistry = behindProxy("AgentRegistry", agentImplementation, [accessManager, verifierRegistry]);
  const besideAgents = [accessManager, agentRegistry];
  const policyRegistry = behindProxy("PolicyRegistry", m.contract("PolicyRegistry"), besideAgents);
  const contractRegistry = behindProxy("ContractRegistry", m.contract("ContractRegistry"), besideAgents);
  const attestationDesk = m.contract("AttestationDesk", [agentRegistry]);
  const attestationImplementation = m.contract("AttestationRegistry", [attestationDesk, agentRegistry]);
  const schedule = {
    drawDelay: length("drawDelay"),
    drawWindow: length("drawWindow"),
    silenceDelay: length("silenceDelay"),
    roundLength: length("roundLength"),
    trustLength: length("trustLength"),
    revealDepth: length("revealDepth"),
  };
  const attestationRegistry = behindProxy("AttestationRegistry", attestationImplementation, [accessManager, schedule]);
  const keyEscrow = behindProxy("KeyEscrow", m.contract("KeyEscrow"), [
    accessManager,
    attestationRegistry,
    agentRegistry,
  ]);

  // Before the roles: the deployer may not do it any more afterwards.
  const entered = m.call(verifierRegistry, "schedule", [
    circuitIdOf("key-ownership"),
    keyOwnershipVerifier,
    publicSignalTable["key-ownership"].length,
  ]);

  // One transaction: there is no moment in which half of the roles are set up.
  const governed = {
    agentRegistry,
    policyRegistry,
    contractRegistry,
    attestationRegistry,
    keyEscrow,
    verifierRegistry,
  };
  const setUp = governanceRoleNames.flatMap((name) => {
    const { id, label, delayed, functions } = governanceRoles[name];
    const encode = (call: string, part: string, args: NonNullable<Parameters<typeof m.encodeFunctionCall>[2]>) =>
      m.encodeFunctionCall(accessManager, call, args, { id: `${name}_${part}` });
    const holder = m.getParameter(name, deployer as unknown as string);
    const delaySec = delayed ? upgraderDelaySec : 0;
    return [
      encode("labelRole", "label", [id, label]),
      ...Object.entries(functions as RoleFunctions).map(([contract, signatures]) => {
        const selectors = signatures.map(selectorOf);
        return encode("setTargetFunctionRole", contract, [governed[contract as keyof typeof governed], selectors, id]);
      }),
      encode("grantRole", "grant", [id, holder, delaySec]),
    ];
  });
  const guard = m.encodeFunctionCall(
    accessManager,
    "setRoleGuardian",
    [governanceRoles.upgrader.id, governanceRoles.guardian.id],
    { id: "upgrader_guardian" },
  );
  m.call(accessManager, "multicall", [[...setUp, guard]], {
    id: "roles",
    after: [entered, ...Object.values(governed)],
  });

  return {
    accessManager,
    verifierRegistry,
    agentRegistry,
    policyRegistry,
    contractRegistry,
    attestationRegistry,
    keyEscrow,
    logAnchor,
    keyOwnershipVerifier,
    attestationDesk,
  };
});
