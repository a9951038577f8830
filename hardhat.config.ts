import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import hardhatToolboxMochaEthers from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { defineConfig } from "hardhat/config";

/** The compiler comes from the npm package `solc`, so that compiling needs no download. */
const solcPath = createRequire(import.meta.url).resolve("solc/soljson.js");

const registryTests = readdirSync(join(import.meta.dirname, "test/contracts"))
  .filter((name) => /^(Agent|Attestation|Policy)?Registry.*\.t\.sol$/.test(name))
  .map((name) => `test/contracts/${name}`);

function settings(runs: number): Record<string, unknown> {
  return { evmVersion: "cancun", optimizer: { enabled: true, runs }, metadata: { bytecodeHash: "none" } };
}

export default defineConfig({
  plugins: [hardhatToolboxMochaEthers],
  solidity: {
    // OpenZeppelin's own contracts that are deployed as they are: the manager of roles, and the proxy of the registries.
    npmFilesToBuild: [
      "@openzeppelin/contracts/access/manager/AccessManager.sol",
      "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol",
    ],
    compilers: [
      {
        version: "0.8.37",
        path: solcPath,
        settings: settings(20_000),
      },
    ],
    // These registries' code has to fit the limit of EIP-170 (24,576 bytes); their tests run what is deployed.
    overrides: Object.fromEntries(
      [
        "contracts/AgentRegistry.sol",
        "contracts/AttestationRegistry.sol",
        "test/contracts/support/RegistryTest.sol",
        ...registryTests,
      ].map((source) => [source, { version: "0.8.37", path: solcPath, settings: settings(200) }]),
    ),
  },
  paths: {
    sources: "./contracts",
    tests: { solidity: "./test/contracts", mocha: "./test" },
  },
  test: {
    solidity: {
      fsPermissions: { readDirectory: ["protocol/vectors"] },
      fuzz: { runs: 256 },
      invariant: { runs: 64, depth: 64 },
    },
    mocha: { timeout: 120_000 },
  },
});
